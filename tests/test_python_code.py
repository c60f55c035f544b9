"""The Python text of formulas, run in a namespace of its own, against the numeric kernels."""

import ast
import warnings
from typing import Any

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.formulas import QUANTITIES

FUNCTIONS = {
    "second_moment": "second_moment",
    "slope_moment": "slope_moment",
    "sparsity": "sparsity",
    "variance_map": "V",
    "variance_map_derivative": "dV",
    "variance_map_second_derivative": "d2V",
    "chi_1": "chi_1",
}
VARIANCES = np.array([0.3, 1.0, 4.0])
WEIGHT, BIAS = 1.7, 0.3


def run(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(text, namespace)  # noqa: S102  (running the text is the test)
    return namespace


def typical(act: vt.Activation) -> dict[str, float]:
    """A value inside the typical range of each free parameter; integers for those that want them."""
    middle = {p.name: 0.6 * p.typical[0] + 0.4 * p.typical[1] for p in act.free_parameters}
    return {p.name: round(middle[p.name]) if p.integer else middle[p.name] for p in act.free_parameters}


def from_kernels(act: vt.Activation, q: Any, **values: float) -> dict[str, tuple[Any, Any]]:
    """Each function's value, and the scale that its error is relative to."""
    g = vt.gaussian_moments(act, q, **values)
    curved = WEIGHT * g.d2_second_moment
    return {
        "second_moment": (g.second_moment, g.second_moment),
        "slope_moment": (g.slope_moment, g.slope_moment),
        "sparsity": (g.sparsity, g.sparsity),
        "variance_map": (WEIGHT * g.second_moment + BIAS, WEIGHT * g.second_moment + BIAS),
        "variance_map_derivative": (WEIGHT * g.d_second_moment, WEIGHT * g.d_second_moment),
        # V'' changes sign and fades at large q: relative to what its terms cancel from.
        "variance_map_second_derivative": (curved, np.abs(curved) + WEIGHT * g.second_moment / np.asarray(q) ** 2),
        "chi_1": (WEIGHT * g.slope_moment, WEIGHT * g.slope_moment),
    }


def arguments_of(function: str) -> dict[str, float]:
    if function == "variance_map":
        return {"sigma_w2": WEIGHT, "sigma_b2": BIAS}
    return {"sigma_w2": WEIGHT} if FUNCTIONS[function] in ("dV", "d2V", "chi_1") else {}


def assert_agrees(act: vt.Activation, q: Any, tolerance: float = 1e-9, **values: float) -> None:
    namespace = run(vt.derive(act).python())
    for function, (value, scale) in from_kernels(act, q, **values).items():
        found = namespace[function](q, **arguments_of(function), **values)
        assert np.shape(found) == np.shape(q), function
        infinite = np.isinf(value)
        assert np.array_equal(np.isinf(found), infinite), function
        error = np.abs(np.where(infinite, 0, found) - np.where(infinite, 0, value))
        assert np.all(error <= tolerance * np.where(infinite, 1, np.abs(scale))), (function, found, value)


@pytest.mark.parametrize("name", vt.family_names())
def test_text_agrees_with_the_kernels(name: str) -> None:
    family = vt.family(name)
    chosen = typical(family)
    wholly = {p.name: chosen.pop(p.name) for p in family.free_parameters if p.integer}
    assert_agrees(family.bind(**wholly), VARIANCES, **chosen)


def test_there_is_a_function_for_each_quantity() -> None:
    namespace = run(vt.derive("relu").python())
    assert set(FUNCTIONS.values()) == set(QUANTITIES)
    assert {name for name in namespace if callable(namespace[name]) and not name.startswith("_")} == set(FUNCTIONS)
    for name in FUNCTIONS:
        assert "Parameters" in namespace[name].__doc__
    assert "gaussian_moments" in namespace["__doc__"], "says where to go for sparse tails"


@pytest.mark.parametrize("name", ["crelu", "tanh"])
def test_only_numpy_and_scipy_are_imported(name: str) -> None:
    tree = ast.parse(vt.derive(name).python())
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported == {"numpy", "scipy"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Piecewise((0, x < 1), (1 + 1/x, True))", {}),  # exponential integral
        ("Piecewise((0, x < tau), (x**-2 + 1/x, True))", {"tau": 0.7}),
        ("Piecewise((0, x < tau), (sin(3*x), x < 2*tau), (0, True))", {"tau": 0.8}),  # erfc of complex arguments
        ("Piecewise((0, x < -tau), (cos(x) * x, True))", {"tau": 0.8}),
        ("Piecewise((0, x < tau), (exp(-x), True))", {"tau": 1.3}),
        ("Piecewise((exp(a*x), x < b), (x**2, True))", {"a": 0.4, "b": 0.6}),
        ("tanh(a*x) * Heaviside(x - b)", {"a": 1.4, "b": 0.6}),
        ("lambd * numpy * second_moment * scipy * x", {"lambd": 1.1, "numpy": 2, "second_moment": 3, "scipy": 0.5}),
    ],
)
def test_activations_never_seen_before(text: str, values: dict[str, float]) -> None:
    act = vt.parse_activation(text)
    renamed = {"numpy", "scipy", "second_moment"}  # a name that the text itself needs gets an underscore
    if renamed & set(values):
        namespace = run(vt.derive(act).python())
        found = namespace["second_moment"](2.0, *(values[p.name] for p in act.free_parameters))
        assert found == pytest.approx(2 * np.prod(list(values.values())) ** 2, rel=1e-12)
    else:
        assert_agrees(act, VARIANCES, **values)


@pytest.mark.parametrize("name", ["elu", "selu", "celu"])
def test_exponentials_do_not_overflow(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        q = np.array([400.0, 1e6])  # exp(2 q) erfc(sqrt(2 q)) would be inf * 0
        formulas = vt.derive(name)
        found = run(formulas.python())["second_moment"](q)
    exact = [float(formulas.second_moment.subs(formulas.symbols["q"], int(at)).evalf(30)) for at in q]
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_arrays_broadcast_and_integers_are_numbers() -> None:
    tau = np.array([[1.0], [2.0]])
    namespace = run(vt.derive(vt.family("relu_tau")).python())
    found = namespace["variance_map"]([1, 2, 3], 2, 1, tau)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found, 2 * vt.gaussian_moments("relu_tau", [1.0, 2, 3], tau=tau).second_moment + 1)
    garrote = run(vt.derive(vt.family("garrote")).python())
    assert garrote["variance_map_second_derivative"](2, 1, 1) == garrote["variance_map_second_derivative"](2.0, 1.0, 1)
    swish = run(vt.derive(vt.family("swish")).python())
    assert swish["second_moment"]([1, 2], [[1], [2], [3]]).shape == (3, 2)


def test_floats_keep_their_digits() -> None:
    assert_agrees(vt.activation("crelu", tau=0.1, m=1 / 3), VARIANCES, 1e-12)


def test_integrals_that_leave_float64_are_refused() -> None:
    act = vt.parse_activation("exp(x) * tanh(x)")
    namespace = run(vt.derive(act).python())
    assert namespace["second_moment"](20.0) == pytest.approx(vt.gaussian_moments(act, 20.0).second_moment, rel=1e-9)
    with pytest.raises(ArithmeticError, match="gaussian_moments"):
        namespace["second_moment"](1e6)


def test_a_python_function_has_no_text() -> None:
    act = vt.Activation.from_function(np.tanh, breaks=[0])
    with pytest.raises(vt.errors.ExpressionError, match="Python function, which has no formulas"):
        vt.derive(act).python()


def test_words_from_outside_stay_in_their_docstring() -> None:
    parameter = vt.Parameter("a", typical=(0.5, 1.0), meaning='slope""" + evil() + """ \\')
    act = vt.Activation.from_expression(
        sp.Symbol("a") * sp.Symbol("x"), [parameter], name='mine""" + evil() + """', source='A \\"""\nimport evil'
    )
    text = vt.derive(act).python()
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name) and node.id == "evil"]
    assert run(text)["second_moment"](1.0, 3.0) == 9


def test_a_changed_formula_is_written_as_it_stands() -> None:
    import dataclasses

    f = vt.derive("relu")
    wrong = dataclasses.replace(f, V=3 * f.V)
    assert run(wrong.python())["variance_map"](2.0, 1.0, 0.0) == 3
