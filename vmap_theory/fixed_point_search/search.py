"""Branch and prune: cells are dropped, kept for a single root, or halved until nothing is left but rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .interval_bounds import CellBounds, cell_bounds, holds_no_root, holds_one_root, holds_only_noise
from .map_array import Jets, MapArray, joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.intp]

_CELL = 0.115  # width of the first cells in log q: twenty a decade
_MOST_FIRST_CELLS = 4000
_MOST_LEVELS = 60
_MOST_CELLS = 400_000  # at a time, for one chunk of maps
_UNEVEN = 0.4837  # where cells are cut: not in the middle, so that no cut falls on a round number such as q_star = 1
_NEAR = 1.5  # ratio of variances between stretches that count as one
_NARROWEST = 1e-15  # in log q: float64 has no points in between


@dataclass(frozen=True)
class Bracket:
    """Roots of one map between two variances at which the sign of V(q) - q is certain, except where said.

    Attributes
    ----------
    low, high : float
        The variances.
    sign_low, sign_high : int
        Sign of V(q) - q there.
    is_single : bool
        Whether there is certainly exactly one root between them, a simple one; otherwise float64 cannot tell.
    is_bent_one_way : bool
        Whether V/q is strictly convex or concave in log q between them, so that there are at most two.
    """

    low: float
    high: float
    sign_low: int
    sign_high: int
    is_single: bool
    is_bent_one_way: bool = True


@dataclass
class _Cells:
    """Cells of several maps, with what is known at their ends."""

    which: Indices
    left: Jets
    right: Jets

    def at(self, mask: Any) -> _Cells:
        return _Cells(self.which[mask], self.left.at(mask), self.right.at(mask))


def brackets(maps: MapArray, low: Array, high: Array, *, most_cells: int = _MOST_CELLS) -> list[list[Bracket]]:
    """All roots of every map between `low` and `high`, ascending; each end's sign should be certain.

    Beyond `most_cells` at a time cells are not halved any more.
    """
    cells = _first_cells(maps, low, high)
    single: list[_Cells] = []
    unknown: list[tuple[_Cells, CellBounds]] = []
    for _ in range(_MOST_LEVELS):
        bounds = cell_bounds(cells.left, cells.right)
        open_cells = ~holds_no_root(cells.left, cells.right, bounds)
        one = open_cells & holds_one_root(cells.left, cells.right, bounds)
        single.append(cells.at(one))
        stuck = open_cells & ~one
        stuck &= holds_only_noise(cells.left, cells.right, bounds) | (bounds.width <= _NARROWEST)
        rest = open_cells & ~one & ~stuck
        if np.count_nonzero(rest) > most_cells:
            stuck, rest = stuck | rest, np.zeros_like(rest)
        if stuck.any():
            unknown.append((cells.at(stuck), _bounds_at(bounds, stuck)))
        if not rest.any():
            break
        cells = _halved(maps, cells.at(rest))
    else:
        unknown.append((cells, cell_bounds(cells.left, cells.right)))
    return _collected(len(maps.sigma_w2), single, unknown)


def _first_cells(maps: MapArray, low: Array, high: Array) -> _Cells:
    lengths = np.log(high / low)
    counts = np.clip(np.ceil(lengths / _CELL), 1, _MOST_FIRST_CELLS).astype(np.intp)
    which = np.repeat(np.arange(low.size), counts + 1)
    start = np.cumsum(counts + 1) - (counts + 1)
    step = np.arange(which.size) - start[which]
    q = low[which] * np.exp(lengths[which] * step / counts[which])
    q = np.where(step == 0, low[which], np.where(step == counts[which], high[which], q))
    points = maps.jets(which, q)
    is_left = step < counts[which]
    places = np.flatnonzero(is_left)
    return _Cells(which[places], points.at(places), points.at(places + 1))


def _halved(maps: MapArray, cells: _Cells) -> _Cells:
    q = cells.left.q ** (1 - _UNEVEN) * cells.right.q**_UNEVEN
    q = np.clip(q, cells.left.q, cells.right.q)
    middle = maps.jets(cells.which, q)
    return _Cells(np.concatenate([cells.which, cells.which]), joined(cells.left, middle), joined(middle, cells.right))


def _bounds_at(bounds: CellBounds, mask: Any) -> CellBounds:
    return CellBounds(*(getattr(bounds, name)[mask] for name in CellBounds.__dataclass_fields__))


def _collected(count: int, single: list[_Cells], unknown: list[tuple[_Cells, CellBounds]]) -> list[list[Bracket]]:
    """Sort the brackets by map, and join unknown cells that touch."""
    out: list[list[Bracket]] = [[] for _ in range(count)]
    for cells in single:
        left, right = cells.left, cells.right
        ends = (left.q, right.q, left.sign, right.sign)
        for place, low, high, before, after in zip(cells.which.tolist(), *(v.tolist() for v in ends), strict=True):
            out[place].append(Bracket(low, high, before, after, is_single=True))
    for which, left, right, bounds in _joined_runs(unknown):
        monotone = bounds.slope_low.min() > 0 or bounds.slope_high.max() < 0
        bent = bounds.bend_low.min() > 0 or bounds.bend_high.max() < 0
        signs = int(left.sign[0]), int(right.sign[-1])
        out[which].append(
            Bracket(
                float(left.q[0]),
                float(right.q[-1]),
                *signs,
                is_single=signs[0] * signs[1] < 0 and bool(monotone or bent),
                is_bent_one_way=bool(bent),
            )
        )
    return [_merged(sorted(found, key=lambda bracket: bracket.low)) for found in out]


def _merged(found: list[Bracket]) -> list[Bracket]:
    """Unknown stretches that nearly touch, as one: between them a sign is certain by chance."""
    unknown = [index for index, bracket in enumerate(found) if not bracket.is_single]
    out: list[Bracket] = []
    end = 0
    for first in unknown:
        if first < end:
            continue
        last = first
        for index in unknown:
            if index > last and found[index].low < _NEAR * found[last].high:
                last = index
        out += found[end:first]
        low, high = found[first], found[last]
        if first == last:
            out.append(low)
        else:
            out.append(
                Bracket(low.low, high.high, low.sign_low, high.sign_high, is_single=False, is_bent_one_way=False)
            )
        end = last + 1
    return out + found[end:]


def _joined_runs(unknown: list[tuple[_Cells, CellBounds]]) -> list[tuple[int, Jets, Jets, CellBounds]]:
    """Runs of unknown cells of one map in which each begins where the one before ends."""
    if not unknown:
        return []
    which = np.concatenate([cells.which for cells, _ in unknown])
    left = joined(*(cells.left for cells, _ in unknown))
    right = joined(*(cells.right for cells, _ in unknown))
    bounds = CellBounds(
        *(np.concatenate([getattr(bounds, name) for _, bounds in unknown]) for name in CellBounds.__dataclass_fields__)
    )
    order = np.lexsort((left.q, which))
    breaks = (np.diff(which[order]) != 0) | (right.q[order][:-1] != left.q[order][1:])
    runs = np.split(order, np.flatnonzero(breaks) + 1)
    return [(int(which[run[0]]), left.at(run), right.at(run), _bounds_at(bounds, run)) for run in runs]
