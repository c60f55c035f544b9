"""Escape rates against the exact chain, against each other at large widths, and their limits."""

import numpy as np
import pytest
from scipy.optimize import brentq

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, UnknownNameError
from vmap_theory.finite_width import escape_rate, simulate_chain, trainability

CLIP = vt.clipping_level("cst", sparsity=0.85, target=0.85).variance_map
UNSTABLE = brentq(lambda q: float(CLIP(q)) - q, 1.2, 2.0)


def simulated_rate(vm: vt.VarianceMap, basin: tuple[float, float], width: int, chains: int) -> tuple[float, float]:
    """-log of the share that stays per layer, once the start is forgotten, and its standard error."""
    first, last = 25, 75
    sample = simulate_chain(vm, width=width, depth=last, chains=chains, q_0=1.0, gradient="none", seed=21)
    left = sample.left_by(*basin)
    stays = chains - left
    rate = float(np.log(stays[first] / stays[last]) / (last - first))
    return rate, float(np.sqrt(left[last] - left[first]) / np.sqrt(stays[last] * stays[first]) / (last - first))


@pytest.mark.parametrize(("width", "within"), [(50, 0.03), (100, 0.04), (300, 0.06), (600, 0.08)])
def test_over_the_unstable_point(width: int, within: float) -> None:
    """To the factor 1 + `within` stated in the docs, beyond 4 standard errors of the simulation."""
    found = escape_rate(CLIP, width, (0.0, UNSTABLE))
    rate, error = simulated_rate(CLIP, (0.0, UNSTABLE), width, 12_000)
    assert abs(found.rate / rate - 1) < within + 4 * error / rate
    assert found.upward == 1.0


@pytest.mark.parametrize(("width", "basin"), [(60, (0.7, 1.4)), (200, (0.83, 1.2))])
def test_out_of_a_range_on_both_sides(width: int, basin: tuple[float, float]) -> None:
    """A dense net; the share of each end too."""
    vm = vt.edge_of_chaos("tanh").variance_map
    found = escape_rate(vm, width, basin)
    rate, error = simulated_rate(vm, basin, width, 12_000)
    assert abs(found.rate / rate - 1) < 0.05 + 4 * error / rate
    sample = simulate_chain(vm, width=width, depth=60, chains=12_000, gradient="none")
    outside = (sample.q <= basin[0]) | (sample.q >= basin[1])
    late = outside.any(axis=1) & ~outside[:, :20].any(axis=1)
    ups = sample.q[late, outside[late].argmax(axis=1)] >= basin[1]
    assert abs(ups.mean() - found.upward) < 0.03 + 4 * ups.std() / np.sqrt(ups.size)


def test_action_is_the_slope_in_the_width() -> None:
    """Gaussian noise: the log of the rate falls by A per unit of width, but for a power of n in front."""
    low, high = (escape_rate(CLIP, width, (0.0, UNSTABLE), noise="gaussian") for width in (4000, 6000))
    assert -np.log(high.rate / low.rate) / 2000 == pytest.approx(low.action, rel=0.02)
    assert low.action == high.action


def test_noise_of_a_linear_recursion_is_exact() -> None:
    """Far from all kinks V is nearly linear: Freidlin and Wentzell's action is (1 - V'^2) x^2 / (2 n Var xi)."""
    vm = vt.edge_of_chaos("tanh").variance_map
    near = 0.01
    moments = vm.moments(1.0)
    fourth = float(vt.gaussian_moments(vt.parse_activation("tanh(x)**2"), 1.0).second_moment)
    noise = vm.sigma_w2**2 * (fourth - float(moments.second_moment) ** 2)
    found = escape_rate(vm, 200_000, (1 - near, 1 + near), noise="gaussian")
    assert found.action == pytest.approx((1 - float(vm.derivative(1.0)) ** 2) * near**2 / (2 * noise), rel=0.03)


def test_density() -> None:
    """Of the chains that stay: mass 1, and the moments of those that are simulated."""
    found = escape_rate(CLIP, 300, (0.0, UNSTABLE))
    step = np.diff(found.q)[0]
    assert found.density.sum() * step == pytest.approx(1.0, rel=1e-9)
    sample = simulate_chain(CLIP, width=300, depth=40, chains=10_000, gradient="none")
    stays = sample.q[np.all(sample.q < UNSTABLE, axis=1), -1]
    mean = (found.q * found.density).sum() * step
    assert abs(stays.mean() - mean) < 4 * stays.std() / np.sqrt(stays.size) + 0.003
    deviation = np.sqrt(((found.q - mean) ** 2 * found.density).sum() * step)
    assert stays.std() == pytest.approx(deviation, rel=0.03)


def test_infinite_basin() -> None:
    """Without an upper end all leave at the lower."""
    found = escape_rate(vt.edge_of_chaos("tanh").variance_map, 60, (0.7, np.inf))
    both = escape_rate(vt.edge_of_chaos("tanh").variance_map, 60, (0.7, 50.0))
    assert found.upward == 0.0
    assert found.rate == pytest.approx(both.rate, rel=0.02)


FLOOR = vt.clipping_level("cst", sparsity=0.85, target=0.7).variance_map  # sigma_b2 = 0.6989


@pytest.mark.parametrize("noise", ["gamma", "gaussian"])
def test_nothing_is_below_the_variance_of_the_biases(noise: str) -> None:
    """The noise that is assumed reaches below sigma_b2 at width 20; the chain never does."""
    never = escape_rate(FLOOR, 20, (0.6, np.inf), noise=noise)
    assert (never.rate, never.action) == (0.0, np.inf)
    assert np.isnan(never.upward)
    found = escape_rate(FLOOR, 20, (0.6, 2.0), noise=noise)
    rate, error = simulated_rate(FLOOR, (0.6, 2.0), 20, 12_000)
    assert abs(found.rate / rate - 1) < 0.05 + 4 * error / rate
    assert found.upward == 1.0
    assert found.q.min() > FLOOR.sigma_b2


@pytest.mark.parametrize(("vm", "low", "width"), [(FLOOR, 0.75, 60), (vt.edge_of_chaos("tanh").variance_map, 0.7, 60)])
def test_infinite_basins_by_simulation(vm: vt.VarianceMap, low: float, width: int) -> None:
    found = escape_rate(vm, width, (low, np.inf))
    rate, error = simulated_rate(vm, (low, np.inf), width, 12_000)
    assert abs(found.rate / rate - 1) < 0.05 + 4 * error / rate
    assert found.upward == 0.0


@pytest.mark.parametrize("basin", [5, (1,), (0, "x"), (0.2, None), (0.2, 5, 7), (0.2, np.nan), "ab", (-1, 3), (3, 2)])
def test_bad_basins(basin: object) -> None:
    with pytest.raises((DomainError, DtypeError), match="basin = "):
        escape_rate(CLIP, 100, basin)
    with pytest.raises((DomainError, DtypeError), match="basin = "):
        trainability(CLIP, width=10, depth=2, chains=10, basin=basin)


def test_refusals() -> None:
    with pytest.raises(DomainError, match="does not hold q_star = 1"):
        escape_rate(CLIP, 100, (1.1, 2.0))
    with pytest.raises(DomainError, match="width = 1"):
        escape_rate(CLIP, 1, (0.5, 2.0))
    with pytest.raises(UnknownNameError, match=r"Did you mean 'gaussian'\?"):
        escape_rate(CLIP, 100, (0.5, 2.0), noise="gausian")
    with pytest.raises(DomainError, match="does not attract"):
        escape_rate(CLIP, 100, (1.2, 3.0), q_star=UNSTABLE)
    with pytest.raises(DomainError, match=r"q_star = 1\.2 is no fixed point"):
        escape_rate(CLIP, 100, (0.5, 2.0), q_star=1.2)
    with pytest.raises(DomainError, match="Give q_0"):
        escape_rate(vt.VarianceMap("tanh", 1.5, 0.1), 100, (0.1, 2.0))
