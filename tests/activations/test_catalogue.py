"""Every family of the registry, found by name: a new file in the catalogue is tested here without a change."""

import inspect
import re
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from tests.activations.definitions import DEFINITIONS
from tests.activations.sparse_definitions import SPARSE_DEFINITIONS
from vmap_theory.activations import catalogue

NAMES = vt.family_names()
DEFINED: dict[str, Callable[..., Any]] = DEFINITIONS | SPARSE_DEFINITIONS
EPS = 2.0**-52

# Formulas that subtract: phi comes with an error relative to what is subtracted, and not to itself.
SUBTRACTED: dict[str, Callable[..., Any]] = {
    "bent_identity": lambda x: 1,
    "celu": lambda x, alpha: alpha,
    "elu": lambda x, alpha: alpha,
    "gelu": np.abs,
    "gelu_tanh": np.abs,
    "selu": lambda x: 2,
    "sigmoid_like": lambda x: 1,
    "tanhshrink": np.abs,
}


def drawn(parameters: Iterable[vt.Parameter], rng: np.random.Generator) -> dict[str, Any]:
    """Typical values, as integers and floats."""
    values = {p.name: p.draw(rng) for p in parameters}
    return {name: int(value) if value.is_Integer else float(value) for name, value in values.items()}


def family_at(name: str, rng: np.random.Generator) -> vt.Activation:
    """The family with typical values for the parameters that its pieces depend on as a whole."""
    family = vt.family(name)
    return family.bind(**drawn([p for p in family.parameters if p.integer], rng))


def test_files_of_the_catalogue_are_the_registry() -> None:
    files = {path.stem for path in Path(catalogue.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(NAMES) == files
    assert list(NAMES) == sorted(NAMES)


def test_the_four_sparse_families_are_there() -> None:
    assert {"relu_tau", "soft_threshold", "crelu", "cst"} <= set(NAMES)


def test_the_catalogue_is_large() -> None:
    assert len(NAMES) >= 40


def test_every_family_is_defined_once_more_for_the_tests() -> None:
    assert not set(DEFINITIONS) & set(SPARSE_DEFINITIONS), "one definition a family"
    assert set(DEFINED) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_data_is_complete(name: str) -> None:
    act = vt.family(name)
    assert act.name == name
    assert len(act.title) > 5
    assert re.match(r".{3,}\((19|20)\d\d\), .{10,}\.$", act.source), "authors (year), title, where."
    module = import_module(f"{catalogue.__name__}.{name}")
    assert inspect.getdoc(module)
    assert all(parameter.meaning for parameter in act.parameters)
    assert act.limits or not act.parameters, "a family with a parameter becomes another family in some limit"


@pytest.mark.parametrize("name", NAMES)
def test_typical_ranges_lie_inside_the_domains(name: str) -> None:
    for parameter in vt.family(name).parameters:
        low, high = parameter.typical
        assert low < high
        assert parameter.domain.contains(sp.Rational(low)) == sp.true
        assert parameter.domain.contains(sp.Rational(high)) == sp.true
        if parameter.default is not None:
            assert parameter.domain.contains(parameter.default) == sp.true
        if parameter.integer:
            assert low == int(low)
            assert high == int(high)
            assert parameter.default is None or parameter.default.is_Integer


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_the_file_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(vt.__file__).parents[1] / "docs" / "_ext")
    pages = import_module("catalogue_pages")
    for slow in ("numbers_markdown", "edge_of_chaos_markdown"):
        monkeypatch.setattr(pages, slow, lambda act: [])
    act = vt.family(name)
    lines = pages.page(name)
    assert {f"(family-{name})=", f"# {name}", f"{act.title}.", f"{{image}} {name}.png", act.source} <= {
        line.lstrip("`") for line in lines
    }
    text = "\n".join(lines).replace("\\|", "|")  # as tables write it
    assert all(f"`{parameter.name}`" in text and parameter.meaning in text for parameter in act.parameters)
    assert all(f"it becomes [{limit.family}]({limit.family}.md)" in text for limit in act.limits)
    assert all(f"`torch.nn.{entry.name}(" in text for entry in act.torch)
    assert ("## Penalty" in text) == (act.penalty is not None)
    closed = vt.derive(pages.with_usual_numbers(act, integers_alone=True)).is_exact
    assert (pages.NO_CLOSED_FORM in text) == (not closed)


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_told_on_both_pages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(vt.__file__).parents[1] / "docs" / "_ext")
    pages = import_module("catalogue_pages")
    for limit in vt.family(name).limits:
        if limit.family != name:
            other = "\n".join(pages.limits_markdown(vt.family(limit.family)))
            assert f"It is the limit of [{name}]({name}.md) as `{limit.parameter}`" in other


@pytest.mark.parametrize("name", ["tanh", "relu_tau", "relu", "hard_threshold", "hardswish"])
def test_the_page_tells_the_edge_of_chaos(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(vt.__file__).parents[1] / "docs" / "_ext")
    text = "\n".join(import_module("catalogue_pages").edge_of_chaos_markdown(vt.family(name)))
    expected = {
        "tanh": ["is concave there; the slope is below 1, and the fixed point attracts.", "| 1 | stable |"],
        "relu_tau": ["is convex there; with slope 1 the fixed point attracts from below", "| 1 | semi-stable |"],
        "relu": [
            "There $V(q) = q$ to rounding for every $q$ over many decades: no fixed point is isolated.",
        ],
        "hard_threshold": ["There is none at $q^* = 1$", "The error says: hard_threshold(tau=1.35) jumps at x = "],
        "hardswish": ["is convex there; the slope is above 1, and the fixed point repels.", "| 1 | unstable |"],
    }
    assert all(part in text for part in expected[name])


@pytest.mark.parametrize("name", sorted(DEFINED))
def test_values_are_those_of_the_definition(name: str, rng: np.random.Generator) -> None:
    define = DEFINED[name]
    for _ in range(5):
        values = drawn(vt.family(name).parameters, rng)
        scales = np.geomspace(1e-9, 1e3, 60)
        x = np.concatenate([rng.normal(scale=3, size=400), scales, -scales, [0.0, -0.0, 1e-300, 1e6, -1e6]])
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # exp(b x) at 1e6
            expected = define(x, **values)
            # Two ways to compute a formula of a few steps differ by a few roundings of the result, and as much as
            # roundings of the argument move it: sin(b x) for large x, or a polynomial near a zero.
            moved = sum(np.abs(define(x * (1 + 4 * side * EPS), **values) - expected) for side in (-1, 1))
            subtracted = SUBTRACTED[name](x, **values) if name in SUBTRACTED else 0.0
            allowed = EPS * (4 * np.abs(expected) + 4 * subtracted) + moved + 1e-300
            found = vt.activation(name, **values)(x)
            good = (found == expected) | (np.abs(found - expected) <= allowed)  # equal: both infinite
        assert good.all(), (values, x[~good][:5], found[~good][:5], expected[~good][:5])


@pytest.mark.parametrize("name", NAMES)
def test_pieces_cover_the_line(name: str, rng: np.random.Generator) -> None:
    pieces = family_at(name, rng).pieces
    assert pieces[0].lower == -sp.oo
    assert pieces[-1].upper == sp.oo
    assert all(left.upper == right.lower for left, right in pairwise(pieces))


def nearby(parameter: vt.Parameter, value: sp.Expr) -> sp.Expr:
    """A value of the parameter that is almost the limit; an integer is reached."""
    if parameter.integer:
        return value
    if value.is_infinite:
        return sp.sign(value) * sp.Integer(10) ** 40
    close = [value + side * sp.Rational(1, 10**40) for side in (1, -1)]
    return next(point for point in close if parameter.domain.contains(point) == sp.true)


@pytest.mark.parametrize(
    ("name", "limit"), [(name, limit) for name in NAMES for limit in vt.family(name).limits], ids=str
)
def test_limits_give_the_family_they_name(name: str, limit: vt.Limit, rng: np.random.Generator) -> None:
    family, target = vt.family(name), vt.family(limit.family)
    values = {p.name: nearby(p, limit.value) if p.name == limit.parameter else p.draw(rng) for p in family.parameters}
    symbols = {p.symbol: values[p.name] for p in family.parameters}
    shared = {p.name: values[p.name] for p in target.parameters if p.name in values and p.name != limit.parameter}
    shared |= {key: sp.sympify(value).subs(symbols) for key, value in limit.family_values}
    there, other = family.bind(**values).expression, target.bind(**shared).expression
    x = sp.Symbol("x", real=True)
    for number in rng.normal(scale=3, size=30):
        point = sp.Rational(round(1e6 * float(number)), 10**6) + sp.Rational(1, 10**8 + 7)  # at no break point
        value = other.subs(x, point).evalf(30)
        assert abs(there.subs(x, point).evalf(30) - value) < 1e-12 * (1 + abs(value)), point


@pytest.mark.parametrize(
    ("name", "value", "target"),
    [
        ("crelu", sp.oo, "relu_tau"),
        ("cst", sp.oo, "soft_threshold"),
        ("relu_tau", 0, "relu"),
        ("soft_threshold", 0, "linear"),
        ("hard_threshold", 0, "linear"),
        ("leaky_relu", 0, "relu"),
        ("leaky_relu", 1, "linear"),
        ("hardtanh", 0, "crelu"),
        ("celu", 0, "relu"),
        ("celu", sp.oo, "linear"),
        ("elu", 0, "relu"),
        ("erf", sp.oo, "sign"),
        ("isru", 0, "linear"),
        ("rectified_monomial", 2, "squared_relu"),
        ("snake", 0, "linear"),
        ("softplus", sp.oo, "relu"),
        ("swish", 1, "silu"),
        ("swish", sp.oo, "relu"),
        ("threshold", 0, "jumprelu"),
    ],
)
def test_known_limits_are_declared(name: str, value: Any, target: str) -> None:
    assert (value, target) in [(limit.value, limit.family) for limit in vt.family(name).limits]


@pytest.mark.parametrize("name", NAMES)
def test_names_a_limit_uses_exist(name: str) -> None:
    act = vt.family(name)
    for limit in act.limits:
        assert limit.family in NAMES
        assert limit.parameter in {p.name for p in act.parameters}


def test_customary_values() -> None:
    assert vt.activation("hardtanh").values == (("min_val", -1), ("max_val", 1))
    assert vt.activation("leaky_relu").values == (("negative_slope", sp.Rational(1, 100)),)
    assert vt.activation("crelu").values == ()
    assert vt.activation("hardtanh", min_val=None, max_val=2).values == (("min_val", -1), ("max_val", 2))


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(vt.VmapTheoryError, match="crelu") as caught:
        vt.activation("crelo")
    assert isinstance(caught.value, LookupError)
    with pytest.raises(LookupError, match="tau"):
        vt.activation("crelu", tao=1.0)
    with pytest.raises(LookupError, match="unknown activation"):
        vt.family("../crelu")
