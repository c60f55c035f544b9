"""What the report makes of a training run: curves, and reasons where there is none."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.report.records import training_record
from vmap_theory.report import training
from vmap_theory.report.training import TrainingOutcome, plot_training_curves, train_nets


def test_curves_of_every_net_and_the_median() -> None:
    figure = plot_training_curves(TrainingOutcome(training_record("confirmed")))
    accuracy, sparsity = figure.axes
    # Three variants of two nets and a median each, a cross where the third breaks, and the bar of the rule.
    assert len(accuracy.get_lines()) == 3 * (2 + 1) + 1 + 1
    crosses = [line for line in accuracy.get_lines() if line.get_marker() == "x"]
    assert [float(line.get_xdata()[0]) for line in crosses] == [0.0]
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["slope 0.7", "slope 0.95", "unclipped"]
    bars = [
        line.get_ydata()[0]
        for axes in (accuracy, sparsity)
        for line in axes.get_lines()
        if line.get_linestyle() == "--"
    ]
    assert bars == [0.5, 0.75]
    assert accuracy.get_ylabel() == "test accuracy"


def test_without_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "__file__", str(tmp_path / "vmap_theory" / "report" / "training.py"))
    outcome = train_nets(lambda: None)
    assert outcome.record is None
    assert "checkout" in outcome.reason


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    outcome = train_nets(lambda: None)
    assert outcome.record is None
    assert "torch not installed" in outcome.reason
    assert "vmap-theory[demo]" in outcome.reason


def replace_run(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let a small program stand in for the training run; the record's path is its last argument."""
    monkeypatch.setattr(training, "_COMMAND", ("-c", program))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


def test_record_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.dumps(training_record("refuted"))
    replace_run(monkeypatch, f"import sys, time; time.sleep(0.8); open(sys.argv[-1], 'w').write({record!r})")
    waits: list[int] = []
    outcome = train_nets(lambda: waits.append(1))
    assert outcome.record == training_record("refuted")
    assert outcome.claim["verdict"] == "refuted"
    assert waits, "progress is told while training runs"


def test_a_run_that_dies_is_told_with_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_run(monkeypatch, "import sys; sys.exit('no data')")
    outcome = train_nets(lambda: None)
    assert outcome.record is None
    assert "status 1: no data" in outcome.reason


def test_an_interruption_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_run(monkeypatch, "import time; time.sleep(60)")
    started: list[Any] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            started.append(self)
            super().__init__(*arguments, **options)

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training.subprocess, "Popen", Recorded)
    with pytest.raises(KeyboardInterrupt):
        train_nets(interrupt)
    assert started[0].returncode is not None, "no process is left behind"
    assert sys.executable in started[0].args
