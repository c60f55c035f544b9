"""The command phase-diagram: numbers, files, checkpoints, and Ctrl-C in a process of its own."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from tests.cli.processes import PATIENCE, processes_of_group, running, wait_until

SMALL = ("phase-diagram", "crelu", "--sparsity", 0.4, 0.9, 6, "--m", 0.5, 3, 6)
SCORED = (*SMALL, "--width", 20, "--depth", 3)
SIMULATED = (*SCORED, "--exact-scores", "--cells", 2, 3, "--chains", 30, "--workers", 1)


def expected_diagram() -> vt.PhaseDiagram:
    return vt.clipping_phase_diagram("crelu", np.linspace(0.4, 0.9, 6), np.linspace(0.5, 3, 6))


def test_counts_and_columns(load: Any) -> None:
    content, expected = load(*SMALL), expected_diagram()
    assert (content["x"], content["y"], content["shape"], content["q_star"]) == ("sparsity", "m", [6, 6], 1.0)
    assert content["phases"] == {word: int((expected.words == word).sum()) for word in np.unique(expected.words)}
    assert content["phases"]["infeasible"] == 6
    assert (content["files"], content["scores"]) == ([], [])
    assert "note" not in content
    for name, values in expected.to_columns().items():
        told = [np.nan if value is None else value for value in content["columns"][name]]
        if values.dtype.kind == "f":
            values = np.where(np.isfinite(values), values, np.nan)
            np.testing.assert_array_equal(np.array(told, dtype=float), values, err_msg=name)
        else:
            assert told == values.tolist()


def test_text(call: Any) -> None:
    lines = call(*SCORED).out.splitlines()
    assert lines[0] == "crelu: 6 x 6 cells over sparsity and m"
    assert any(line.startswith("6 ") and "infeasible" in line for line in lines)
    assert any("by small-noise theory" in line for line in lines)
    assert not any("simulated nets each" in line for line in lines)
    assert any("hypothesis" in line for line in lines)
    simulated = call(*SIMULATED).out.splitlines()
    assert any(line.endswith("in 3 cells by 30 simulated nets each") for line in simulated), "3 of 6 are infeasible"


def test_axes_of_variances(load: Any) -> None:
    axes = ("--sigma-w", 1, 2, 2, "--sigma-b", 0.2, 0.2, 1)
    content = load("phase-diagram", "tanh", "--variances", *axes)
    assert content["columns"]["phase"] == ["ordered", "chaotic"]
    assert content["columns"]["sigma_w"] == [1.0, 2.0]
    assert (content["q_star"], content["x"], content["y"]) == (None, "sigma_w", "sigma_b")


def test_q_star_scales_the_customary_levels(load: Any) -> None:
    narrow = ("phase-diagram", "cst", "--sparsity", 0.8, 0.8, 1)
    one, four = (load(*narrow, "--q-star", q)["columns"] for q in (1, 4))
    assert four["m"] == pytest.approx([2 * m for m in one["m"]])
    assert four["phase"] == one["phase"]


def test_scores(load: Any) -> None:
    content = load(*SIMULATED, "--seed", 2, "--level", 0.8)
    assert content["scores"] == [{"width": 20, "depth": 3, "level": 0.8, "chains": 30, "seed": 2, "simulated_cells": 6}]
    options: dict[str, Any] = {"level": 0.8, "chains": 30, "seed": 2, "cells": (2, 3), "workers": 1}
    expected = expected_diagram().with_scores(width=20, depth=3, **options).to_columns()
    for name in ("small_noise_20x3", "score_20x3", "dead_20x3"):
        values = np.array([np.nan if value is None else value for value in content["columns"][name]], dtype=float)
        np.testing.assert_array_equal(values, np.where(np.isfinite(expected[name]), expected[name], np.nan))
    assert "hypothesis" in content["note"]


def test_without_exact_scores_nothing_is_simulated(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a net was simulated")

    monkeypatch.setattr("vmap_theory.phase_diagram.scores.simulate_chain", refuse)
    (score,) = load(*SCORED)["scores"]
    assert score == {"width": 20, "depth": 3, "level": 0.95, "simulated_cells": 0}


def test_files(load: Any, call: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"new/diagram{suffix}" for suffix in (".csv", ".npz", ".svg", ".png")]
    outs = [word for path in paths for word in ("-o", path)]
    content = load(*SCORED, *outs)
    assert content["files"] == [str(path) for path in paths]
    assert "columns" not in content
    assert sorted(paths) == sorted((tmp_path / "new").iterdir()), "and nothing else is left"
    assert paths[0].read_text().splitlines()[1].startswith("sparsity,m,tau,")
    with np.load(paths[1]) as columns:
        np.testing.assert_array_equal(columns["phase"], expected_diagram().words.ravel())
    assert paths[2].read_text().rstrip().endswith("</svg>")
    assert call(*SMALL, "-o", paths[0]).out.startswith(f"wrote {paths[0]}\n")


def test_a_checkpoint_is_resumed(load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cells.jsonl"
    first = load(*SIMULATED, "--checkpoint", file)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a cell was simulated again")

    monkeypatch.setattr("vmap_theory.phase_diagram.scores.simulate_chain", refuse)
    assert load(*SIMULATED, "--checkpoint", file) == first


def cells_kept(file: Path) -> int:
    return max(file.read_bytes().count(b"\n") - 1, 0) if file.exists() else 0


LONG = (*SMALL, "--width", 50, "--depth", 10, "--exact-scores", "--cells", 4, 4)  # 12 of the 16 cells are feasible
POSIX = pytest.mark.skipif(os.name != "posix", reason="process groups are of POSIX")


@POSIX
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_one_line_and_keeps_the_checkpoint(workers: int, tmp_path: Path, load: Any) -> None:
    file, table = tmp_path / "cells.jsonl", tmp_path / "table.csv"
    long = (*LONG, "--chains", 5000, "--checkpoint", file)  # some 0.2 s a cell
    with running(*long, "--workers", workers, "-o", table) as process:
        assert wait_until(lambda: cells_kept(file) >= 2), process.communicate(timeout=PATIENCE)
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C goes to the whole group
        out, err = process.communicate(timeout=PATIENCE)
        assert wait_until(lambda: processes_of_group(process.pid) == 0), "workers live on"
    assert (process.returncode, out) == (130, "")
    (line,) = err.splitlines()
    assert line == f"stopped: finished cells are kept in {file}, and the same command goes on from there"
    assert not table.exists()
    kept = file.read_bytes()
    assert 2 <= cells_kept(file) < 12
    resumed = load(*long, "--workers", 1)
    assert file.read_bytes().startswith(kept), "what was kept was not computed again"
    assert resumed["columns"] == load(*long[:-2], "--workers", 1)["columns"], "as if nothing had happened"


@POSIX
@pytest.mark.parametrize("delay", [0.3, 1.0])
def test_ctrl_c_at_any_time_is_one_line_at_most(delay: float) -> None:
    with running(*LONG, "--chains", 20_000, "--workers", 2) as process:
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        assert wait_until(lambda: processes_of_group(process.pid) == 0), "workers live on"
    assert (process.returncode, out) == (130, "")
    assert err in ("", "stopped\n")


def test_ctrl_c_without_a_checkpoint(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vmap_theory.phase_diagram.clipping_phase_diagram", interrupt)
    called = call(*SMALL, "--json")
    assert (called.status, called.out, called.err) == (130, "", "stopped\n")


def test_json_of_a_process_is_one_object() -> None:
    with running(*SCORED, "--json") as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["shape"] == [6, 6]
