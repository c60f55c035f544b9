"""The chain against real random nets with weight matrices, and against laws that are known."""

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import vmap_theory as vt
from tests.finite_width.random_nets import random_nets
from tests.finite_width.scores import z_of_mean, z_of_means, z_of_variance, z_of_variances
from vmap_theory.finite_width import simulate_chain

WIDTH, DEPTH, NETS, CHAINS = 50, 20, 3000, 10_000
Z_BOUND = 4.5  # seeds are fixed; a right value exceeds it once in 150 000 comparisons
LEAST_P = 1e-4

NETS_OF = {
    "crelu": (
        vt.activation("crelu", tau=0.5, m=1.0),
        (4.0, 0.4),
        lambda x: np.minimum(np.maximum(x - 0.5, 0), 1.0),
        lambda x: ((x > 0.5) & (x < 1.5)).astype(float),
    ),
    "cst": (
        vt.activation("cst", tau=0.8, m=0.9),
        (2.8, 0.5),
        lambda x: np.sign(x) * np.clip(np.abs(x) - 0.8, 0, 0.9),
        lambda x: ((np.abs(x) > 0.8) & (np.abs(x) < 1.7)).astype(float),
    ),
    "relu_tau": (
        vt.activation("relu_tau", tau=0.3),
        (2.5, 0.3),
        lambda x: np.maximum(x - 0.3, 0),
        lambda x: (x > 0.3).astype(float),
    ),
    "tanh, bias": (vt.activation("tanh"), (1.9, 0.3), np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "tanh, no bias": (vt.activation("tanh"), (1.6, 0.0), np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "a function": (
        vt.Activation.from_function(lambda x: np.where(x > 0, np.sin(x), 0.2 * x), breaks=[0]),
        (2.2, 0.1),
        lambda x: np.where(x > 0, np.sin(x), 0.2 * x),
        lambda x: np.where(x > 0, np.cos(x), 0.2),
    ),
}


@pytest.fixture(scope="module", params=NETS_OF)
def both(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    act, sigmas, phi, slope = NETS_OF[request.param]
    vm = vt.VarianceMap(act, *sigmas)
    nets = random_nets(phi, slope, sigmas, (NETS, WIDTH, DEPTH), 1.0, seed=11)
    arguments = {"width": WIDTH, "depth": DEPTH, "chains": CHAINS, "q_0": 1.0, "seed": 3}
    return nets, simulate_chain(vm, **arguments), simulate_chain(vm, gradient="tangent", **arguments)


@pytest.mark.parametrize("layer", [1, 5, DEPTH])
def test_law_of_variances_and_gradients(both: tuple[Any, Any, Any], layer: int) -> None:
    nets, mean, tangent = both
    assert np.array_equal(mean.q, tangent.q)
    for ours, theirs in (
        (mean.q, nets.q),
        (mean.log10_gradient, nets.log_mean),
        (tangent.log10_gradient, nets.log_tangent),
    ):
        left, right = ours[:, layer], theirs[:, layer]
        left, right = left[np.isfinite(left)], right[np.isfinite(right)]
        assert left.size > 0.99 * CHAINS
        assert abs(z_of_means(left, right)) < Z_BOUND
        assert abs(z_of_variances(left, right)) < Z_BOUND
        # Counts of active units have atoms, which roundings in different orders must not split.
        assert stats.ks_2samp(left.round(9), right.round(9)).pvalue > LEAST_P


def test_joint_law(both: tuple[Any, Any, Any]) -> None:
    """Correlations of one statistic with the other, and of a layer with a later one."""
    nets, mean, tangent = both
    for ours, theirs in (
        ((mean.q[:, -1], mean.log10_gradient[:, -1]), (nets.q[:, -1], nets.log_mean[:, -1])),
        ((tangent.q[:, -1], tangent.log10_gradient[:, -1]), (nets.q[:, -1], nets.log_tangent[:, -1])),
        ((mean.q[:, 4], mean.q[:, 6]), (nets.q[:, 4], nets.q[:, 6])),
    ):
        left, right = (np.arctanh(np.corrcoef(*_finite(pair))[0, 1]) for pair in (ours, theirs))
        # Fisher's transform; the factor allows for tails heavier than normal ones.
        assert abs(left - right) < 1.5 * Z_BOUND * np.sqrt(1 / NETS + 1 / CHAINS)


def _finite(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    rows = np.stack(pair)
    return rows[:, np.isfinite(rows).all(axis=0)]


@pytest.mark.parametrize("gradient", ["mean", "tangent"])
def test_linear_net(gradient: str) -> None:
    """Without bias Q_l is a product of independent chi^2_n / n; so is the length of a tangent; phi' is 1."""
    width, depth = 7, 12
    vm = vt.VarianceMap("linear", 1.0, 0.0)
    sample = simulate_chain(vm, width=width, depth=depth, chains=20_000, q_0=2.0, gradient=gradient)
    half = width / 2
    log_q = np.log(sample.q[:, -1] / 2.0)
    assert stats.kstest(sample.q[:, 1] / 2.0, stats.chi2(width, scale=1 / width).cdf).pvalue > LEAST_P
    assert abs(z_of_mean(log_q, depth * (special.digamma(half) - np.log(half)))) < Z_BOUND
    assert abs(z_of_variance(log_q, depth * special.polygamma(1, half))) < Z_BOUND
    if gradient == "mean":
        assert np.array_equal(sample.log10_gradient, np.zeros((20_000, depth + 1)))
        return
    logs = sample.log10_gradient[:, -1] * np.log(10)
    assert abs(z_of_mean(logs, depth * (special.digamma(half) - np.log(half)))) < Z_BOUND
    assert abs(z_of_variance(logs, depth * special.polygamma(1, half))) < Z_BOUND
    # A direction that is orthogonal to the input in the mean: the two lengths are independent in the first layer.
    assert abs(np.corrcoef(sample.q[:, 1], sample.log10_gradient[:, 1])[0, 1]) < Z_BOUND / np.sqrt(20_000)


def test_number_of_active_units() -> None:
    """Of one layer of crelu, n times the gradient factor over sigma_w2 is binomial."""
    act = vt.activation("crelu", tau=1.0, m=1.0)
    sample = simulate_chain(vt.VarianceMap(act, 3.0, 0.2), width=20, depth=1, chains=40_000, q_0=1.0)
    active = 20 * 10 ** sample.log10_gradient[:, 1] / 3.0
    counts = np.bincount(np.rint(active).astype(int), minlength=21)
    assert np.abs(active - np.rint(active)).max() < 1e-12
    p = stats.norm.cdf(2) - stats.norm.cdf(1)
    expected = 40_000 * stats.binom.pmf(np.arange(21), 20, p)
    often = expected > 5
    found = np.append(counts[often], counts[~often].sum())
    assert stats.chisquare(found, np.append(expected[often], expected[~often].sum())).pvalue > LEAST_P
    assert sample.dead == counts[0]
