"""d/dq E[phi'^2] against differences at many digits, weights in place of derivatives, and a formula known by hand."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given

import vmap_theory as vt
from tests.data.pieces import PIECES
from tests.gaussian import moments_by_recursion
from tests.strategies import continuous_piecewise_linear, variances
from vmap_theory.activations.symbols import X
from vmap_theory.errors import DomainError, NoEdgeOfChaosError, SymbolicParameterError
from vmap_theory.kernels.slope_derivative import slope_moment_derivative

POINTS: list[tuple[str, dict[str, float]]] = [
    ("linear", {}),
    ("relu6", {}),
    ("hardswish", {}),
    ("squared_relu", {}),
    ("leaky_relu", {"negative_slope": -0.3}),
    ("hardtanh", {"min_val": -0.7, "max_val": 1.3}),
    ("relu_tau", {"tau": 0.8}),
    ("relu_tau", {"tau": 30.0}),
    ("crelu", {"tau": 0.8, "m": 1.1}),
    ("crelu", {"tau": 9.0, "m": 0.01}),
    ("crelu", {"tau": 0.8, "m": 1e-7}),
    ("cst", {"tau": 0.8, "m": 1.1}),
    ("scad", {"lambd": 0.5, "a": 3.7}),
    ("trapezoid", {"tau": 0.4, "ramp": 0.7, "flat": 1.1}),
]
SMOOTH: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda x: 1 - mpmath.tanh(x) ** 2,
    "gaussian": lambda x: -2 * x * mpmath.exp(-x * x),
    "gelu": lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x),
    "erf": lambda x: 2 * mpmath.exp(-x * x) / mpmath.sqrt(mpmath.pi),
    "softplus": lambda x: 1 / (1 + mpmath.exp(-x)),
    "sin": mpmath.cos,
}
NOISE = 1e-100  # of differences that are zero exactly
TINY = 1e-307


def exact(number: sp.Rational) -> Any:
    return mpmath.mpf(int(number.p)) / int(number.q)


def by_differences(family: str, parameters: dict[str, float], q: float) -> Any:
    """Central difference of the closed form at 150 digits, right to some 80."""
    with mpmath.workdps(150):
        q = mpmath.mpf(q)
        pieces = PIECES[family](**{name: mpmath.mpf(value) for name, value in parameters.items()})
        step = q * mpmath.mpf(10) ** -40
        up, down = (moments_by_recursion(pieces, q + side * step, 150)["slope_moment"] for side in (1, -1))
        return (up - down) / (2 * step)


def by_weights(slope: Callable[[Any], Any], q: float, kinks: tuple[float, ...] = ()) -> Any:
    """E[phi'^2 (z^2 - 1)]/(2 q) at 30 digits: no derivative of phi'^2, so no kink term to forget."""
    with mpmath.workdps(30):
        root = mpmath.sqrt(q)
        cuts = sorted({*range(-14, 15), *(mpmath.mpf(kink) / root for kink in kinks)})
        return mpmath.quad(lambda z: slope(root * z) ** 2 * (z * z - 1) * mpmath.npdf(z), cuts) / (2 * mpmath.mpf(q))


@pytest.mark.parametrize("q", [0.3, 1.0, 40.0])
@pytest.mark.parametrize(("family", "parameters"), POINTS)
def test_polynomial_pieces(family: str, parameters: dict[str, float], q: float) -> None:
    found = slope_moment_derivative(vt.family(family), q, **parameters)
    true = by_differences(family, parameters, q)
    assert abs(found.value - true) <= found.error + NOISE
    size = vt.gaussian_moments(vt.family(family), q, **parameters).slope_moment / q
    assert found.error <= 1e-13 * abs(true) + 3e-14 * size + TINY


def test_clipped_relu_by_hand() -> None:
    # E[phi'^2] = Phi(b) - Phi(a), and da/dq = -a/(2 q).
    q = np.geomspace(1e-3, 1e3, 25)
    tau, m = np.array([[0.2], [1.0], [3.0]]), 0.7
    found = slope_moment_derivative("crelu", q, tau=tau, m=m)
    a, b = tau / np.sqrt(q), (tau + m) / np.sqrt(q)
    terms = [u * np.exp(-u * u / 2) / np.sqrt(2 * np.pi) / (2 * q) for u in (a, b)]
    size = terms[0] + terms[1]
    assert found.value.shape == (3, 25)
    assert np.all(np.abs(found.value - (terms[0] - terms[1])) <= (1e-14 + 2e-16 * b * b) * size)


@pytest.mark.parametrize("q", [1e-4, 0.3, 1.0, 7.0])
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_activations(name: str, q: float) -> None:
    found = slope_moment_derivative(name, q)
    true = by_weights(SMOOTH[name], q)
    assert abs(found.value - true) <= found.error
    assert found.error < 2e-12 * vt.gaussian_moments(name, q).slope_moment / q


def test_kinks_between_pieces_that_are_not_polynomials() -> None:
    act = vt.parse_activation("Piecewise((0, x < 1/2), (sin(x - 1/2), x < 2), (sin(3/2), True))")
    found = slope_moment_derivative(act, 1.3)
    true = by_weights(lambda x: mpmath.cos(x - 0.5) if 0.5 < x < 2 else mpmath.mpf(0), 1.3, (0.5, 2.0))
    assert abs(found.value - true) <= found.error < 1e-12


@pytest.mark.parametrize("q", [0.3, 1.0, 7.0])
def test_python_functions(q: float) -> None:
    def soft_step(x: Any) -> Any:
        return np.tanh(np.maximum(x - 0.5, 0.0))

    found = slope_moment_derivative(vt.Activation.from_function(soft_step, breaks=[0.5]), q)
    true = by_weights(lambda x: 1 - mpmath.tanh(x - 0.5) ** 2 if x > 0.5 else mpmath.mpf(0), q, (0.5,))
    assert abs(found.value - true) <= found.error
    assert found.error < 1e-7 / q


@given(continuous_piecewise_linear(), variances())
def test_piecewise_linear_from_the_densities_at_the_kinks(act: vt.Activation, q: Any) -> None:
    # phi'^2 is a staircase, so its mean is a sum of tails: d/dq P(X > x_0) = x_0 n(x_0; q)/(2 q).
    found = slope_moment_derivative(act, q)
    with mpmath.workdps(40):
        true, size = mpmath.mpf(0), mpmath.mpf(0)
        slopes = [exact(sp.Poly(piece.expression, X).coeff_monomial(X)) ** 2 for piece in act.pieces]
        variance = exact(q)
        for point, before, after in zip(act.breaks, slopes, slopes[1:], strict=False):
            at = exact(point.at)
            term = at * mpmath.npdf(at, 0, mpmath.sqrt(variance)) / (2 * variance)
            true += (after - before) * term
            size += abs((after - before) * term)
    assert abs(found.value - true) <= found.error
    assert found.error <= 1e-13 * size + 1e-300


def test_arrays_broadcast_and_nan_stays() -> None:
    found = slope_moment_derivative("crelu", [[1.0], [np.nan]], tau=[0.5, 1.0, np.nan], m=1.0)
    assert found.value.shape == found.error.shape == (2, 3)
    np.testing.assert_array_equal(np.isnan(found.value), [[False, False, True], [True, True, True]])


def test_units() -> None:
    # S is a pure number, so its derivative is measured in 1/q, at any unit.
    one = slope_moment_derivative("crelu", 1.0, tau=1.0, m=0.5).value
    for scale in (1e-120, 1e-20, 1e20, 1e120):
        other = slope_moment_derivative("crelu", scale**2, tau=scale, m=0.5 * scale).value
        assert other * scale**2 == pytest.approx(one, rel=1e-13)


@pytest.mark.parametrize("name", ["hard_threshold", "sign", "half_threshold"])
def test_jumps_are_refused(name: str) -> None:
    act = vt.family(name)
    values = {parameter.name: float(parameter.typical[0]) for parameter in act.free_parameters}
    with pytest.raises(NoEdgeOfChaosError, match="no derivative"):
        slope_moment_derivative(act, 1.0, **values)


def test_arguments_are_checked() -> None:
    with pytest.raises(DomainError, match="q = -1"):
        slope_moment_derivative("relu", -1.0)
    with pytest.raises(SymbolicParameterError):
        slope_moment_derivative("crelu", 1.0)
