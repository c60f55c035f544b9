"""The command trainability, and the picture of chains."""

from typing import Any

import pytest

import vmap_theory as vt

NET = ("--width", 50, "--depth", 10, "--chains", 200)


def test_trainability_on_the_edge_of_chaos(load: Any) -> None:
    content = load("trainability", "cst", "--sparsity", 0.85, "--target", 0.7, *NET, "--seed", 5, "--level", 0.9)
    vm = vt.clipping_level("cst", 0.85, target=0.7).variance_map
    expected = vt.trainability(vm, width=50, depth=10, chains=200, seed=5, level=0.9)
    for name in ("score", "lower", "upper", "small_noise", "width", "depth", "chains", "seed", "level", "dead"):
        assert content[name] == getattr(expected, name), name
    assert content["probability_left"]["upper"] == expected.probability_left.upper
    assert content["basin"] == [0.1, 10.0]
    assert (content["sigma_w2"], content["q_star"], content["q_0"]) == (vm.sigma_w2, 1.0, 1.0)
    assert "hypothesis" in content["note"]


def test_trainability_as_text(call: Any) -> None:
    text = call("trainability", "crelu", "tau=1", "m=1", *NET).out
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert {"score", "small", "leaving", "lost", "note"} <= set(lines)
    assert "95 % confidence" in lines["score"]
    assert "hypothesis" in lines["note"]


@pytest.mark.parametrize(
    ("words", "vm"),
    [
        (("hardtanh",), vt.edge_of_chaos("hardtanh").variance_map),
        (("hardtanh", "--q-star", 2), vt.edge_of_chaos("hardtanh", 2.0).variance_map),
        (("relu_tau", "--sparsity", 0.7), None),
        (("hardtanh", "--sigma-w2", 2, "--sigma-b2", 0.1, "--q-0", 0.5), None),
    ],
    ids=["edge", "edge at q*", "threshold for a sparsity", "variances"],
)
def test_trainability_of_the_map_that_was_named(words: tuple[Any, ...], vm: Any, load: Any) -> None:
    content = load("trainability", *words, *NET)
    if words[0] == "relu_tau":
        tau = vt.threshold_for_sparsity("relu_tau", 0.7)
        vm = vt.edge_of_chaos(vt.activation("relu_tau", tau=tau)).variance_map
    elif vm is None:
        vm = vt.VarianceMap(vt.activation("hardtanh"), sigma_w2=2, sigma_b2=0.1)
        assert (content["q_star"], content["q_0"], content["basin"]) == (None, 0.5, [0.05, 5.0])
    assert (content["sigma_w2"], content["sigma_b2"]) == (vm.sigma_w2, vm.sigma_b2)
    expected = vt.trainability(vm, width=50, depth=10, chains=200, q_0=content["q_0"])
    assert content["score"] == expected.score


def test_an_infinite_end_of_the_interval_is_null(load: Any) -> None:
    content = load("trainability", "hardtanh", "--width", 20, "--depth", 3, "--chains", 10)
    assert content["upper"] is None, "ten nets have no upper end for a 95 % quantile"


def test_torch_simulates_too(load: Any) -> None:
    pytest.importorskip("torch")
    numpy, torch = (
        load("trainability", "hardtanh", "--width", 50, "--depth", 10, *more)
        for more in ((), ("--library", "torch", "--device", "cpu"))
    )
    assert numpy["score"] != torch["score"]
    assert numpy["lower"] < torch["upper"]
    assert torch["lower"] < numpy["upper"]
