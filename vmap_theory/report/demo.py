"""Gather what the report shows, and write it."""

from __future__ import annotations

import base64
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import scipy
import sympy as sp

from .. import __version__
from ..activations import Activation, family
from ..checks import inside_open_interval
from ..errors import MissingExtraError
from ..files import require_writable_folder, write_atomically
from ..formulas import derive
from ..latex import definition_latex
from ..plots import (
    figure_bytes,
    plot_activations,
    plot_edge_of_chaos,
    plot_slope_against_level,
    plot_variance_maps,
)
from ..solve import clipping_level, edge_of_chaos, threshold_for_sparsity
from ..tables import EocTable, eoc_table
from ..verification import VerificationReport, verify
from .training import TrainingOutcome, plot_training_curves, train_nets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIGITS = 50
TARGETS = (0.5, 0.7, 0.9)
PAIRS = (("crelu", "relu_tau"), ("cst", "soft_threshold"))
"""Each clipped family with the unclipped one that it is a clipping of."""

_SHOWN_FORMULAS = ("second_moment", "slope_moment", "sparsity", "dV", "d2V")
_TRAINING_SHARE = 60  # of the progress bar's steps: training takes most of the time


@dataclass(frozen=True)
class DemoResult:
    """What the demo wrote and found.

    Attributes
    ----------
    report, table_json, table_csv : Path
        The files.
    verified : bool
        All closed forms passed at 50 digits.
    training : str
        ``confirmed``, ``refuted``, or ``not run: ...``.
    """

    report: Path
    table_json: Path
    table_csv: Path
    verified: bool
    training: str

    @property
    def passed(self) -> bool:
        """Whether nothing that was checked came out wrong."""
        return self.verified and self.training != "refuted"

    def summary(self) -> str:
        """Three lines for people."""
        checked = f"closed forms {'verified' if self.verified else 'FAILED'} at {DIGITS} digits"
        return (
            f"report   {self.report}\n"
            f"tables   {self.table_json}, {self.table_csv}\n"
            f"result   {checked}; training claim {self.training}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "report": str(self.report),
            "table_json": str(self.table_json),
            "table_csv": str(self.table_csv),
            "verified": self.verified,
            "training": self.training,
            "passed": self.passed,
        }


@dataclass(frozen=True)
class FamilySection:
    """What the report says of one clipped family."""

    act: Activation
    definition: str
    formulas: tuple[str, ...]
    verification: VerificationReport
    rows: tuple[Any, ...]
    activation_figure: str
    map_figure: str
    slope_figure: str


def write_demo_report(
    folder: str | os.PathLike[str],
    *,
    sparsity: float = 0.85,
    train: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> DemoResult:
    """Write ``report.html``, ``eoc-table.json`` and ``eoc-table.csv`` to `folder`.

    Parameters
    ----------
    folder : path
        Made if missing; files of these names are replaced, by rename.
    sparsity : float
        P(phi = 0) at q* = 1 for both families, at least 0.5 and below 1.
    train : bool
        Whether to train nets too; the training claim is declared at 85 % sparsity and does not depend on `sparsity`.
    on_progress : callable, optional
        Called as ``on_progress(done, total)``.

    Raises
    ------
    MissingExtraError
        Jinja or Matplotlib is not installed.
    VmapTheoryError
        The sparsity is out of range or the folder cannot be written.
    """
    inside_open_interval("sparsity", sparsity, 0, 1)
    _require_extras()
    root = require_writable_folder(folder)
    steps = _Steps(on_progress, 2 * len(PAIRS) + 2, _TRAINING_SHARE if train else 0)
    names = [name for pair in PAIRS for name in pair]
    table = eoc_table(names, [sparsity], TARGETS, digits=DIGITS)
    steps.advance()
    sections = [_section(clipped, unclipped, sparsity, table, steps) for clipped, unclipped in PAIRS]
    outcome = train_nets(steps.creep) if train else TrainingOutcome(None, "it was switched off.")
    steps.advance(_TRAINING_SHARE if train else 0)
    html = _render(sections, sparsity, table, outcome)
    result = DemoResult(
        report=write_atomically(root / "report.html", html),
        table_json=table.write(root / "eoc-table.json"),
        table_csv=table.write(root / "eoc-table.csv"),
        verified=all(section.verification.passed for section in sections),
        training=outcome.record["verdict"] if outcome.record else f"not run: {outcome.reason}",
    )
    steps.advance()
    return result


class _Steps:
    """Counts steps for the progress bar; `creep` moves it inside a long step without ever finishing that."""

    def __init__(self, on_progress: Callable[[int, int], None] | None, steps: int, long_step: int) -> None:
        self._report = on_progress or (lambda done, total: None)
        self._total = steps + long_step
        self._done = 0
        self._inside = 0
        self._long_step = long_step

    def advance(self, by: int = 1) -> None:
        self._done += by
        self._inside = 0
        self._report(self._done, self._total)

    def creep(self) -> None:
        self._inside = min(self._inside + 1, self._long_step - 1)
        self._report(self._done + self._inside, self._total)


def _section(clipped: str, unclipped: str, sparsity: float, table: EocTable, steps: _Steps) -> FamilySection:
    formulas = derive(family(clipped))
    verification = verify(family(clipped), DIGITS)
    steps.advance()
    tau = threshold_for_sparsity(clipped, sparsity)
    clips = [clipping_level(clipped, sparsity, target=target) for target in TARGETS]
    bare = edge_of_chaos(family(unclipped).bind(tau=tau))
    maps = [*(clip.variance_map for clip in clips), bare.variance_map]
    labels = [*(f"$V'(q^*) = {clip.target:g}$, $m = {clip.m:.3f}$" for clip in clips), "not clipped"]
    section = FamilySection(
        act=family(clipped),
        definition=_mathml(definition_latex(family(clipped))),
        formulas=tuple(_mathml(formulas.latex(name)) for name in _SHOWN_FORMULAS),
        verification=verification,
        rows=tuple(row for row in table.rows if row.family in (clipped, unclipped)),
        activation_figure=_embedded(plot_activations([clip.variance_map.activation for clip in clips])),
        map_figure=_embedded(plot_variance_maps(maps, labels=labels)),
        slope_figure=_embedded(plot_slope_against_level(clipped, sorted({0.5, 0.7, sparsity, 0.95}))),
    )
    steps.advance()
    return section


def _render(sections: Sequence[FamilySection], sparsity: float, table: EocTable, outcome: TrainingOutcome) -> str:
    from jinja2 import Environment, StrictUndefined

    template = files(__package__).joinpath("template.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    eoc_figure = plot_edge_of_chaos(
        [clipping_level(clipped, sparsity, target=0.7).variance_map.activation for clipped, _ in PAIRS]
    )
    return environment.from_string(template).render(
        sections=sections,
        sparsity=sparsity,
        table=table,
        digits=DIGITS,
        outcome=outcome,
        eoc_figure=_embedded(eoc_figure),
        training_figure=_embedded(plot_training_curves(outcome)) if outcome.record else "",
        master_formula=_mathml(r"V(q) = \sigma_w^2\, \mathbb{E}[\phi(\sqrt{q}\, Z)^2] + \sigma_b^2"),
        edge_formula=_mathml(
            r"\sigma_w^2 = \frac{1}{\mathbb{E}[\phi'(\sqrt{q^*} Z)^2]}, \quad"
            r"\sigma_b^2 = q^* - \sigma_w^2\, \mathbb{E}[\phi(\sqrt{q^*} Z)^2]"
        ),
        written=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
        versions={
            "vmap-theory": __version__,
            "Python": platform.python_version(),
            "SymPy": sp.__version__,
            "mpmath": mpmath.__version__,
            "NumPy": np.__version__,
            "SciPy": scipy.__version__,
        },
    )


def _mathml(latex: str) -> Any:
    from latex2mathml.converter import convert
    from markupsafe import Markup

    return Markup(convert(latex, display="block"))  # noqa: S704 (made from our own formulas, no user text)


def _embedded(figure: Figure) -> str:
    """A figure as a data URI, so that the page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(figure_bytes(figure, "svg")).decode()


def _require_extras() -> None:
    try:
        import jinja2
        import latex2mathml
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError.needing("the demo report", "demo") from None
    del jinja2, latex2mathml
