"""Fourth moments against mpmath's quadrature and against known values."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, NoEdgeOfChaosError
from vmap_theory.finite_width import NoiseMoments, noise_moments


def _clip(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def _logistic(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


CASES: dict[str, tuple[vt.Activation, Callable[[Any], Any], Callable[[Any], Any], list[float]]] = {
    "crelu": (
        vt.activation("crelu", tau=0.5, m=1.25),
        lambda x: _clip(x - 0.5, 0, 1.25),
        lambda x: int(0.5 < x < 1.75),
        [0.5, 1.75],
    ),
    "cst": (
        vt.activation("cst", tau=1.0, m=0.5),
        lambda x: mpmath.sign(x) * _clip(abs(x) - 1, 0, 0.5),
        lambda x: int(1 < abs(x) < 1.5),
        [-1.5, -1.0, 1.0, 1.5],
    ),
    "squared relu": (vt.activation("squared_relu"), lambda x: max(x, 0) ** 2, lambda x: 2 * max(x, 0), [0.0]),
    "tanh": (vt.activation("tanh"), mpmath.tanh, lambda x: mpmath.sech(x) ** 2, []),
    "silu": (
        vt.activation("silu"),
        lambda x: x * _logistic(x),
        lambda x: _logistic(x) * (1 + x * (1 - _logistic(x))),
        [],
    ),
    "a function": (
        vt.Activation.from_function(lambda x: np.where(x > 0.25, np.sin(x - 0.25), 0.0), breaks=[0.25]),
        lambda x: mpmath.sin(x - 0.25) if x > 0.25 else 0,
        lambda x: mpmath.cos(x - 0.25) if x > 0.25 else 0,
        [0.25],
    ),
}


def expected_moments(
    phi: Callable[[Any], Any], slope: Callable[[Any], Any], breaks: list[float], q: float
) -> dict[str, float]:
    """Every field by mpmath; derivatives in q through the weight, ``2 q d/dq E[f] = E[f (Z^2 - 1)]``."""
    root = mpmath.sqrt(q)
    ends = sorted({*range(-14, 15), *(mpmath.mpf(b) / root for b in breaks)})

    def mean(f: Callable[[Any, Any, Any], Any]) -> Any:
        # One-sided values at the ends of an interval are never asked for: the rule's nodes lie inside.
        return mpmath.quad(lambda z: f(phi(root * z), slope(root * z), z) * mpmath.npdf(z), ends)

    second, steep = mean(lambda p, s, z: p**2), mean(lambda p, s, z: s**2)
    first_weight, second_weight = lambda z: (z**2 - 1) / (2 * q), lambda z: (z**4 - 6 * z**2 + 3) / (4 * q * q)
    values = {
        "second_moment": second,
        "d_second_moment": mean(lambda p, s, z: p**2 * first_weight(z)),
        "d2_second_moment": mean(lambda p, s, z: p**2 * second_weight(z)),
        "slope_moment": steep,
        "d_slope_moment": mean(lambda p, s, z: s**2 * first_weight(z)),
        "d2_slope_moment": mean(lambda p, s, z: s**2 * second_weight(z)),
        "square_variance": mean(lambda p, s, z: (p**2 - second) ** 2),
        "slope_variance": mean(lambda p, s, z: (s**2 - steep) ** 2),
        "covariance": mean(lambda p, s, z: (p**2 - second) * (s**2 - steep)),
    }
    return {name: float(value) for name, value in values.items()}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("q", [0.3, 1.0, 5.0])
def test_against_mpmath(name: str, q: float) -> None:
    act, phi, slope, breaks = CASES[name]
    mpmath.mp.dps = 25
    found, expected = noise_moments(act, q), expected_moments(phi, slope, breaks, q)
    tolerance = 1e-9 if act.function is not None else 1e-11
    for field, value in expected.items():
        scale = abs(value) + 1e-3 * expected["second_moment"]  # what cancels is small beside its terms
        assert float(getattr(found, field)) == pytest.approx(value, abs=tolerance * scale), field


def test_relu_by_hand() -> None:
    """E[phi^2] = q/2, E[phi^4] = 3 q^2/2; phi'^2 is 0 or 1 with probability 1/2, and E[phi^2 phi'^2] = q/2."""
    q = np.array([1e-6, 1.0, 3e5])
    found = noise_moments("relu", q)
    np.testing.assert_allclose(found.square_variance, 5 * q**2 / 4, rtol=1e-13)
    np.testing.assert_allclose(found.slope_variance, 0.25, rtol=1e-14)
    np.testing.assert_allclose(found.covariance, q / 4, rtol=1e-13)
    np.testing.assert_allclose(found.d_slope_moment * q, 0, atol=1e-15)


def test_slope_probability_of_crelu() -> None:
    """Known: ``q dp/dq = (a pdf(a) - b pdf(b)) / 2``, a = tau / sqrt(q), b = (tau + m) / sqrt(q)."""
    tau, m, q = np.array([0.0, 0.7, 2.0])[:, None], 1.3, np.array([0.5, 2.0])
    found = noise_moments("crelu", q, tau=tau, m=m)
    a, b = tau / np.sqrt(q), (tau + m) / np.sqrt(q)
    density = [u * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi) for u in (a, b)]
    np.testing.assert_allclose(found.d_slope_moment, (density[0] - density[1]) / (2 * q), rtol=1e-12)
    assert found.covariance.shape == (3, 2)


def test_arrays_equal_single_numbers() -> None:
    tau, q = np.array([[0.0], [1.5]]), np.array([0.5, 1.0, np.nan])
    whole = noise_moments("relu_tau", q, tau=tau)
    for i, j in np.ndindex(2, 2):
        one = noise_moments(vt.activation("relu_tau", tau=tau[i, 0]), q[j])
        for field in NoiseMoments.__dataclass_fields__:
            assert getattr(whole, field)[i, j] == pytest.approx(getattr(one, field), rel=1e-12, abs=1e-15)
    assert np.isnan(whole.square_variance[:, 2]).all()


def test_refusals() -> None:
    with pytest.raises(NoEdgeOfChaosError, match="soft_threshold in place of hard_threshold"):
        noise_moments(vt.activation("hard_threshold", tau=1.0), 1.0)
    with pytest.raises(DomainError, match="q = -1"):
        noise_moments("tanh", -1.0)
    with pytest.raises(DomainError, match="q = 0"):
        noise_moments(CASES["a function"][0], 0.0)
