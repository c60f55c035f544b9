"""The edge of chaos at finite width: binomial sums, the leading correction, and simulations with fresh seeds."""

import mpmath
import numpy as np
import pytest
from scipy import stats

import vmap_theory as vt
from vmap_theory.errors import DomainError, InfeasibleError, NoEdgeOfChaosError
from vmap_theory.finite_width import simulate_chain, width_corrected_edge
from vmap_theory.finite_width.log_mean import log_mean_of_slopes

Z_BOUND = 4.5


@pytest.mark.parametrize("width", [2, 5, 30, 300, 5000])
@pytest.mark.parametrize("tau", [0.2, 1.0, 2.0])
def test_binomial(tau: float, width: int) -> None:
    """Slopes 0 and 1: a sum over the number of active units, without 0."""
    act = vt.activation("crelu", tau=tau, m=1.0)
    p = float(stats.norm.cdf(tau + 1) - stats.norm.cdf(tau))
    k = np.arange(1, width + 1)
    mass = stats.binom.pmf(k, width, p)
    expected = (mass @ np.log(k / width)) / mass.sum()
    found = log_mean_of_slopes(act, 1.0, width)
    assert found.value == pytest.approx(expected, rel=1e-11)
    assert abs(found.value - expected) < 3 * found.error + 1e-12
    assert found.probability_dead == pytest.approx((1 - p) ** width, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("slopes", [(0.1, 1.0), (0.5, 2.0)])
def test_two_slopes(slopes: tuple[float, float]) -> None:
    """Leaky relu, never 0."""
    act = vt.parse_activation(f"Piecewise(({slopes[0]}*x, x < 0), ({slopes[1]}*x, True))")
    k = np.arange(13)
    mass = stats.binom.pmf(k, 12, 0.5)
    expected = mass @ np.log((k * slopes[1] ** 2 + (12 - k) * slopes[0] ** 2) / 12)
    assert log_mean_of_slopes(act, 0.7, 12).value == pytest.approx(expected, rel=1e-11)


def test_known_integral() -> None:
    """phi' = x gives chi^2_n / n times q: E[log] = digamma(n / 2) - log(n / 2) + log q."""
    act = vt.parse_activation("x**2/2")
    for width in (4, 10, 100):
        expected = float(mpmath.digamma(width / 2) - mpmath.log(width / 2) + mpmath.log(3))
        found = log_mean_of_slopes(act, 3.0, width)
        assert abs(found.value - expected) < max(3 * found.error, 1e-12)
        assert found.error < 1e-5


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu", "sin"])
@pytest.mark.parametrize("width", [3, 40])
def test_smooth_by_monte_carlo(name: str, width: int, rng: np.random.Generator) -> None:
    act = vt.activation(name)
    found = log_mean_of_slopes(act, 1.0, width)
    x = rng.standard_normal((200_000 // width * 4, width))
    step = 1e-5
    slopes = (act(x + step) - act(x - step)) / (2 * step)
    logs = np.log((slopes**2).mean(axis=1))
    assert abs(logs.mean() - found.value) < Z_BOUND * logs.std() / np.sqrt(logs.size)


def test_leading_correction() -> None:
    """sigma_w2 = (1/p) (1 + (1 - p) / (2 n p) + O(1/n^2)): what is left falls as 1/n^2."""
    act = vt.activation("cst", tau=1.0, m=0.8)
    p = float(vt.gaussian_moments(act, 1.0).slope_moment)
    left = [
        width**2 * (width_corrected_edge(act, width=width).sigma_w2 * p - 1 - (1 - p) / (2 * width * p))
        for width in (1000, 10_000, 100_000)
    ]
    assert left[1] == pytest.approx(left[2], rel=0.01)
    assert left[0] == pytest.approx(left[2], rel=0.05)
    assert 0 < left[2] < 5 / p**2


def test_large_width_is_the_edge_of_chaos() -> None:
    act = vt.activation("tanh")
    edge, wide = vt.edge_of_chaos(act, 0.8), width_corrected_edge(act, 0.8, width=10_000_000)
    assert wide.sigma_w2 == pytest.approx(edge.sigma_w2, rel=1e-6)
    assert wide.sigma_b2 == pytest.approx(edge.sigma_b2, rel=1e-5)


@pytest.mark.parametrize(
    ("act", "width"),
    [(vt.activation("crelu", tau=1.0, m=1.0), 30), (vt.activation("cst", tau=1.4, m=0.7), 100), ("tanh", 10)],
)
def test_one_layer_by_simulation(act: vt.Activation | str, width: int) -> None:
    edge = width_corrected_edge(act, width=width)
    sample = simulate_chain(edge.variance_map, width=width, depth=1, chains=100_000, q_0=1.0)
    logs = sample.log10_gradient[:, 1]
    alive = logs[np.isfinite(logs)]
    assert abs(alive.mean()) < Z_BOUND * alive.std() / np.sqrt(alive.size)
    assert 1 - alive.size / logs.size == pytest.approx(edge.probability_dead, abs=0.003)
    assert float(edge.variance_map(1.0)) == pytest.approx(1.0, rel=1e-12)
    # At infinite width's edge the mean is below 0 beyond doubt: the correction is there for a reason.
    plain = simulate_chain(vt.edge_of_chaos(act).variance_map, width=width, depth=1, chains=100_000)
    alive = plain.log10_gradient[np.isfinite(plain.log10_gradient[:, 1]), 1]
    assert alive.mean() < -Z_BOUND * alive.std() / np.sqrt(alive.size)


@pytest.mark.parametrize(
    ("act", "width", "depth"),
    [
        (vt.clipping_level("crelu", sparsity=0.85, target=0.7).variance_map.activation, 100, 20),
        (vt.activation("tanh"), 30, 20),
    ],
)
def test_a_chain_by_simulation_with_a_fresh_seed(act: vt.Activation, width: int, depth: int) -> None:
    edge = width_corrected_edge(act, width=width, depth=depth)
    chains = 20_000
    fresh = simulate_chain(edge.variance_map, width=width, depth=depth, chains=chains, q_0=1.0, seed=77)
    logs = fresh.log10_gradient[:, -1]
    alive = logs[np.isfinite(logs)]
    # The level was found with an error of its own, of 4000 chains of the same spread.
    error = alive.std() * np.sqrt(1 / alive.size + 1 / 4000)
    assert abs(alive.mean()) < Z_BOUND * error
    assert 0 < edge.error < 0.01 * edge.sigma_w2
    again = width_corrected_edge(act, width=width, depth=depth, seed=5)
    assert abs(again.sigma_w2 - edge.sigma_w2) < Z_BOUND * np.hypot(edge.error, again.error)


@pytest.mark.parametrize("width", [2, 5, 40])
def test_slopes_far_below_the_rounding_of_one(width: int, rng: np.random.Generator) -> None:
    """At q = 1e4 most slopes of tanh are far below 1e-16, some below the root of the least float64."""
    found = log_mean_of_slopes(vt.activation("tanh"), 1e4, width)
    x = 100 * np.abs(rng.standard_normal((600_000 // width, width)))
    logs = 4 * np.log(2) - 4 * x - 4 * np.log1p(np.exp(-2 * x))
    sums = np.logaddexp.reduce(logs, axis=1) - np.log(width)
    assert abs(sums.mean() - found.value) < Z_BOUND * sums.std() / np.sqrt(sums.size)
    assert found.probability_dead < 1e-5


def test_slopes_that_underflow_make_no_warning() -> None:
    assert width_corrected_edge("tanh", 3.0, width=40).sigma_w2 > vt.edge_of_chaos("tanh", 3.0).sigma_w2


def test_refusals() -> None:
    with pytest.raises(InfeasibleError, match=r"sigma_w2 = 2\.0101.*sigma_b2 = -0\.005"):
        width_corrected_edge("relu", width=100)
    with pytest.raises(NoEdgeOfChaosError, match="jumps"):
        width_corrected_edge(vt.activation("hard_threshold", tau=1.0), width=100)
    with pytest.raises(NoEdgeOfChaosError, match="Lower the threshold"):
        width_corrected_edge(vt.activation("relu_tau", tau=12.0), width=100)
    with pytest.raises(DomainError, match="width = 1"):
        width_corrected_edge("tanh", width=1)
    with pytest.raises(DomainError, match="depth = 0"):
        width_corrected_edge("tanh", width=10, depth=0)
    with pytest.raises(DomainError, match="q_star = 0"):
        width_corrected_edge("tanh", 0.0, width=10)
