"""Trainability scores over phase diagrams: the same as one by one, on every executor, resumed after Ctrl-C."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, TableFormatError
from vmap_theory.finite_width import small_noise_score, trainability
from vmap_theory.phase_diagram import PhaseDiagram, clipping_phase_diagram, variance_phase_diagram
from vmap_theory.phase_diagram.scores import ScoreMap

SETTINGS = {"width": 40, "depth": 6, "chains": 200, "cells": (3, 4)}


@pytest.fixture(scope="module")
def diagram() -> PhaseDiagram:
    return clipping_phase_diagram("crelu", np.linspace(0.45, 0.9, 7), np.linspace(0.3, 3, 6))


@pytest.fixture(scope="module")
def scores(diagram: PhaseDiagram) -> Iterator[ScoreMap]:
    (found,) = diagram.with_scores(**SETTINGS, workers=1).scores
    return found


def test_cells_are_spread_over_the_diagram(diagram: PhaseDiagram, scores: ScoreMap) -> None:
    assert scores.x_index.tolist() == [0, 3, 6]
    assert scores.y_index.tolist() == [0, 2, 3, 5]
    assert scores.score.shape == scores.lower.shape == scores.upper.shape == (3, 4)
    assert diagram.scores == ()


def test_cells_without_an_edge_of_chaos_have_no_score(scores: ScoreMap) -> None:
    assert np.isnan(scores.score[0]).all()
    assert np.isnan(scores.small_noise[0]).all()
    assert np.isfinite(scores.score[1:]).all()
    assert ((scores.lower <= scores.score) & (scores.score <= scores.upper))[1:].all()


def test_one_cell_is_what_trainability_says(diagram: PhaseDiagram, scores: ScoreMap) -> None:
    i, j = 2, 1
    column, row = scores.x_index[i], scores.y_index[j]
    act = vt.activation("crelu", tau=float(diagram.parameters["tau"][column, row]), m=float(diagram.y[row]))
    vm = vt.VarianceMap(act, sigma_w2=diagram.sigma_w2[column, row], sigma_b2=diagram.sigma_b2[column, row])
    sequence = np.random.SeedSequence(0, spawn_key=(int(column), int(row)))
    own = int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
    one = trainability(vm, width=40, depth=6, chains=200, q_0=1.0, seed=own)
    assert (one.score, one.lower, one.upper) == (scores.score[i, j], scores.lower[i, j], scores.upper[i, j])
    assert one.small_noise == pytest.approx(scores.small_noise[column, row], rel=1e-9)


def test_other_random_numbers_agree_within_the_errors(diagram: PhaseDiagram) -> None:
    settings = SETTINGS | {"chains": 4000}
    first, second = (diagram.with_scores(**settings, seed=seed, workers=1).scores[0] for seed in (1, 2))
    known = np.isfinite(first.score)
    # A 95 % interval is 3.92 standard errors wide.
    errors = np.hypot(first.upper - first.lower, second.upper - second.lower)[known] / 3.92
    z = (first.score - second.score)[known] / errors
    assert np.abs(z).max() < 4.5
    assert not np.array_equal(first.score[known], second.score[known])


def test_small_noise_agrees_with_the_chain_where_noise_is_small(diagram: PhaseDiagram) -> None:
    (wide,) = diagram.with_scores(width=1000, depth=5, chains=2000, cells=(2, 1), workers=1).scores
    column, row = wide.x_index[1], wide.y_index[0]
    assert diagram.slope[column, row] < 0.3
    error = (wide.upper[1, 0] - wide.lower[1, 0]) / 3.92
    assert abs(wide.score[1, 0] - wide.small_noise[column, row]) < 4.5 * error


def test_executors_do_not_matter(diagram: PhaseDiagram, scores: ScoreMap) -> None:
    with ThreadPoolExecutor(3) as threads:
        for found in (
            diagram.with_scores(**SETTINGS, executor=threads).scores[0],
            diagram.with_scores(**SETTINGS, workers=2).scores[0],
        ):
            assert found.score.tobytes() == scores.score.tobytes()


def test_interrupted_and_resumed(diagram: PhaseDiagram, scores: ScoreMap, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        assert total == 8
        if done == 3:
            raise KeyboardInterrupt

    file = tmp_path / "scores.jsonl"
    with pytest.raises(KeyboardInterrupt):
        diagram.with_scores(**SETTINGS, workers=1, checkpoint=file, on_progress=interrupt)
    told: list[int] = []
    (found,) = diagram.with_scores(
        **SETTINGS, workers=1, checkpoint=file, on_progress=lambda done, _: told.append(done)
    ).scores
    assert told == [3, 4, 5, 6, 7, 8]
    assert found.score.tobytes() == scores.score.tobytes()
    with pytest.raises(TableFormatError, match="another list of items, or other fixed arguments"):
        diagram.with_scores(**SETTINGS | {"depth": 7}, workers=1, checkpoint=file)


def test_dead_nets_are_counted() -> None:
    """At width 8 and p = E[phi'^2] a layer has no active unit with probability (1 - p)^8."""
    diagram = clipping_phase_diagram("crelu", [0.9], [0.01, 8.0])
    chains = 4000
    (found,) = diagram.with_scores(width=8, depth=1, chains=chains, cells=(1, 2), workers=1).scores
    share = (1 - 1 / diagram.sigma_w2[0]) ** 8
    error = np.sqrt(share * (1 - share) / chains)
    assert (np.abs(found.dead[0] - share) < 4 * error).all()
    assert found.score[0, 0] == -np.inf
    assert np.isfinite(found.score[0, 1])


def test_over_variances() -> None:
    diagram = variance_phase_diagram("tanh", [0.9, 1.8], [0.1, 0.4])
    (found,) = diagram.with_scores(width=50, depth=10, chains=100, workers=1).scores
    assert found.score.shape == (2, 2)
    assert (found.score[0] < 0).all(), "ordered: gradients vanish"
    assert (found.score[1] > 0).all(), "chaotic: gradients explode"
    expected = small_noise_score("tanh", 3.24, 0.16, diagram.q[1, 1], width=50, depth=10)
    assert found.small_noise[1, 1] == pytest.approx(expected, rel=1e-12)


def test_scores_at_several_widths(diagram: PhaseDiagram) -> None:
    both = diagram
    for width, level in ((30, 0.95), (60, 0.95), (30, 0.9)):
        both = both.with_scores(width=width, depth=5, level=level, cells=(0, 0))
    assert [(found.width, found.level) for found in both.scores] == [(60, 0.95), (30, 0.9)]
    assert sum(name.startswith("small_noise") for name in both.to_columns()) == 2


def test_small_noise_alone(diagram: PhaseDiagram) -> None:
    (found,) = diagram.with_scores(width=100, depth=20, cells=(0, 0)).scores
    assert found.score.size == 0
    assert np.isfinite(found.small_noise).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 1}, "width = 1 is outside"),
        ({"depth": 0}, "depth = 0"),
        ({"chains": 1}, "chains = 1"),
        ({"level": 1.0}, "level = 1.0"),
        ({"seed": -1}, "seed = -1"),
        ({"cells": 3}, "cells = 3 is no pair"),
        ({"cells": (3, -1)}, r"cells\[1\] = -1"),
    ],
)
def test_bad_arguments(diagram: PhaseDiagram, change: dict[str, object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        diagram.with_scores(**SETTINGS | change)  # type: ignore[arg-type]


def test_cells_as_a_list(diagram: PhaseDiagram, scores: ScoreMap) -> None:
    (found,) = diagram.with_scores(**(SETTINGS | {"cells": [3, 4]}), workers=1).scores
    np.testing.assert_array_equal(found.score, scores.score)
