"""What phase diagrams return: `PhaseDiagram`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation
from ..fixed_point_search import FixedPointGrid, Stability
from .phases import Phase, stable_count
from .scores import ScoreMap, score_map

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """Phases over a plane, made by `clipping_phase_diagram` or `variance_phase_diagram`.

    Arrays of cells have the shape (x.size, y.size); NaN stands where a cell has no such number.

    Attributes
    ----------
    activation : Activation
        Its array parameters free.
    x_name, y_name : str
        ``sparsity`` and the level's name (``m``), or ``sigma_w`` and ``sigma_b``.
    x, y : array
        The axes: shares and levels, or standard deviations.
    sigma_w2, sigma_b2 : array
        Variances of weights (times fan-in) and biases in each cell.
    parameters : mapping of str to array
        Of the activation in each cell: tau and m, or none.
    q, slope, chi_1 : array
        The fixed point that the cell is about, V' and chi_1 there: q_star, or the smallest stable one.
    xi_c : array
        Depth scale of correlations, layers: ``-1/ln chi_1`` for chi_1 < 1, inf for chi_1 = 1; for chi_1 > 1
        ``-1/ln R'(rho*)`` at the correlation rho* < 1 that attracts, known for piecewise-linear phi and for phi that is
        smooth but at 0, to a relative 1e-6, and NaN for others, within some 0.01 of rho* = 1, where R' is so small that
        rounding drowns it, and where the phase is unresolved.
    fixed_points : FixedPointGrid
        All fixed points of all cells, with enclosures.
    phase : array of uint8
        Numbers of `Phase`.
    status : array of uint8
        0, or why there is no edge of chaos: a number of `SolveStatus`.
    q_star : float or None
        The variance that is on the edge of chaos all over the diagram, if one is.
    scores : tuple of ScoreMap
        What `with_scores` has added.
    """

    activation: Activation
    x_name: str
    x: NDArray[np.float64]
    y_name: str
    y: NDArray[np.float64]
    sigma_w2: Any
    sigma_b2: Any
    parameters: Mapping[str, Any]
    q: Any
    slope: Any
    chi_1: Any
    xi_c: Any
    fixed_points: FixedPointGrid
    phase: NDArray[np.uint8]
    status: NDArray[np.uint8]
    q_star: float | None
    scores: tuple[ScoreMap, ...] = ()

    def __repr__(self) -> str:
        axes = f"{self.x.size} x {self.y.size} cells over {self.x_name} and {self.y_name}"
        counts = ", ".join(f"{(self.phase == phase).sum()} {phase.word}" for phase in Phase if phase in self.phase)
        return f"PhaseDiagram({self.activation.label}, {axes}: {counts})"

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of cells along x and y."""
        return self.x.size, self.y.size

    @property
    def words(self) -> NDArray[np.str_]:
        """The phases as words."""
        return np.array([phase.word for phase in Phase])[self.phase]

    @property
    def xi_q(self) -> Any:
        """Depth scale of variances, layers: ``-1/ln |V'(q)|``; 0 where V' = 0, NaN where the point does not attract."""
        with np.errstate(divide="ignore", invalid="ignore"):
            steep = np.abs(self.slope)
            return np.where(steep < 1, -1 / np.log(steep), np.nan)

    @property
    def count(self) -> Any:
        """How many fixed points each cell has."""
        return self.fixed_points.count

    @property
    def stable_count(self) -> Any:
        """How many of them are stable."""
        return stable_count(self.fixed_points)

    @property
    def far(self) -> tuple[Any, Any]:
        """The largest stable fixed point, where there are several, and chi_1 there; NaN elsewhere."""
        stable = self.fixed_points.stability == Stability.STABLE
        if not stable.shape[-1]:
            return np.full(self.shape, np.nan), np.full(self.shape, np.nan)
        last = stable.shape[-1] - 1 - stable[..., ::-1].argmax(axis=-1)[..., None]
        several = stable.sum(axis=-1) > 1
        q, chi_1 = (
            np.where(several, np.take_along_axis(array, last, axis=-1)[..., 0], np.nan)
            for array in (self.fixed_points.q, self.fixed_points.chi_1)
        )
        return q, chi_1

    def with_scores(
        self,
        *,
        width: int,
        depth: int,
        level: float = 0.95,
        chains: int = 500,
        seed: int = 0,
        cells: Sequence[int] = (20, 20),
        executor: Executor | None = None,
        workers: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> PhaseDiagram:
        """Return the diagram with trainability scores at a width and depth: by small noise, and by the exact chain.

        The score is the `level` quantile of the log10 gradient factor of a net that starts at `q`; that small scores
        tell nets that train is a hypothesis, see `vmap_theory.finite_width.trainability`.  Scores that the diagram has
        already stay, but for those at the same width and depth.

        Parameters
        ----------
        width, depth : int
            Units per layer, layers.
        level : float
            Of the quantile, strictly between 0 and 1.
        chains, seed : int
            Nets simulated in each cell of the coarse grid, and what their random numbers come from.  Every cell has
            numbers of its own, so that its error shows as noise.
        cells : (int, int)
            At most so many cells along x and y, spread evenly over the diagram, are simulated; (0, 0): none.
        executor, workers, checkpoint, on_progress
            As in `vmap_theory.sweeps.run_sweep`, a task for each cell of the coarse grid.

        Raises
        ------
        DomainError, DtypeError
            A number is outside its domain.
        """
        added = score_map(
            self,
            width=width,
            depth=depth,
            level=level,
            chains=chains,
            seed=seed,
            cells=cells,
            sweep={"executor": executor, "workers": workers, "checkpoint": checkpoint, "on_progress": on_progress},
        )
        others = (s for s in self.scores if (s.width, s.depth) != (added.width, added.depth))
        return replace(self, scores=(*others, added))

    def to_columns(self) -> dict[str, NDArray[Any]]:
        """Return the diagram as a table, a row for each cell: column names and arrays of one length.

        Beside the attributes, ``fixed_points`` and ``stable`` count them, ``q_far`` and ``chi_1_far`` are the largest
        stable one where there are several, ``diverges`` says whether V(q) > q for all large q, and every `ScoreMap`
        adds the columns ``small_noise_``, ``score_``, ``score_lower_``, ``score_upper_`` and ``dead_``, each with width
        and depth.
        """
        x, y = np.meshgrid(self.x, self.y, indexing="ij")
        q_far, chi_1_far = self.far
        columns: dict[str, Any] = {self.x_name: x, self.y_name: y}
        columns |= {name: values for name, values in self.parameters.items() if name != self.y_name}
        columns |= {name: getattr(self, name) for name in ("sigma_w2", "sigma_b2", "q", "slope", "chi_1")}
        columns |= {"xi_q": self.xi_q, "xi_c": self.xi_c, "fixed_points": self.count, "stable": self.stable_count}
        columns |= {"q_far": q_far, "chi_1_far": chi_1_far, "diverges": self.fixed_points.diverges, "phase": self.words}
        for one in self.scores:
            columns |= one.columns(self.shape)
        return {name: np.array(values).ravel() for name, values in columns.items()}

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to ``*.csv`` or ``*.npz``, by rename; floats read back to the same bits.

        The first line of a CSV file is a comment with a JSON object, the entry ``header`` of an NPZ file is its text:
        package, version, activation and axes.

        Raises
        ------
        TableFormatError
            Another suffix.
        FileOutputError
            The file cannot be written.
        """
        from .files import write_diagram

        return write_diagram(self, path)
