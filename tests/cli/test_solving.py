"""Commands that solve: clip by every criterion, eoc at a bias, q-star."""

from typing import Any

import numpy as np
import pytest

import vmap_theory as vt

OF_ALL_CRITERIA = {"m", "tau", "sigma_w2", "sigma_b2", "q_star", "criterion", "fixed_points", "target"}
NET = ("--width", 50, "--depth", 10, "--risk", 0.2, "--chains", 200)


def test_clip_by_saddle_node(load: Any, call: Any) -> None:
    content = load("clip", "crelu", "--sparsity", 0.85, "--criterion", "saddle-node")
    assert set(content) >= OF_ALL_CRITERIA
    assert content["m"] == pytest.approx(1.83863179068594, rel=1e-13), "the published value"
    assert content["tangency"] == pytest.approx(1.85168765893, rel=1e-11)
    assert content["target"] is None
    assert not {"m_interval", "m_least", "probability"} & set(content)
    assert "tangency     1.851687659" in call("clip", "crelu", "--sparsity", 0.85, "--criterion", "saddle-node").out


def test_clip_by_inflection(load: Any) -> None:
    content = load("clip", "crelu", "--sparsity", 0.9, "--criterion", "inflection")
    assert set(content) >= OF_ALL_CRITERIA
    assert content["m"] == pytest.approx(0.7111381142, abs=1e-10)
    assert abs(content["curvature"]) < 1e-13
    assert "tangency" not in content


def test_clip_by_finite_width(load: Any, call: Any) -> None:
    arguments = ("clip", "cst", "--sparsity", 0.85, "--criterion", "finite-width", *NET)
    content = load(*arguments, "--seed", 3)
    assert set(content) >= OF_ALL_CRITERIA
    options: dict[str, Any] = {"width": 50, "depth": 10, "risk": 0.2, "chains": 200}
    expected = vt.clipping_level("cst", 0.85, criterion="finite-width", seed=3, **options)
    assert (content["m"], content["m_least"]) == (expected.m, expected.m_least)
    assert content["m"] != load(*arguments, "--seed", 4)["m"], "the seed is passed on"
    low, high = content["m_interval"]
    assert low < content["m"]
    assert high is None or content["m"] < high
    assert 0 < content["probability"] <= 1
    assert expected.m_interval is not None
    assert f"m_interval   {expected.m_interval[0]:.10g} to " in call(*arguments, "--seed", 3).out


def test_an_infinite_end_is_null(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = vt.clipping_level("crelu", 0.85)
    object.__setattr__(found, "m_interval", (0.0, np.inf))
    monkeypatch.setattr("vmap_theory.solve.clipping_level", lambda *_, **__: found)
    assert load("clip", "crelu", "--sparsity", 0.85)["m_interval"] == [0.0, None]


def test_clip_passes_ranges_on(load: Any) -> None:
    arguments = ("clip", "cst", "--sparsity", 0.85, "--criterion", "finite-width", *NET)
    wide, narrow = load(*arguments), load(*arguments, "--variance-range", 3, "--gradient-range", 2)
    assert narrow["m"] < wide["m"]


def test_eoc_at_a_bias(load: Any) -> None:
    content = load("eoc", "tanh", "--sigma-b", 0.2)
    assert content["sigma_b2"] == pytest.approx(0.04, rel=1e-12)
    assert content["sigma_w2"] == pytest.approx(1.7008, abs=5e-5), "the published value"
    assert content["fixed_points"][0]["chi_1"] == pytest.approx(1)
    assert load("eoc", "tanh")["q_star"] == 1.0


def test_eoc_says_the_threshold_that_it_chose(load: Any) -> None:
    content = load("eoc", "cst", "m=2", "--sparsity", 0.85)
    assert content["activation"].startswith("cst(tau=1.4395")
    assert content["sparsity"] == pytest.approx(0.85)


def test_q_star_of_a_bound_activation(load: Any, call: Any) -> None:
    content = load("q-star", "crelu", "tau=1", "m=1", "--q-star", 0.5, "--q-star", 2)
    assert (content["hold"], [row["q_star"] for row in content["rows"]]) == ("parameters", [0.5, 2.0])
    for row in content["rows"]:
        edge = vt.edge_of_chaos(vt.activation("crelu", tau=1, m=1), row["q_star"])
        assert (row["sigma_w2"], row["slope"]) == pytest.approx((edge.sigma_w2, edge.slope), rel=1e-13)
        assert row["status"] == "solved"
    text = call("q-star", "crelu", "tau=1", "m=1").out.splitlines()
    assert len(text) == 6
    assert text[0].split()[:3] == ["q_star", "tau", "m"]


def test_q_star_with_sparsity_and_slope_held_scales(load: Any) -> None:
    hold = ("--hold", "sparsity-and-slope", "--sparsity", 0.85, "--slope", 0.7)
    one, four = load("q-star", "cst", *hold, "--q-star", 1, "--q-star", 4)["rows"]
    assert (four["tau"], four["m"]) == pytest.approx((2 * one["tau"], 2 * one["m"]))
    assert four["sigma_b2"] == pytest.approx(4 * one["sigma_b2"])
    assert four["asymmetry"] == pytest.approx(one["asymmetry"])


@pytest.mark.parametrize(
    ("name", "domains"), [("cst", ()), ("Min(Max(x - tau, 0), m)", ("tau>=0",))], ids=["registered", "expression"]
)
def test_q_star_with_one_parameter_held(name: str, domains: tuple[str, ...], load: Any) -> None:
    rows = load("q-star", name, "tau=1", *domains, "--hold", "threshold-and-slope", "--slope", 0.7)["rows"]
    assert {row["tau"] for row in rows} == {1.0}
    assert [row["slope"] for row in rows] == pytest.approx([0.7] * 5)
    rows = load("q-star", name, "m=1", *domains, "--hold", "level-and-sparsity", "--sparsity", 0.8)["rows"]
    assert {row["m"] for row in rows} == {1.0}
    assert [row["sparsity"] for row in rows] == pytest.approx([0.8] * 5)


def test_q_star_marks_what_has_no_edge_of_chaos(load: Any) -> None:
    row = load("q-star", "Max(x, 0) + 1", "--q-star", 0.5)["rows"][0]
    assert row["status"] == "negative_bias"
    assert row["slope"] is None
