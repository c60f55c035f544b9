"""Expressions into pieces: staircases, nests and what surrounds them."""

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.activations.partition import flatten
from vmap_theory.errors import ExpressionError, PiecesError

X = sp.Symbol("x", real=True)


def test_floor_and_ceiling_of_a_clipped_line() -> None:
    clipped = sp.Min(sp.Max(X, sp.Rational(-3, 2)), sp.Rational(5, 2))
    floor, ceiling = flatten(sp.floor(clipped)), flatten(sp.ceiling(clipped))
    assert floor.breaks == (-1, 0, 1, 2)
    assert floor.parts == (-2, -1, 0, 1, 2)
    assert ceiling.breaks == (-1, 0, 1, 2)
    assert ceiling.parts == (-1, 0, 1, 2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "floor(Min(Max(2*x + 1/3, -4), 5))/2",
        "ceiling(Max(Min(1 - 3*x, 4), -2))",
        "x - floor(Min(Max(x, -3), 3))",
        "floor(2*Min(Abs(x), 3))*sign(x)",
        "exp(-floor(Min(Max(x, 0), 4)))",
        "Max(tanh(x), 0)",
        "Abs(exp(x) - 2)",
        "Min(Max(x - 1, 0), 2)*sigmoid(x)",
        "Piecewise((exp(x), x < 0), (cos(x), x < 2), (log(x), True))",
        "Heaviside(x - 1)*sqrt(Abs(x - 1))",
    ],
)
def test_values_are_those_of_numpy(text: str, rng: np.random.Generator) -> None:
    act = vt.parse_activation(text)
    x = rng.uniform(-5, 5, size=300)
    names = {name: getattr(np, name) for name in ("exp", "cos", "sqrt", "sign", "floor", "tanh")}
    names |= {"Abs": np.abs, "Min": np.minimum, "Max": np.maximum, "ceiling": np.ceil, "x": x}
    names |= {"sigmoid": lambda u: 1 / (1 + np.exp(-u)), "Heaviside": lambda u: np.heaviside(u, 0.5)}
    if text.startswith("Piecewise"):
        expected = np.where(x < 0, np.exp(x), np.where(x < 2, np.cos(x), np.log(np.maximum(x, 1))))
    else:
        expected = eval(text, {"__builtins__": {}}, names)  # noqa: S307 (our own text)
    np.testing.assert_allclose(act(x), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("text", ["floor(x)", "floor(x**2)", "ceiling(Max(x, 0))", "floor(a*Min(Max(x, 0), 1))"])
def test_staircases_without_an_end(text: str) -> None:
    with pytest.raises(PiecesError, match="steps"):
        vt.parse_activation(text)


def test_too_many_steps() -> None:
    with pytest.raises(PiecesError, match="more than 64 steps"):
        vt.parse_activation("floor(Min(Max(x, 0), 200))")


def test_unknown_functions_are_named() -> None:
    with pytest.raises(ExpressionError, match=r"gamma.*tanh"):
        flatten(sp.gamma(X))


def test_equal_neighbours_that_are_no_polynomials_are_joined() -> None:
    assert flatten(sp.Piecewise((sp.exp(X) ** 2, X < 0), (sp.exp(2 * X), True))).breaks == ()
