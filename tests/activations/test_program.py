"""phi in float64: forms that cancel or overflow when they are taken literally keep their digits."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt

SMALL = np.array([-1e-3, -1e-9, -1e-16, 1e-200, 1e-12, 1e-5])
FAR = np.array([-700.0, -300.0, -30.0, 30.0, 300.0, 700.0])


def assert_digits(text: str, points: np.ndarray, roundings: float = 8) -> None:
    expression = sp.lambdify(
        sp.Symbol("x", real=True),
        sp.sympify(
            text.replace("sigmoid", "sigma"), {"x": sp.Symbol("x", real=True), "sigma": lambda u: 1 / (1 + sp.exp(-u))}
        ),
        "mpmath",
    )
    found = vt.parse_activation(text)(points)
    with mpmath.workdps(700):
        for x, value in zip(points, found, strict=True):
            expected = expression(mpmath.mpf(float(x)))
            error = abs(mpmath.mpf(float(value)) - expected)
            assert error <= roundings * 2.0**-53 * abs(expected) * (1 + abs(x)) + mpmath.mpf("1e-307"), (x, value)


@pytest.mark.parametrize(
    "text",
    ["exp(x) - 1", "2*(exp(3*x) - 1)", "1 - exp(-x)", "log(1 + x)*Heaviside(x + 1/2)", "1 - exp(-x**2)"],
)
def test_near_zero(text: str) -> None:
    if "log" in text:
        text = "Piecewise((0, x < -1/2), (log(1 + x), True))"
    assert_digits(text, SMALL)


@pytest.mark.parametrize(
    "text",
    [
        "log(1 + exp(x))",
        "sigmoid(x)",
        "1 + tanh(x)",
        "1 - tanh(x)",
        "1 + erf(x)",
        "1 - erf(x)",
        "x*(1 + erf(x))/2",
    ],
)
def test_far_out(text: str) -> None:
    points = FAR / 30 if "erf" in text else FAR[1:-1]
    assert_digits(text, points, roundings=64 if "erf" in text else 8)


def test_nothing_overflows_far_out() -> None:
    x = np.array([-1e300, -1e5, 1e5, 1e300])
    np.testing.assert_array_equal(vt.activation("sigmoid")(x), [0, 0, 1, 1])
    np.testing.assert_array_equal(vt.activation("tanh")(x), [-1, -1, 1, 1])
    np.testing.assert_array_equal(vt.activation("softplus", beta=1)(x), [0, 0, 1e5, 1e300])
    np.testing.assert_allclose(vt.activation("isru", alpha=1)(x), [-1, -1, 1, 1], rtol=1e-9)
    np.testing.assert_allclose(vt.activation("softsign")(x), [-1, -1, 1, 1], rtol=1e-4)


def test_gaps_of_one_point_are_filled() -> None:
    np.testing.assert_allclose(vt.parse_activation("sin(x)/x")([0.0, 1e-9, 1.0]), [1, 1, np.sin(1)], rtol=1e-15)
