"""The training outcome in the report: run the validation of a checkout, read its record, draw its curves.

`vmap_theory` never imports `validation`, which is not part of the installed package; where a checkout holds it, it is
run as a command of its own, and only its JSON record is read.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..plots import colour_cycle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLAIM = "clipping_rescues_depth"
_COMMAND = ("-m", "validation", "--claim", CLAIM, "--record")


@dataclass(frozen=True)
class TrainingOutcome:
    """What training said, or why there was none.

    Attributes
    ----------
    record : dict or None
        The validation record.
    reason : str
        Why there is no record; empty if there is one.
    """

    record: dict[str, Any] | None
    reason: str = ""

    @property
    def claim(self) -> dict[str, Any]:
        """The claim's part of the record."""
        claims = self.record["claims"] if self.record else {}
        claim: dict[str, Any] = claims[CLAIM]
        return claim


def train_nets(on_wait: Callable[[], None]) -> TrainingOutcome:
    """Run the training claim of this checkout; `on_wait` is called about twice a second meanwhile."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "validation" / "claims" / f"{CLAIM}.py").is_file():  # ours, not any folder of that name
        return TrainingOutcome(
            None, "the folder validation/ is not installed with the package: run the demo from a checkout."
        )
    missing = [name for name in ("torch", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        return TrainingOutcome(None, f"{' and '.join(missing)} not installed: pip install 'vmap-theory[demo]'.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        command = [sys.executable, *_COMMAND, str(path)]
        with subprocess.Popen(  # noqa: S603 (our own interpreter and module, no user text)
            command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                message = _wait(process, on_wait)
            except BaseException:
                process.terminate()
                raise
        if not path.is_file():
            return TrainingOutcome(None, f"the training run ended with status {process.returncode}: {message}")
        return TrainingOutcome(json.loads(path.read_text(encoding="utf-8")))


def plot_training_curves(outcome: TrainingOutcome) -> Figure:
    """Draw test accuracy and kept sparsity against the step: every net thin, the median of each variant thick."""
    import numpy as np
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(7.6, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    rule, observations = outcome.claim["parameters"]["rule"], outcome.claim["observations"]
    shown = (
        ("test_accuracy", "test accuracy", "accuracy_bar"),
        ("sparsity", "fraction of zero activations", "sparsity_floor"),
    )
    for axes, (key, label, bar) in zip(panels, shown, strict=True):
        for (name, seen), colour in zip(observations.items(), colour_cycle(len(observations)), strict=True):
            steps = seen["nets"][0]["curve"]["step"]
            curves = np.array([[np.nan if v is None else v for v in net["curve"][key]] for net in seen["nets"]])
            for curve in curves:
                axes.plot(steps, curve, color=colour, linewidth=0.7, alpha=0.45)
            finite = ~np.isnan(curves).all(axis=0)
            axes.plot(
                np.array(steps)[finite],
                np.nanmedian(curves[:, finite], axis=0),
                color=colour,
                linewidth=2,
                label=name,
            )
            if not finite.all():
                last = int(np.flatnonzero(finite)[-1])
                axes.plot(steps[last], np.nanmedian(curves[:, last]), marker="x", markersize=9, color=colour)
        axes.axhline(rule[bar], color="0.5", linestyle="--", linewidth=1)
        axes.set_xlabel("SGD step")
        axes.set_ylabel(label)
        axes.set_ylim(0, 1)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize="small")
    return figure


def _wait(process: subprocess.Popen[str], on_wait: Callable[[], None]) -> str:
    while True:
        try:
            _, message = process.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            on_wait()
        else:
            return message.strip().splitlines()[-1] if message.strip() else ""
