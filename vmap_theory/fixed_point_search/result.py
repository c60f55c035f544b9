"""What the searches for fixed points return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import inf, nan
from typing import Any, overload

from ..activations import Activation
from ..checks import positive


class Stability(IntEnum):
    """How iteration of V behaves near a fixed point."""

    NONE = 0
    STABLE = 1
    UNSTABLE = 2
    SEMI_STABLE = 3

    @property
    def word(self) -> str:
        """The word for it: ``stable``, ``unstable``, ``semi-stable``; ``none`` where there is no point."""
        return self.name.lower().replace("_", "-")


class SearchStatus(IntEnum):
    """What is known of the fixed points of one map of an array."""

    COMPLETE = 0
    MISSING = 1
    UNRESOLVED = 2
    DEGENERATE = 3

    @property
    def meaning(self) -> str:
        """A line for people."""
        return _MEANINGS[self]


_MEANINGS = {
    SearchStatus.COMPLETE: "all fixed points are found, and there are no others",
    SearchStatus.MISSING: "an input is NaN",
    SearchStatus.UNRESOLVED: "V(q) = q to rounding somewhere, so float64 cannot tell how many there are: "
    "ask fixed_points, which goes on with more digits",
    SearchStatus.DEGENERATE: "V(q) = q to rounding over a decade or more: no point stands for it",
}


@dataclass(frozen=True)
class FixedPoint:
    """A solution of V(q) = q.

    Attributes
    ----------
    q : float
        The fixed point, a variance.
    lower, upper : float
        The true fixed point lies between them, and no other does (two that no float lies between share them); `q` does
        too.
    slope, chi_1 : float
        V'(q) and chi_1(q).
    stability : str
        ``stable``: attracts from both sides (V' is never below -1/2 there, so that no oscillation can grow).
        ``unstable``: repels to both sides.  ``semi-stable``: a double root of V(q) - q, which attracts from one side
        and repels to the other.
    attracts_from : str
        ``both`` sides, from ``below`` or ``above`` alone, or ``neither``.
    basin : (float, float) or None
        Every start strictly between these variances converges to the point under iteration of V; for a semi-stable
        point it is one of the two ends.  All of its basin where phi(x)^2 + phi(-x)^2 falls nowhere on the way out from
        0 (then V never decreases); else an interval around q inside it.  None for unstable points.
    """

    q: float
    lower: float
    upper: float
    slope: float
    chi_1: float
    stability: str
    attracts_from: str = "neither"
    basin: tuple[float, float] | None = None

    @property
    def error_bound(self) -> float:
        """The true fixed point lies within this distance of `q`."""
        return max(self.q - self.lower, self.upper - self.q)


@dataclass(frozen=True)
class FixedPoints(Sequence[FixedPoint]):
    """All fixed points of a map in ascending order, a sequence.

    Attributes
    ----------
    points : tuple of FixedPoint
        All that there are.
    is_complete : bool
        Whether it is certain that there are no others in (0, oo).
    diverges : bool or None
        Whether V(q) > q for all large q: from far enough up the variance grows without bound.  None: not known.
    collapses : bool or None
        Whether V(q) < q for all small q: from near enough to 0 the variance decays to 0.  None: not known.
    proof : str
        Why there are no others, and what is assumed.
    searched : tuple of float
        The interval of q that was searched; outside of it the sign of V(q) - q is known from `proof`.
    near_misses : tuple of float
        Variances at which V(q) comes so near to q that only more than float64's digits show that it does not meet it:
        a change in the last place of sigma_w2 or sigma_b2 may make fixed points there.
    """

    points: tuple[FixedPoint, ...]
    is_complete: bool
    diverges: bool | None
    collapses: bool | None
    proof: str
    searched: tuple[float, float]
    near_misses: tuple[float, ...] = ()

    @overload
    def __getitem__(self, index: int) -> FixedPoint: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FixedPoint, ...]: ...
    def __getitem__(self, index: int | slice) -> FixedPoint | tuple[FixedPoint, ...]:
        return self.points[index]

    def limit(self, q_0: float) -> float:
        """Where iteration of V from `q_0` > 0 goes: a fixed point, inf, 0, or NaN where the basins do not tell.

        Examples
        --------
        >>> from vmap_theory import activation, edge_of_chaos, fixed_points
        >>> found = fixed_points(edge_of_chaos(activation("relu_tau", tau=1)).variance_map)
        >>> found.limit(0.9), found.limit(1.1)
        (1.0, inf)
        """
        start = positive("q_0", q_0)
        for point in self.points:
            if point.q == start or (point.basin is not None and point.basin[0] < start < point.basin[1]):
                return point.q
        if self.is_complete and self.diverges and start > max((point.upper for point in self.points), default=0.0):
            return inf
        if self.is_complete and self.collapses and start < min((point.lower for point in self.points), default=inf):
            return 0.0
        return nan

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[FixedPoint]:
        return iter(self.points)


@dataclass(frozen=True, eq=False)
class FixedPointGrid:
    """Fixed points of an array of maps.

    Attributes
    ----------
    activation : Activation
        The activation, array parameters free.
    count : array of int
        How many fixed points each map has.
    q, lower, upper, slope, chi_1 : array
        As in `FixedPoint`, ascending along a last axis of the length of the largest count; NaN beyond a map's count.
    stability : array of uint8
        Numbers of `Stability`, along the same axis; 0 beyond the count.
    diverges : array of bool
        Whether V(q) > q for all large q.
    status : array of uint8
        Numbers of `SearchStatus`; 0 where all is certain.
    """

    activation: Activation
    count: Any
    q: Any
    lower: Any
    upper: Any
    slope: Any
    chi_1: Any
    stability: Any
    diverges: Any
    status: Any
