"""Every family of the registry, found by name: a new file in the catalogue is tested here without a change."""

import inspect
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.activations import catalogue

NAMES = vt.family_names()

# The definitions typed again in NumPy, from the literature and not from the catalogue.
DEFINITIONS: dict[str, Any] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x, negative_slope: np.where(x < 0, negative_slope * x, x),
    "hardtanh": lambda x, min_val, max_val: np.clip(x, min_val, max_val),
    "relu_tau": lambda x, tau: np.maximum(x - tau, 0),
    "crelu": lambda x, tau, m: np.clip(x - tau, 0, m),
    "soft_threshold": lambda x, tau: np.sign(x) * np.maximum(np.abs(x) - tau, 0),
    "cst": lambda x, tau, m: np.sign(x) * np.clip(np.abs(x) - tau, 0, m),
    "hard_threshold": lambda x, tau: np.where(np.abs(x) > tau, x, 0.0),
}


def test_files_of_the_catalogue_are_the_registry() -> None:
    files = {path.stem for path in Path(catalogue.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(NAMES) == files
    assert list(NAMES) == sorted(NAMES)


def test_the_four_sparse_families_are_there() -> None:
    assert {"relu_tau", "soft_threshold", "crelu", "cst"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_data_is_complete(name: str) -> None:
    act = vt.family(name)
    assert act.name == name
    assert len(act.title) > 5
    assert any(character.isdigit() for character in act.source), "a source names a year"
    module = import_module(f"{catalogue.__name__}.{name}")
    assert inspect.getdoc(module)
    for parameter in act.parameters:
        assert parameter.meaning


@pytest.mark.parametrize("name", NAMES)
def test_typical_ranges_lie_inside_the_domains(name: str) -> None:
    for parameter in vt.family(name).parameters:
        low, high = parameter.typical
        assert low < high
        assert parameter.domain.contains(sp.Rational(low)) == sp.true
        assert parameter.domain.contains(sp.Rational(high)) == sp.true
        if parameter.default is not None:
            assert parameter.domain.contains(parameter.default) == sp.true


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_values_are_those_of_the_definition(name: str, rng: np.random.Generator) -> None:
    unbound = vt.family(name)
    for _ in range(5):
        values = {p.name: float(rng.uniform(*p.typical)) for p in unbound.parameters}
        x = np.concatenate([rng.normal(scale=3, size=400), [0.0, -0.0, 1e-300, 1e6, -1e6]])
        # One rounding for each of the two operations of a piece.
        np.testing.assert_allclose(
            vt.activation(name, **values)(x), DEFINITIONS[name](x, **values), rtol=4e-16, atol=1e-15
        )


@pytest.mark.parametrize("name", NAMES)
def test_pieces_cover_the_line(name: str) -> None:
    pieces = vt.family(name).pieces
    assert pieces[0].lower == -sp.oo
    assert pieces[-1].upper == sp.oo
    assert all(left.upper == right.lower for left, right in pairwise(pieces))


@pytest.mark.parametrize(
    ("name", "limit"), [(name, limit) for name in NAMES for limit in vt.family(name).limits], ids=str
)
def test_limits_give_the_family_they_name(name: str, limit: vt.Limit, rng: np.random.Generator) -> None:
    parameter = next(p for p in vt.family(name).parameters if p.name == limit.parameter)
    near = 1e9 if limit.value == sp.oo else float(limit.value)
    if limit.value != sp.oo and not parameter.domain.contains(limit.value):  # an open end: come close
        near += 1e-12 if limit.value == parameter.domain.inf else -1e-12
    values = {p.name: float(rng.uniform(*p.typical)) for p in vt.family(name).parameters if p is not parameter}
    there = vt.activation(name, **values, **{parameter.name: near})
    target = vt.family(limit.family)
    shared = {p.name: values[p.name] for p in target.parameters if p.name in values}
    symbols = {p.symbol: values[p.name] for p in vt.family(name).parameters if p.name in values}
    shared |= {key: float(value.subs(symbols)) for key, value in limit.family_values}
    x = rng.normal(scale=5, size=500)
    np.testing.assert_allclose(there(x), vt.activation(limit.family, **shared)(x), rtol=1e-11, atol=1e-11)


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
