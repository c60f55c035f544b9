"""Small-noise theory against the exact chain, where the noise is small; and where it is known not to be."""

import time

import numpy as np
import pytest
from scipy import special, stats

import vmap_theory as vt
from tests.finite_width.scores import z_of_mean, z_of_variance
from vmap_theory.errors import DomainError, NoEdgeOfChaosError
from vmap_theory.finite_width import (
    layer_noise,
    simulate_chain,
    small_noise_score,
    stationary_variance,
    trainability,
    variance_recursion,
)
from vmap_theory.finite_width.small_noise import log_gradient_path

Z_BOUND = 4.5
MAPS = {
    "crelu": vt.clipping_level("crelu", sparsity=0.85, target=0.5).variance_map,
    "cst": vt.clipping_level("cst", sparsity=0.85, target=0.7).variance_map,
    "tanh": vt.edge_of_chaos("tanh").variance_map,
    "elu": vt.edge_of_chaos("elu").variance_map,
    "ordered": vt.VarianceMap("tanh", 1.2, 0.3),
}


def fixed_point(vm: vt.VarianceMap) -> float:
    q = 1.0
    for _ in range(400):
        q = float(vm(q))
    return q


@pytest.mark.parametrize("name", MAPS)
def test_first_order_in_the_inverse_width(name: str) -> None:
    """At width 3000 the next order is some 1 % of the noise: inside the errors of 2000 chains."""
    vm, width, depth = MAPS[name], 3000, 16
    q = fixed_point(vm)
    sample = simulate_chain(vm, width=width, depth=depth, chains=2000, q_0=q)
    logs = sample.log10_gradient[:, -1] * np.log(10)
    mean, variance = layer_noise(vm.activation, vm.sigma_w2, vm.sigma_b2, q).log_gradient(width, depth)
    assert abs(z_of_mean(logs, mean)) < Z_BOUND
    assert abs(z_of_variance(logs, variance)) < Z_BOUND
    for layer in (1, 4, depth):
        expected = variance_recursion(vm, width, depth, q)[layer]
        assert abs(z_of_variance(sample.q[:, layer], expected)) < Z_BOUND


def test_from_far_away() -> None:
    """Along the way to the fixed point, every layer with its own noise; the chain's own mean follows V."""
    vm, width, depth = MAPS["tanh"], 3000, 8
    sample = simulate_chain(vm, width=width, depth=depth, chains=2500, q_0=9.0)
    recursion = variance_recursion(vm, width, depth, 9.0)
    assert abs(z_of_variance(sample.q[:, 1], recursion[1])) < Z_BOUND
    assert abs(z_of_variance(sample.q[:, -1], recursion[-1])) < Z_BOUND
    found = trainability(vm, width=width, depth=depth, chains=2500, q_0=9.0)
    assert found.lower - 0.01 < found.small_noise < found.upper + 0.01


def test_mean_of_one_layer_is_that_of_a_binomial() -> None:
    """E[log(K/n)] to first order, ``-(1 - p)/(2 n p)`` less than log p."""
    act = vt.activation("crelu", tau=1.0, m=1.0)
    p = float(stats.norm.cdf(2) - stats.norm.cdf(1))
    mean, variance = layer_noise(act, 1 / p, 0.2, 1.0).log_gradient(500, 1)
    assert mean == pytest.approx(-(1 - p) / (2 * 500 * p), rel=1e-10)
    assert variance == pytest.approx((1 - p) / (500 * p), rel=1e-12)


def test_linear_net_is_known() -> None:
    """Var Q' = 2 q^2 / n a layer and slope 1, so it grows as 2 l / n; gradients have no noise."""
    vm = vt.VarianceMap("linear", 1.0, 0.0)
    np.testing.assert_allclose(variance_recursion(vm, 50, 4, 3.0), 9 * 2 * np.arange(5) / 50, rtol=1e-13)
    assert stationary_variance(vm, 50, 3.0) == np.inf
    noise = layer_noise("linear", 1.0, 0.0, 3.0)
    assert noise.stationary_variance(50) == np.inf
    assert noise.log_gradient(50, 10) == (0.0, 0.0)


def test_stationary_variance_is_the_limit() -> None:
    vm = MAPS["cst"]
    limit = stationary_variance(vm, 200)
    assert limit == pytest.approx(variance_recursion(vm, 200, 200)[-1], rel=1e-12)
    assert limit == pytest.approx(layer_noise(vm.activation, vm.sigma_w2, vm.sigma_b2, 1.0).stationary_variance(200))


def test_jumps_have_a_variance() -> None:
    vm = vt.VarianceMap(vt.activation("hard_threshold", tau=1.0), 0.8, 0.5)
    q = fixed_point(vm)
    sample = simulate_chain(vm, width=3000, depth=8, chains=3000, q_0=q, gradient="none")
    assert abs(z_of_variance(sample.q[:, -1], variance_recursion(vm, 3000, 8, q)[-1])) < Z_BOUND
    with pytest.raises(NoEdgeOfChaosError, match="undefined"):
        layer_noise(vm.activation, 0.8, 0.5, q)


def test_score_over_arrays() -> None:
    """Elements equal single maps, NaN passes, and the level is that of a normal law."""
    sparsity, target = np.array([[0.6], [0.85], [0.4]]), np.array([0.3, 0.7])
    found = vt.clipping_levels("crelu", sparsity, target=target)
    scores = small_noise_score(
        "crelu", found.sigma_w2, found.sigma_b2, 1.0, width=300, depth=50, tau=found.tau, m=found.m
    )
    assert scores.shape == (3, 2)
    assert np.isnan(scores[2]).all()
    clip = vt.clipping_level("crelu", sparsity=0.85, target=0.7)
    noise = layer_noise(clip.variance_map.activation, clip.sigma_w2, clip.sigma_b2, 1.0)
    assert scores[1, 1] == pytest.approx(float(noise.score(300, 50)), rel=1e-9)
    mean, variance = noise.log_gradient(300, 50)
    for level in (0.1, 0.5, 0.99):
        expected = (mean + special.ndtri(level) * np.sqrt(variance)) / np.log(10)
        assert noise.score(300, 50, level) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("family", "target", "width", "depth", "within"),
    [
        ("crelu", 0.5, 300, 100, 0.15),
        ("crelu", 0.7, 300, 100, 0.15),
        ("cst", 0.5, 300, 100, 0.1),
        ("cst", 0.7, 100, 20, 0.1),
        ("crelu", 0.5, 100, 20, 0.15),
    ],
)
def test_score_against_the_chain(family: str, target: float, width: int, depth: int, within: float) -> None:
    """Where one fixed point rules the estimate is right to 0.15 decades."""
    vm = vt.clipping_level(family, sparsity=0.85, target=target).variance_map
    found = trainability(vm, width=width, depth=depth, chains=6000)
    assert found.lower - within < found.small_noise < found.upper + within


def test_score_knows_no_second_fixed_point() -> None:
    """The documented failure: noise carries chains over the unstable point, where gradients explode."""
    vm = vt.clipping_level("cst", sparsity=0.85, target=0.9).variance_map
    found = trainability(vm, width=300, depth=100, chains=1000)
    assert found.score > 30 > 20 > found.small_noise


def test_refusals() -> None:
    with pytest.raises(DomainError, match="width = 1"):
        small_noise_score("tanh", 1.0, 0.1, 1.0, 1, 10)
    with pytest.raises(DomainError, match="depth = 0"):
        small_noise_score("tanh", 1.0, 0.1, 1.0, 10, 0)
    with pytest.raises(DomainError, match="level = 1"):
        small_noise_score("tanh", 1.0, 0.1, 1.0, 10, 10, level=1.0)
    with pytest.raises(DomainError, match="sigma_b2"):
        small_noise_score("tanh", 1.0, -0.1, 1.0, 10, 10)
    with pytest.raises(DomainError, match="sigma_w2"):
        small_noise_score("tanh", 0.0, 0.1, 1.0, 10, 10)
    with pytest.raises(DomainError, match="q_0 = None"):
        variance_recursion(MAPS["ordered"], 10, 10)


def test_a_path_of_the_gradient_is_as_long_as_its_layers_take() -> None:
    """Linear in depth; and the last of it is the sum over pairs of layers, by hand."""
    vm = vt.clipping_level("cst", sparsity=0.85, target=0.7).variance_map
    began = time.process_time()
    mean, variance = log_gradient_path(vm, 100, 6000, q_0=1.0)
    assert mean.shape == variance.shape == (6001,)
    assert time.process_time() - began < 25  # of 4 s; more than a minute if each layer began anew
    layer = layer_noise(vm.activation, vm.sigma_w2, vm.sigma_b2, 1.0)
    for depth in (1, 2, 7):
        # What xi_l adds to later logarithms: kappa (1 + V' + V'^2 + ...).
        answers = [layer.sensitivity * sum(layer.slope**k for k in range(depth - 1 - at)) for at in range(depth)]
        total = sum(a * a * layer.noise + 2 * a * layer.joint_noise + layer.gradient_noise for a in answers) / 100
        assert variance[depth] == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("name", ["relu_tau", "soft_threshold"])
def test_nothing_is_stationary_on_the_edge_of_unclipped_families(name: str) -> None:
    # V'(q*) is 1, and 1 - 1e-16 in float64.
    assert stationary_variance(vt.edge_of_chaos(vt.activation(name, tau=1.0)).variance_map, width=300) == np.inf
