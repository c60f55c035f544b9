"""How long chains of finite width take, next to real nets with weight matrices.

Run from the root of the repository:

    python -m pytest tests/benchmarks/test_chains.py -n 0 --benchmark-only

Without a limit on any time: machines differ.  What counts is the ratio in one run of a thousand chains to twenty real
nets: O(n) a layer against O(n^2).
"""

from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.finite_width import escape_rate, simulate_chain, small_noise_score, width_corrected_edge

WIDTH, DEPTH = 300, 100
MAPS = {
    "crelu": vt.clipping_level("crelu", sparsity=0.85, target=0.7).variance_map,
    "cst": vt.clipping_level("cst", sparsity=0.85, target=0.7).variance_map,
    "relu_tau": vt.edge_of_chaos(vt.activation("relu_tau", tau=1.0)).variance_map,
    "soft_threshold": vt.edge_of_chaos(vt.activation("soft_threshold", tau=1.0)).variance_map,
    "tanh": vt.edge_of_chaos("tanh").variance_map,
    "elu": vt.edge_of_chaos("elu").variance_map,
}


@pytest.mark.parametrize("name", MAPS)
def test_ten_thousand_chains(benchmark: Any, name: str) -> None:
    """Width 300, 100 layers: 3e8 units, on all cores."""
    sample = benchmark.pedantic(
        simulate_chain, args=(MAPS[name],), kwargs={"width": WIDTH, "depth": DEPTH, "chains": 10_000}, rounds=1
    )
    assert sample.q.shape == (10_000, DEPTH + 1)


@pytest.mark.parametrize("gradient", ["mean", "tangent"])
@pytest.mark.benchmark(group="a thousand chains and twenty real nets, width 300, 100 layers")
def test_thousand_chains(benchmark: Any, gradient: str) -> None:
    arguments = {"width": WIDTH, "depth": DEPTH, "chains": 1000, "gradient": gradient}
    benchmark.pedantic(simulate_chain, args=(MAPS["crelu"],), kwargs=arguments, rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="a thousand chains and twenty real nets, width 300, 100 layers")
def test_twenty_real_nets(benchmark: Any) -> None:
    """Weights drawn and multiplied, in plain NumPy."""
    vm = MAPS["crelu"]
    tau, m = (float(value) for _, value in vm.activation.values)

    def nets() -> float:
        rng = np.random.default_rng(0)
        total = 0.0
        for _ in range(20):
            h = rng.standard_normal(WIDTH)
            for _ in range(DEPTH):
                total += np.log10(vm.sigma_w2 * np.mean((h > tau) & (h < tau + m)))
                weights = rng.standard_normal((WIDTH, WIDTH)) * np.sqrt(vm.sigma_w2 / WIDTH)
                h = weights @ np.clip(h - tau, 0, m) + np.sqrt(vm.sigma_b2) * rng.standard_normal(WIDTH)
        return total

    benchmark.pedantic(nets, rounds=1)


def test_small_noise_on_a_grid(benchmark: Any) -> None:
    """100 sparsities by 100 slopes."""
    found = vt.clipping_levels("crelu", np.linspace(0.5, 0.98, 100)[:, None], target=np.linspace(0.05, 0.97, 100))
    arguments = {"width": WIDTH, "depth": DEPTH, "tau": found.tau, "m": found.m}
    scores = benchmark.pedantic(
        small_noise_score, args=("crelu", found.sigma_w2, found.sigma_b2, 1.0), kwargs=arguments, rounds=3
    )
    assert np.isfinite(scores).all()


def test_escape_rate(benchmark: Any) -> None:
    benchmark.pedantic(escape_rate, args=(MAPS["cst"], WIDTH, (0.0, 1.5)), rounds=3, warmup_rounds=1)


def test_width_corrected_edge(benchmark: Any) -> None:
    benchmark.pedantic(
        width_corrected_edge, args=(MAPS["cst"].activation,), kwargs={"width": WIDTH}, rounds=3, warmup_rounds=1
    )


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_torch(benchmark: Any, device: str) -> None:
    torch = pytest.importorskip("torch")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU")
    arguments = {"width": WIDTH, "depth": DEPTH, "chains": 10_000, "library": "torch", "device": device}
    benchmark.pedantic(simulate_chain, args=(MAPS["crelu"],), kwargs=arguments, rounds=1, warmup_rounds=1)
