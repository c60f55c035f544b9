"""The claim's rules: what it predicts, what it counts as trained, and that a wrong prediction refutes it."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from validation import claims
from validation.claims import clipping_rescues_depth as claim
from validation.record import json_number
from validation.summary import in_words, observe, spread
from validation.train import History, Schedule

STABLE = {"q": 1.0, "slope": 0.7, "chi_1": 1.0, "stability": "stable"}
UNSTABLE = {"q": 1.1, "slope": 1.1, "chi_1": 1.1, "stability": "unstable"}


def test_each_file_is_a_claim_with_a_statement() -> None:
    assert "clipping_rescues_depth" in claims.names()
    for name in claims.names():
        assert claims.statement(name).endswith(".")
        assert isinstance(claims.load(name).SMOKE, bool)


def test_seeds_are_fresh_and_enough() -> None:
    assert len(set(claim.SEEDS)) == len(claim.SEEDS) >= 5
    assert not set(claim.SEEDS) & set(range(1, 21)), "the rule was chosen on seeds 1 to 20"


@pytest.mark.parametrize(
    ("points", "trains"),
    [
        ([STABLE], True),
        ([STABLE | {"q": 1.01}], False),
        ([STABLE | {"stability": "semi-stable"}], False),
        ([STABLE | {"stability": "unstable"}], False),
        ([STABLE, UNSTABLE, STABLE | {"q": 9.0}], False),
        ([], False),
    ],
)
def test_predicted_to_train_if_q_star_is_the_only_fixed_point_and_stable(
    points: list[dict[str, Any]], trains: bool
) -> None:
    assert claim.predicts_training(points, 1.0) is trains


@pytest.mark.parametrize(
    ("accuracy", "sparsity", "trains"),
    [
        (0.8, 0.85, True),
        (0.49, 0.85, False),
        (0.8, 0.7, False),
        (math.nan, math.nan, False),
        (0.5, 0.76, True),
    ],
)
def test_a_net_trained_if_accurate_and_still_sparse(accuracy: float, sparsity: float, trains: bool) -> None:
    assert claim.trained(accuracy, sparsity) is trains


def test_four_of_five_must_agree() -> None:
    assert claim.agrees(True, [True] * 4 + [False])
    assert not claim.agrees(True, [True] * 3 + [False] * 2)
    assert claim.agrees(False, [False] * 4 + [True])
    assert not claim.agrees(False, [True] * 5)


def test_the_solver_tells_the_three_kinds_apart() -> None:
    kinds = claim.variants()
    assert {name: kind.trains for name, kind in kinds.items()} == {
        "slope 0.7": True,
        "slope 0.95": False,
        "unclipped": False,
    }
    q = [point["q"] for point in kinds["slope 0.95"].fixed_points]
    # The other two by quadrature and bisection, not by the package.
    assert q == pytest.approx([1.0, 1.09618841268, 9.09482801877], rel=1e-8)
    assert math.isinf(kinds["unclipped"].design.m)
    # Not clipped, phi' is 1 outside the threshold and 0 inside: E[phi'^2] = 1 - s.
    assert kinds["unclipped"].design.sigma_w2 == pytest.approx(1 / 0.15, rel=1e-12)


def history(accuracy: list[float], sparsity: list[float]) -> History:
    nets = len(accuracy)
    failed: list[int | None] = [5 if math.isnan(value) else None for value in accuracy]
    column = np.array(accuracy)[:, None], np.array(sparsity)[:, None]
    return History(np.ones((nets, 1)), [0, 1], np.tile(column[0], 2), np.tile(column[1], 2), failed)


def test_a_planted_wrong_prediction_refutes() -> None:
    kinds, seeds = claim.variants(), [1, 2, 3, 4, 5]
    nan = math.nan
    seen = history([0.8] * 4 + [0.2] + [0.9] * 5 + [nan] * 5, [0.84] * 5 + [0.1] * 5 + [nan] * 5)
    observations, agreement = claim.judge(kinds, seen, seeds)
    assert [observations[name]["trained"] for name in kinds] == [4, 0, 0]
    assert all(agreement.values())
    for planted in kinds:
        wrong = {name: replace(kind, trains=kind.trains != (name == planted)) for name, kind in kinds.items()}
        _, agreement = claim.judge(wrong, seen, seeds)
        assert agreement == {name: name != planted for name in kinds}


def test_a_small_run_gives_a_whole_outcome() -> None:
    told = []
    schedule = Schedule(steps=6, batch=8, rate=0.1, points=3)
    outcome = claim.run(
        torch.device("cpu"),
        lambda done, total: told.append((done, total)),
        seeds=[1, 2],
        depth=3,
        width=16,
        schedule=schedule,
    )
    assert told == [(done, 6) for done in range(1, 7)]
    assert not outcome.confirmed, "six steps teach nothing, so the clipped nets cannot do as predicted"
    assert list(outcome.predictions) == list(outcome.observations) == [row["variant"] for row in outcome.rows]
    assert [net["seed"] for net in outcome.observations["unclipped"]["nets"]] == [1, 2]
    assert outcome.observations["slope 0.7"]["nets"][0]["curve"]["step"] == [0, 2, 4, 6]
    assert outcome.parameters["variants"]["unclipped"]["m"] is None
    assert outcome.parameters["depth"] == 3
    assert [row["predicted to train"] for row in outcome.rows] == ["yes", "no", "no"]
    assert [row["agree"] for row in outcome.rows] == ["NO", "yes", "yes"]
    json.dumps([outcome.parameters, outcome.predictions, outcome.observations], allow_nan=False)


def test_summary_leaves_broken_nets_out_and_counts_them() -> None:
    assert spread([3.0, math.nan, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0, "finite": 3}
    assert spread([math.nan]) == {"median": None, "min": None, "max": None, "finite": 0}
    assert in_words(spread([0.5, 0.25, 1.0])) == "0.50 (0.25..1.00)"
    assert in_words(spread([math.inf])) == "no net finite"
    assert json_number(math.inf) is None
    seen = observe(history([0.3, math.nan], [0.8, math.nan]), [1], [9], claim.trained)
    assert seen["trained"] == 0
    assert seen["nets"][0]["accuracy"] is None
    assert seen["nets"][0]["not_finite_at_step"] == 5


def test_every_variant_is_run_from_the_same_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[list[float], list[int]]] = []

    class Watched(claim.Ensemble):
        def __init__(self, designs: Any, seeds: Any, *rest: Any) -> None:
            given.append(([design.m for design in designs], list(seeds)))
            super().__init__(designs, seeds, *rest)

    monkeypatch.setattr(claim, "Ensemble", Watched)
    claim.run(
        torch.device("cpu"),
        lambda done, total: None,
        seeds=[31, 32],
        depth=2,
        width=16,
        schedule=Schedule(steps=2, batch=8, rate=0.01, points=1),
    )
    ((levels, seeds),) = given
    assert seeds == [31, 32] * 3
    assert len(set(levels)) == 3
    assert levels[::2] == levels[1::2]
