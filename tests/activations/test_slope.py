"""The slope of an activation on arrays: against mpmath's derivative of phi itself."""

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.activations.evaluation import slope_on


def member(name: str) -> vt.Activation:
    """A family in the middle of its parameters' typical ranges, away from round numbers."""
    unbound = vt.family(name)
    values = {
        p.name: 2 if p.integer else 0.61 * p.typical[0] + 0.39 * p.typical[1]
        for p in unbound.parameters
        if p.default is None
    }
    return vt.activation(name, **values)


def smooth_points(act: vt.Activation) -> np.ndarray:
    """Points on both sides, none within 0.01 of a break."""
    points = np.linspace(-4.03, 4.07, 61)
    breaks = np.array([float(b.at) for b in act.breaks if abs(b.at) < 10])
    return points[np.all(np.abs(points[:, None] - breaks) > 0.01, axis=1)] if breaks.size else points


@pytest.mark.parametrize("name", vt.family_names())
def test_against_differences_of_phi(name: str) -> None:
    """Two-sided differences of phi in float64, extrapolated: no code in common with a symbolic derivative."""
    act = member(name)
    x = smooth_points(act)
    step = 1e-3
    coarse, fine = ((act(x + h) - act(x - h)) / (2 * h) for h in (2 * step, step))
    np.testing.assert_allclose(slope_on(act, x), (4 * fine - coarse) / 3, rtol=1e-9, atol=2e-9)


@pytest.mark.parametrize(
    ("name", "phi"),
    [
        ("tanh", mpmath.tanh),
        ("gelu", lambda x: x * mpmath.ncdf(x)),
        ("silu", lambda x: x / (1 + mpmath.exp(-x))),
        ("elu", lambda x: x if x > 0 else mpmath.expm1(x)),
    ],
)
def test_against_fifty_digits(name: str, phi: object) -> None:
    mpmath.mp.dps = 50
    x = np.array([-40.0, -3.3, -0.7, 0.2, 1.1, 5.0, 30.0])
    expected = [float(mpmath.diff(phi, mpmath.mpf(point))) for point in x]
    np.testing.assert_allclose(slope_on(vt.activation(name), x), expected, rtol=1e-13, atol=3e-16)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("tanh(x)", lambda x: mpmath.sech(x) ** 2),
        ("2*tanh(3*x) + 1", lambda x: 6 * mpmath.sech(3 * x) ** 2),
        ("1/(1 + exp(-x))", lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x)) ** 2),
        ("erf(x/9)", lambda x: 2 / (9 * mpmath.sqrt(mpmath.pi)) * mpmath.exp(-((x / 9) ** 2))),
        ("atan(x)", lambda x: 1 / (1 + x * x)),
    ],
)
def test_small_slopes_keep_their_digits(text: str, slope: object) -> None:
    """1 - tanh(x)^2 would be 0 from |x| = 19 on."""
    with mpmath.workdps(50):
        x = np.array([-100.0, -40.0, -19.5, 0.3, 12.0, 25.0, 100.0])
        expected = [float(slope(mpmath.mpf(point))) for point in x]
    np.testing.assert_allclose(slope_on(vt.parse_activation(text), x), expected, rtol=1e-13)
    assert slope_on(vt.parse_activation(text), np.array([1e4])) >= 0  # and no warning


def test_python_functions() -> None:
    """By values alone: never across a break, however near the point and however narrow the piece."""
    act = vt.Activation.from_function(
        lambda x: np.where(x < 0, 2 * x, np.where(x < 0.001, np.exp(x) - 1, 0.001)), breaks=[0, 0.001]
    )
    x = np.array([-1e-9, -1.0, -1e8, 1e-9, 0.0005, 0.000999, 0.0010001, 3.0])
    expected = np.where(x < 0, 2.0, np.where(x < 0.001, np.exp(np.minimum(x, 1.0)), 0.0))
    np.testing.assert_allclose(slope_on(act, x), expected, rtol=1e-9, atol=1e-9)
    smooth = vt.Activation.from_function(np.sin)
    x = np.linspace(-20, 20, 401)
    np.testing.assert_allclose(slope_on(smooth, x), np.cos(x), atol=2e-10)


def test_kinks_infinities_and_nan() -> None:
    act = vt.activation("crelu", tau=1.0, m=1.0)
    found = slope_on(act, np.array([-np.inf, 1.0, 2.0, np.inf, np.nan]))
    np.testing.assert_array_equal(found, [0.0, 1.0, 0.0, 0.0, np.nan])
    assert slope_on(vt.activation("tanh"), np.array([np.inf]))[0] == 0.0
    assert slope_on(act, np.array(1.5)) == 1.0
