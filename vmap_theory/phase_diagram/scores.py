"""Trainability scores over a phase diagram: small-noise theory in every cell, the exact chain in some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation
from ..checks import inside_open_interval, integer_between
from ..errors import DomainError
from ..finite_width import simulate_chain, small_noise_score
from ..sweeps import run_sweep
from ..variance_map import VarianceMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .diagram import PhaseDiagram

    Array = NDArray[np.float64]

_MOST_CELLS = 10_000  # along an axis
_MOST_UNITS, _MOST_LAYERS, _MOST_CHAINS, _MOST_SEED = 10**7, 10**6, 10**7, 2**63 - 1
_LARGEST_Q = 1e50  # small-noise theory needs moments of phi^4


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """Trainability scores at one width and depth over a `PhaseDiagram`.

    Attributes
    ----------
    width, depth, level, chains, seed
        As asked for.
    small_noise : array
        By small-noise theory in every cell; NaN without a fixed point.  It knows one fixed point: where there are
        several it can be far off.
    x_index, y_index : array of int
        Cells of the coarse grid.
    score, lower, upper : array
        By the exact chain on the coarse grid, shape (x_index.size, y_index.size), with 95 % confidence intervals; NaN
        without a fixed point, and where so many nets diverge, and so have no gradient, that the quantile is among them.
        -inf where so many nets lose all active units of a layer that the quantile is among them.
    dead : array
        The share of the simulated nets that lose all active units of some layer, and with them the gradient: where it
        is not small, a small score is no good news.
    """

    width: int
    depth: int
    level: float
    chains: int
    seed: int
    small_noise: Any
    x_index: NDArray[np.intp]
    y_index: NDArray[np.intp]
    score: Array
    lower: Array
    upper: Array
    dead: Array

    def columns(self, shape: tuple[int, int]) -> dict[str, Array]:
        """Columns for a table of all cells; NaN in cells that are not on the coarse grid."""
        suffix = f"{self.width}x{self.depth}"
        columns = {f"small_noise_{suffix}": self.small_noise}
        coarse = {"score": self.score, "score_lower": self.lower, "score_upper": self.upper, "dead": self.dead}
        for name, values in coarse.items():
            full = np.full(shape, np.nan)
            full[np.ix_(self.x_index, self.y_index)] = values
            columns[f"{name}_{suffix}"] = full
        return columns


def score_map(
    diagram: PhaseDiagram,
    *,
    width: int,
    depth: int,
    level: float,
    chains: int,
    seed: int,
    cells: Sequence[int],
    sweep: Mapping[str, Any],
) -> ScoreMap:
    """Compute the scores that `PhaseDiagram.with_scores` adds."""
    units, layers = integer_between("width", width, 2, _MOST_UNITS), integer_between("depth", depth, 1, _MOST_LAYERS)
    share = inside_open_interval("level", level, 0, 1, "It is the probability below the quantile.")
    nets = integer_between("chains", chains, 2, _MOST_CHAINS)
    start = integer_between("seed", seed, 0, _MOST_SEED)
    columns, rows = _coarse(cells, diagram.shape)
    found = np.full((4, columns.size, rows.size), np.nan)
    known = np.isfinite(diagram.q[np.ix_(columns, rows)])
    places = np.argwhere(known)
    items = [_item(diagram, int(columns[i]), int(rows[j]), start) for i, j in places]
    function = partial(
        chain_score, diagram.activation, tuple(diagram.parameters), width=units, depth=layers, level=share, chains=nets
    )
    for (i, j), scores in zip(places, run_sweep(function, items, **sweep), strict=True):
        found[:, i, j] = scores
    return ScoreMap(
        units, layers, share, nets, start, _small_noise(diagram, units, layers, share), columns, rows, *found
    )


def chain_score(
    act: Activation,
    names: tuple[str, ...],
    cell: tuple[float, ...],
    *,
    width: int,
    depth: int,
    level: float,
    chains: int,
) -> list[float]:
    """Score of one cell, its confidence interval, and the share of dead nets.

    `cell` is sigma_w2, sigma_b2, q, seed and the parameters.
    """
    sigma_w2, sigma_b2, q, seed, *values = cell
    vm = VarianceMap(act.bind(**dict(zip(names, values, strict=True))), sigma_w2=sigma_w2, sigma_b2=sigma_b2)
    with ThreadPoolExecutor(1) as thread:  # the sweep has a process for each core already
        sample = simulate_chain(vm, width=width, depth=depth, chains=chains, q_0=q, seed=int(seed), executor=thread)
    found = sample.gradient_quantile(level)
    return [found.value, found.lower, found.upper, sample.dead / chains]


def _item(diagram: PhaseDiagram, column: int, row: int, seed: int) -> tuple[float, ...]:
    own = int(np.random.SeedSequence(seed, spawn_key=(column, row)).generate_state(1, np.uint64)[0] >> np.uint64(1))
    arrays = (diagram.sigma_w2, diagram.sigma_b2, diagram.q)
    numbers = [float(array[column, row]) for array in arrays]
    return (*numbers, own, *(float(values[column, row]) for values in diagram.parameters.values()))


def _coarse(cells: Sequence[int], shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices, evenly spread, the first and the last among them."""
    if not isinstance(cells, (tuple, list)) or len(cells) != 2:
        raise DomainError(f"cells = {cells!r} is no pair: give numbers of cells along both axes, such as (20, 20).")
    counts = [integer_between(f"cells[{axis}]", cells[axis], 0, _MOST_CELLS) for axis in (0, 1)]
    first, second = (
        np.unique(np.linspace(0, size - 1, min(count, size)).round().astype(np.intp))
        for count, size in zip(counts, shape, strict=True)
    )
    return first, second


def _small_noise(diagram: PhaseDiagram, width: int, depth: int, level: float) -> Array:
    score = np.full(diagram.shape, np.nan)
    known = np.isfinite(diagram.q) & (diagram.q < _LARGEST_Q)
    if known.any():
        parameters: dict[str, Any] = {name: values[known] for name, values in diagram.parameters.items()}
        maps = (diagram.sigma_w2[known], diagram.sigma_b2[known], diagram.q[known])
        score[known] = small_noise_score(diagram.activation, *maps, width=width, depth=depth, level=level, **parameters)
    return score
