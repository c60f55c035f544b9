"""The contract of `simulate_chain`: reproducible whoever computes, honest where numbers end, named errors."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from tests.finite_width.random_nets import ramp
from vmap_theory.errors import DomainError, DtypeError, NoEdgeOfChaosError, UnknownNameError
from vmap_theory.finite_width import simulate_chain
from vmap_theory.finite_width.blocks import block_size

VM = vt.clipping_level("crelu", sparsity=0.85, target=0.7).variance_map
SMALL = {"width": 40, "depth": 6, "chains": 700}


@pytest.mark.parametrize("gradient", ["mean", "tangent", "none"])
def test_same_numbers_whoever_computes(gradient: str) -> None:
    expected = simulate_chain(VM, gradient=gradient, **SMALL)
    for pool in (
        ThreadPoolExecutor(1),
        ThreadPoolExecutor(5),
        ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    ):
        with pool:
            found = simulate_chain(VM, gradient=gradient, executor=pool, **SMALL)
            assert np.array_equal(found.q, expected.q)
            assert (gradient == "none") == (found.log10_gradient is None)
            if gradient != "none":
                assert np.array_equal(found.log10_gradient, expected.log10_gradient)


def test_a_chain_does_not_depend_on_the_others() -> None:
    many = simulate_chain(VM, **SMALL)
    for chains in (2, 255, 256, 257):
        assert np.array_equal(simulate_chain(VM, **SMALL | {"chains": chains}).q, many.q[:chains])


def test_depth_and_gradient_leave_the_first_layers_alone() -> None:
    long = simulate_chain(VM, **SMALL)
    assert np.array_equal(simulate_chain(VM, **SMALL | {"depth": 3}).q, long.q[:, :4])
    assert np.array_equal(simulate_chain(VM, gradient="tangent", **SMALL).q, long.q)


def test_seeds_and_blocks_are_independent() -> None:
    vm = vt.edge_of_chaos("tanh").variance_map  # clipped families have atoms: all active units at the level
    first, second = simulate_chain(vm, **SMALL), simulate_chain(vm, seed=1, **SMALL)
    assert np.intersect1d(first.q[:, 1], second.q[:, 1]).size == 0
    assert np.unique(first.q[:, 1]).size == SMALL["chains"] > 2 * block_size(SMALL["width"])


def test_maps_share_their_random_numbers() -> None:
    """Common random numbers: nearly equal maps have nearly equal chains."""
    near = vt.VarianceMap(VM.activation, VM.sigma_w2 * (1 + 1e-9), VM.sigma_b2)
    np.testing.assert_allclose(
        simulate_chain(near, q_0=1.0, gradient="none", **SMALL).q, simulate_chain(VM, **SMALL).q, rtol=1e-6
    )


def test_starts_at_the_fixed_point_it_was_made_for() -> None:
    sample = simulate_chain(VM, **SMALL)
    assert sample.q_0 == 1.0
    assert np.all(sample.q[:, 0] == 1.0)
    assert np.all(sample.log10_gradient[:, 0] == 0.0)
    assert sample.q.shape == sample.log10_gradient.shape == (700, 7)
    with pytest.raises(DomainError, match=r"Give q_0.*fixed_points"):
        simulate_chain(vt.VarianceMap("tanh", 1.0, 0.1), **SMALL)


def test_progress_is_told_in_chains() -> None:
    told: list[tuple[int, int]] = []
    simulate_chain(VM, on_progress=lambda done, total: told.append((done, total)), **SMALL)
    size = block_size(SMALL["width"])
    assert told == [(size, 700), (2 * size, 700), (700, 700)]


def test_an_interrupted_run_leaves_no_work_behind() -> None:
    calls = 0

    def interrupt(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            simulate_chain(VM, width=300, depth=100, chains=20_000, executor=pool, on_progress=interrupt)
        assert calls == 1
        assert pool.submit(int, 3).result(timeout=20) == 3


def test_layers_without_an_active_unit() -> None:
    """Gradient 0, logarithm -inf, from there on; the variance falls to sigma_b2."""
    vm = vt.VarianceMap(vt.activation("relu_tau", tau=2.0), 5.0, 0.5)
    sample = simulate_chain(vm, width=5, depth=10, chains=500, q_0=1.0)
    dead = np.isneginf(sample.log10_gradient)
    assert 0 < sample.dead < 501
    assert np.array_equal(dead, np.logical_or.accumulate(dead, axis=1))
    assert np.any(sample.q == 0.5)
    assert not np.isnan(sample.log10_gradient).any()
    tangent = simulate_chain(vm, width=5, depth=10, chains=500, q_0=1.0, gradient="tangent")
    assert np.array_equal(np.isneginf(tangent.log10_gradient), dead)


def test_a_net_that_dies_out_stays_dead() -> None:
    sample = simulate_chain(vt.VarianceMap("relu", 2.0, 0.0), width=2, depth=20, chains=300, q_0=1.0)
    died = sample.q[:, -1] == 0
    assert 0.9 < died.mean() <= 1
    assert np.all(np.isneginf(sample.log10_gradient[died, -1]))


@pytest.mark.parametrize("gradient", ["mean", "tangent"])
def test_variances_beyond_float64(gradient: str) -> None:
    square = vt.activation("squared_relu")
    sample = simulate_chain(vt.VarianceMap(square, 3.0, 1.0), width=30, depth=30, chains=60, q_0=1.0, gradient=gradient)
    infinite = np.isinf(sample.q)
    assert sample.diverged == 60
    assert np.array_equal(infinite, np.logical_or.accumulate(infinite, axis=1))
    assert not np.isnan(sample.q).any()
    assert np.all(np.isnan(sample.log10_gradient[:, -1]))
    assert sample.quantile(0.5).value == np.inf


def test_jumps_have_variances_but_no_gradients() -> None:
    vm = vt.VarianceMap(vt.activation("hard_threshold", tau=1.0), 1.0, 0.5)
    with pytest.raises(NoEdgeOfChaosError, match=r"jumps at x = -1, 1.*gradient='none'"):
        simulate_chain(vm, q_0=1.0, **SMALL)
    sample = simulate_chain(vm, q_0=1.0, gradient="none", **SMALL)
    z = (sample.q[:, 1].mean() - float(vm(1.0))) / (sample.q[:, 1].std() / np.sqrt(700))
    assert abs(z) < 4.5
    with pytest.raises(DomainError, match="gradient='mean'"):
        sample.gradient_quantile(0.5)


def test_functions_and_processes() -> None:
    lambdas = vt.Activation.from_function(lambda x: np.maximum(x, 0.0), breaks=[0])
    named = vt.Activation.from_function(ramp, breaks=[0])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(DtypeError, match="top of a module"):
            simulate_chain(vt.VarianceMap(lambdas, 2.0, 0.1), q_0=1.0, executor=pool, **SMALL)
        found = simulate_chain(vt.VarianceMap(named, 2.0, 0.1), q_0=1.0, executor=pool, **SMALL)
    known = simulate_chain(vt.VarianceMap("relu", 2.0, 0.1), q_0=1.0, **SMALL)
    np.testing.assert_allclose(found.q, known.q, rtol=1e-12)
    np.testing.assert_allclose(found.log10_gradient, known.log10_gradient, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"width": 1}, DomainError, r"width = 1 .*from 2"),
        ({"width": 2.5}, DtypeError, "not an integer"),
        ({"depth": 0}, DomainError, r"depth = 0 .*from 1"),
        ({"chains": 1}, DomainError, r"chains = 1 .*from 2"),
        ({"chains": True}, DtypeError, "not an integer"),
        ({"q_0": 0.0}, DomainError, r"q_0 = 0.0 .*> 0"),
        ({"q_0": float("nan")}, DomainError, "finite"),
        ({"q_0": "1"}, DtypeError, "not a real number"),
        ({"seed": -1}, DomainError, "seed = -1"),
        ({"gradient": "means"}, UnknownNameError, r"Did you mean 'mean'\?"),
        ({"library": "numpi"}, UnknownNameError, r"Did you mean 'numpy'\?"),
        ({"device": "cuda"}, DomainError, "library='torch' alone"),
        ({"executor": 3}, DtypeError, "concurrent.futures.Executor"),
    ],
)
def test_refusals(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate_chain(VM, **SMALL | arguments)


def test_not_a_map() -> None:
    with pytest.raises(DtypeError, match="give a VarianceMap"):
        simulate_chain("crelu", **SMALL)


def test_an_executor_that_was_shut_down() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(DomainError, match=r"takes no work.*shut down"):
        simulate_chain(VM, **SMALL, executor=executor)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("gradient", ["mean", "tangent"])
def test_gradients_far_below_float64_are_alive(gradient: str, library: str) -> None:
    """Slopes of tanh near exp(-2 * 100): their squares underflow, their logarithms do not."""
    if library == "torch":
        pytest.importorskip("torch")
    vm = vt.VarianceMap("tanh", 1e4, 1.0)
    sample = simulate_chain(vm, q_0=1e4, width=2, depth=1, chains=4000, gradient=gradient, library=library)
    assert sample.dead == 0
    # One unit of two at the nearer x: E[min(|z|, |z'|)] = (2 - sqrt(2)) 2 / sqrt(2 pi).
    mean = -4 * 100 * (2 - np.sqrt(2)) * 2 / np.sqrt(2 * np.pi) / np.log(10)
    logs = sample.log10_gradient[:, 1]
    assert abs(logs.mean() - mean) < 4.5 * logs.std() / np.sqrt(logs.size) + 6  # sigma_w2, the 4 of 4 exp(-2 x), 1 / n
    assert logs.min() < -160
