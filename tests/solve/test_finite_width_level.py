"""Criterion ``finite-width``: an independent simulation with weight matrices' law, order of effects, refusals."""

from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory import SolveStatus
from vmap_theory.errors import DomainError, DtypeError, InfeasibleError
from vmap_theory.solve.clipping import ClippingLevel

NET: dict[str, Any] = {"criterion": "finite-width", "width": 60, "depth": 12, "risk": 0.1}


def share_kept(
    clip: ClippingLevel, m: float, rng: np.random.Generator, nets: int, *, wide: float, decades: float
) -> float:
    """Nets simulated here, unit by unit: crelu, at a level m on its own edge of chaos."""
    edge = vt.edge_of_chaos(vt.activation("crelu", tau=clip.tau, m=m), clip.q_star)
    q, gradient = np.full(nets, clip.q_star), np.zeros(nets)
    kept = np.full(nets, True)
    for _ in range(NET["depth"]):
        h = np.sqrt(q)[:, None] * rng.standard_normal((nets, NET["width"]))
        steep = ((h > clip.tau) & (h < clip.tau + m)).mean(axis=1)
        with np.errstate(divide="ignore"):
            gradient += np.log10(edge.sigma_w2 * steep)
        q = edge.sigma_b2 + edge.sigma_w2 * (np.clip(h - clip.tau, 0, m) ** 2).mean(axis=1)
        kept &= (np.abs(np.log10(q / clip.q_star)) <= np.log10(wide)) & (np.abs(gradient) <= decades)
    return float(kept.mean())


@pytest.mark.parametrize("options", [{}, {"variance_range": 3.0, "gradient_range": 1.2, "risk": 0.3}])
def test_against_nets_simulated_here(options: dict[str, Any], rng: np.random.Generator) -> None:
    asked = NET | options
    clip = vt.clipping_level("crelu", 0.85, 2.0, **asked, chains=4000)
    assert clip.m_interval is not None
    limits = {"wide": asked.get("variance_range", 10.0), "decades": asked.get("gradient_range", 3.0)}
    nets = 20_000
    deviation = np.sqrt(asked["risk"] * (1 - asked["risk"]) * (1 / nets + 1 / 4000))
    share = share_kept(clip, clip.m, rng, nets, **limits)
    assert abs(share - (1 - asked["risk"])) < 4 * deviation
    assert clip.probability == pytest.approx(1 - asked["risk"], abs=2 / 4000)
    # The ends of the interval: safe below, unsafe above, by as much as its confidence says.
    low, high = clip.m_interval
    assert low < clip.m < high
    assert share_kept(clip, low, rng, nets, **limits) > 1 - asked["risk"] - 2 * deviation
    assert share_kept(clip, high, rng, nets, **limits) < 1 - asked["risk"] + 2 * deviation
    # Down to the least level it suffices, and below it does not: too few units are active.
    assert clip.m_least is not None
    assert 0 < clip.m_least < low
    assert abs(share_kept(clip, clip.m_least, rng, nets, **limits) - (1 - asked["risk"])) < 4 * deviation
    assert share_kept(clip, 0.7 * clip.m_least, rng, nets, **limits) < 1 - asked["risk"] - 4 * deviation
    # And it is the largest level: far above it, nets are lost.
    assert share_kept(clip, 1.3 * clip.m, rng, nets, **limits) < 1 - asked["risk"] - 4 * deviation


def test_intervals_of_two_seeds_overlap_and_shrink() -> None:
    first, second, long = (
        vt.clipping_level("crelu", 0.85, **NET, chains=chains, seed=seed)
        for chains, seed in ((500, 1), (500, 2), (5000, 3))
    )
    for one, other in ((first, second), (first, long), (second, long)):
        assert one.m_interval is not None
        assert other.m_interval is not None
        assert max(one.m_interval[0], other.m_interval[0]) < min(one.m_interval[1], other.m_interval[1])
    assert long.m_interval is not None
    assert first.m_interval is not None
    assert np.diff(long.m_interval) < 0.6 * np.diff(first.m_interval)


def test_same_seed_same_level() -> None:
    first, second = (vt.clipping_level("cst", 0.7, **NET, chains=300, seed=5) for _ in range(2))
    assert first.m == second.m
    assert first.m_interval == second.m_interval


def test_scaling_with_the_unit_is_exact() -> None:
    one, four = (vt.clipping_level("crelu", 0.85, q, **NET, chains=300) for q in (1.0, 4.0))
    assert four.m == pytest.approx(2 * one.m, rel=1e-12)


def test_wider_nets_bear_larger_levels() -> None:
    levels = [vt.clipping_level("crelu", 0.85, **NET | {"width": n}, chains=500).m for n in (50, 70, 100)]
    assert levels == sorted(levels)


def test_arrays() -> None:
    found = vt.clipping_levels("crelu", [0.4, 0.85, 0.97, np.nan], **NET, chains=300)
    words = [SolveStatus(status).word for status in found.status]
    assert words == ["no_threshold", "solved", "no_level", "missing"]
    assert np.isnan(found.m).tolist() == np.isnan(found.m_high).tolist() == [True, False, True, True]
    assert found.target is None
    one = vt.clipping_level("crelu", 0.85, **NET, chains=300)
    assert one.m_interval == (found.m_low[1], found.m_high[1])
    assert (one.m, one.probability) == (found.m[1], found.probability[1])
    assert 0 < found.probability[2] < 0.9  # of the best level


def test_no_level_is_small_enough() -> None:
    with pytest.raises(InfeasibleError, match=r"width 60 and depth 12 .*the best, m = .* keeps 0\.\d+ of the chains"):
        vt.clipping_level("crelu", 0.97, **NET, chains=300)
    with pytest.raises(InfeasibleError, match="all of the 300 chains fail at every level"):
        vt.clipping_level("crelu", 0.97, **NET | {"width": 4, "depth": 60}, chains=300)


def test_no_clipping_is_needed() -> None:
    with pytest.raises(InfeasibleError, match="it needs no clipping"):
        vt.clipping_level("crelu", 0.6, **NET | {"depth": 2}, chains=300)


@pytest.mark.parametrize(
    ("options", "error", "remark"),
    [
        ({"width": None}, DomainError, "needs width"),
        ({"depth": None}, DomainError, "needs depth"),
        ({"risk": None}, DomainError, "needs risk"),
        ({"risk": 0}, DomainError, "risk = 0 "),
        ({"risk": 1.0}, DomainError, "strictly between 0 and 1"),
        ({"risk": -0.1}, DomainError, "risk"),
        ({"risk": 1e-4}, DomainError, "chains = 2000 are too few .* Give 36887 or more"),
        ({"width": 1}, DomainError, "width = 1 "),
        ({"width": 30.5}, DtypeError, "width"),
        ({"depth": 0}, DomainError, "depth = 0 "),
        ({"chains": 1}, DomainError, "chains = 1 "),
        ({"variance_range": 1.0}, DomainError, "variance_range"),
        ({"gradient_range": 0.0}, DomainError, "gradient_range"),
        ({"seed": -1}, DomainError, "seed"),
        ({"target": 0.5}, DomainError, "does not belong"),
    ],
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], remark: str) -> None:
    for solve in (vt.clipping_level, vt.clipping_levels):
        with pytest.raises(error, match=remark):
            solve("crelu", 0.85, **NET | options)
