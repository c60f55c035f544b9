"""All fixed points V(q) = q, each inside an interval whose ends have certain signs of V(q) - q.

First version: the sign of ``g(q) = V(q) - q`` is read on a logarithmic grid refined by the extrema of g, and counts
only where |g| exceeds the error bound of its evaluation.  So rounding noise is never taken for a root, and a tangency
that the numbers cannot resolve is reported as one semi-stable point with an honest error bound.  Two fixed points
closer together than a grid cell *and* without an extremum that the cell's ends reveal could be missed; the grid has
100 points a decade.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from ..activations.base import Activation
from ..activations.symbols import X
from ..errors import DegenerateMapError, DtypeError
from ..variance_map import VarianceMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_POINTS_PER_DECADE = 100
_EPSILON = float(np.finfo(np.float64).eps)
_DEGENERATE_DECADES = 4.0
_REACHES = (10.0, 1e3, 1e6, 1e9, 1e12)
_MOST_TURNS = 400
_LARGEST_VALUE = 1e50
_FAR, _SAMPLES = 1e6, 4001  # where a bounded activation is told from an unbounded one
_LEAST_Q, _LARGEST_Q = 1e-300, 1e300  # beyond, V(q) - q would leave the range of float64


@dataclass(frozen=True)
class FixedPoint:
    """A solution of V(q) = q.

    Attributes
    ----------
    q : float
        The fixed point, a variance.
    slope, chi_1 : float
        V'(q) and chi_1(q).
    stability : str
        ``stable``: attracts from both sides.  ``unstable``: repels to both sides.  ``semi-stable``: attracts from one
        side and repels to the other, or a tangency closer than the error bound can resolve.
    error_bound : float
        The true fixed point lies within this distance of `q`.
    """

    q: float
    slope: float
    chi_1: float
    stability: str
    error_bound: float


@dataclass(frozen=True)
class FixedPoints(Sequence[FixedPoint]):
    """The fixed points in ascending order, a sequence.

    Attributes
    ----------
    points : tuple of FixedPoint
        All that were found.
    searched : tuple of float
        The interval of q that was searched.
    """

    points: tuple[FixedPoint, ...]
    searched: tuple[float, float]

    @overload
    def __getitem__(self, index: int) -> FixedPoint: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FixedPoint, ...]: ...
    def __getitem__(self, index: int | slice) -> FixedPoint | tuple[FixedPoint, ...]:
        return self.points[index]

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[FixedPoint]:
        return iter(self.points)


def fixed_points(vm: VarianceMap) -> FixedPoints:
    """Find all fixed points of a variance map on q > 0.

    Parameters
    ----------
    vm : VarianceMap
        The map.

    Returns
    -------
    FixedPoints
        Ascending; empty if V(q) = q has no solution in the interval ``searched``.  For a bounded activation and
        sigma_b2 > 0 that interval holds every fixed point, since ``sigma_b2 <= V <= sigma_w2 max(phi^2) + sigma_b2``.
        With sigma_b2 = 0 it starts at 1e-24 times the activation's own scale (the smallest break point, squared), and
        for an unbounded activation it ends at 1e12 times the largest (10 to 1e9 where phi oscillates too fast
        or grows too much to be followed further): fixed points beyond are not found.

    Raises
    ------
    DegenerateMapError
        V(q) = q to rounding over four decades or more, as for ReLU with sigma_w2 = 2 and no biases.

    Examples
    --------
    >>> from vmap_theory import clipping_level
    >>> vm = clipping_level("cst", sparsity=0.85, target=0.9).variance_map
    >>> [(round(p.q, 4), p.stability) for p in fixed_points(vm)]
    [(1.0, 'stable'), (1.2634, 'unstable'), (5.34, 'stable')]
    """
    if not isinstance(vm, VarianceMap):
        raise DtypeError(f"{type(vm).__name__} is no VarianceMap: give one, or the .variance_map of a result.")
    low, high = _search_interval(vm)
    count = max(400, int(_POINTS_PER_DECADE * np.log10(high / low)))
    grid = _with_extrema(vm, np.geomspace(low, high, count))
    signs = _certain_signs(vm, grid)
    _refuse_degenerate(vm, grid, signs)
    certain = np.flatnonzero(signs)
    points = []
    for left, right in pairwise(certain):
        if signs[left] != signs[right]:
            points.append(_crossing(vm, grid[left], grid[right], signs[left]))
        elif right > left + 1 and _may_touch(vm, grid[left : right + 1], signs[left]):
            points.append(_tangency(vm, grid[left : right + 1]))
    return FixedPoints(tuple(points), (float(low), float(high)))


def _search_interval(vm: VarianceMap) -> tuple[float, float]:
    act = vm.activation
    at = [min(max(abs(float(point.at)), 1e-140), 1e140) for point in act.breaks if point.at != 0]
    scales = [end * end for end in at] or [max(vm.sigma_b2, 1.0)]
    low = vm.sigma_b2 / 2 if vm.sigma_b2 > 0 else 1e-24 * min(scales)
    ceiling = _largest_square(act)
    scale = max(*scales, vm.sigma_b2)
    high = _reach(act) * scale if ceiling is None else 1.01 * (vm.sigma_w2 * ceiling + vm.sigma_b2)
    low = min(max(low, _LEAST_Q), _LARGEST_Q / 10)
    return low, min(max(high, 10 * low), _LARGEST_Q)


def _reach(act: Activation) -> float:
    """How many times its own scale an unbounded activation is followed; fast oscillations or growth end it early."""
    if act.is_polynomial:
        return _REACHES[-1]
    for shorter, longer in pairwise(_REACHES):
        x = np.linspace(0.0, 10 * math.sqrt(longer) * _scale_of(act), _SAMPLES)
        values = [np.asarray(act(side * x)) for side in (1, -1)]
        with np.errstate(over="ignore", invalid="ignore"):
            turns = [np.count_nonzero(np.diff(np.sign(np.diff(value, 2)))) for value in values]
        if max(turns) > _MOST_TURNS or max(np.abs(value).max() for value in values) > _LARGEST_VALUE:
            return shorter
    return _REACHES[-1]


def _largest_square(act: Activation) -> float | None:
    """Bound of phi^2, or None if phi is unbounded.

    A polynomial piece on a bounded interval is at most the sum of its coefficients' sizes times powers of the far end;
    other functions are sampled, with a margin.
    """
    if not act.is_polynomial:
        return _largest_square_seen(act)
    if any(sp.degree(end, X) > 0 for end in act.asymptotes if end != 0):
        return None
    bounds = [0.0]
    for piece in act.pieces:
        reach = max(abs(float(end)) for end in (piece.lower, piece.upper) if end.is_finite) if act.breaks else 0.0
        terms = sp.Poly(piece.expression, X).terms()
        with np.errstate(over="ignore"):
            size = sum(abs(float(c)) * float(np.float64(reach) ** k) for (k,), c in terms)
        bounds.append(min(size, 1e140) ** 2)
    return max(bounds)


def _largest_square_seen(act: Activation) -> float | None:
    sizes = np.geomspace(1e-6, _FAR, _SAMPLES) * _scale_of(act)
    with np.errstate(over="ignore"):
        squares = np.maximum(np.asarray(act(sizes)) ** 2, np.asarray(act(-sizes)) ** 2)
    near, far = squares[sizes <= sizes[-1] / 100].max(), squares.max()
    return float(1.1 * far) if np.isfinite(far) and far <= 1.01 * near else None


def _scale_of(act: Activation) -> float:
    """The largest break point, or 1."""
    return max((abs(float(point.at)) for point in act.breaks), default=0.0) or 1.0


def _excess(vm: VarianceMap, q: Any) -> tuple[Any, Any]:
    """V(q) - q and a bound of its error."""
    moments = vm.moments(q)
    with np.errstate(over="ignore", invalid="ignore"):
        value = vm.sigma_w2 * moments.second_moment + vm.sigma_b2
        error = vm.sigma_w2 * moments.second_moment_error + 2 * _EPSILON * (value + q)
    # Where V overflows it exceeds q: an excess as large as can be, and certain.
    finite = np.isfinite(value) & np.isfinite(error)
    return np.where(finite, value - q, np.finfo(np.float64).max), np.where(finite, error, 0.0)


def _certain_signs(vm: VarianceMap, q: Array) -> NDArray[np.int64]:
    """Sign of V(q) - q where it is certain, 0 elsewhere."""
    excess, error = _excess(vm, q)
    return np.where(np.abs(excess) > error, np.sign(excess), 0.0).astype(np.int64)


def _with_extrema(vm: VarianceMap, grid: Array) -> Array:
    """Add the extrema of V(q) - q, so that the difference is monotone between neighbours."""
    with np.errstate(over="ignore"):
        rises = np.sign(np.asarray(vm.derivative(grid)) - 1)
    turns = np.flatnonzero(rises[:-1] * rises[1:] < 0)
    extrema = [_root(lambda q: float(vm.derivative(q)) - 1, grid[i], grid[i + 1]) for i in turns]
    return np.unique(np.concatenate([grid, extrema]))


def _refuse_degenerate(vm: VarianceMap, grid: Array, signs: NDArray[np.int64]) -> None:
    certain = np.flatnonzero(signs)
    edges = [-1, *certain.tolist(), len(grid)]
    for left, right in pairwise(edges):
        run = grid[left + 1 : right]
        if len(run) and np.log10(run[-1] / run[0]) > _DEGENERATE_DECADES:
            raise DegenerateMapError(
                f"V(q) = q to rounding for every q from {run[0]:.3g} to {run[-1]:.3g}: float64 cannot tell whether "
                f"{vm.activation.label} with sigma_w2 = {vm.sigma_w2:g}, sigma_b2 = {vm.sigma_b2:g} has isolated fixed "
                "points there. Change sigma_w2 or sigma_b2 to get isolated ones."
            )


def _crossing(vm: VarianceMap, left: float, right: float, sign: int) -> FixedPoint:
    """The one fixed point between two points where the excess has certain and opposite signs."""
    q = _root(lambda point: float(_excess(vm, point)[0]), left, right)
    low, high = _narrowed(vm, left, q), _narrowed(vm, right, q)
    return _fixed_point(vm, q, "stable" if sign > 0 else "unstable", max(q - low, high - q))


def _may_touch(vm: VarianceMap, cell: Array, sign: int) -> bool:
    """Whether V(q) - q, of one sign at both ends of the cell, can reach zero inside.

    A concave function that is positive at both ends is positive between them (and a convex one negative), so V'' of
    the wrong sign at every point of the cell rules a tangency out, however small the difference is.
    """
    moments = vm.moments(cell)
    return bool(np.any(sign * moments.d2_second_moment > -moments.d2_second_moment_error))


def _tangency(vm: VarianceMap, cell: Array) -> FixedPoint:
    """A stretch where the excess is zero to rounding, between two points where it has the same sign."""
    inner = cell[1:-1]
    # Of points that are all zero to rounding, the extremum is the one where the slope is 1.
    slopes = np.asarray(vm.derivative(inner))
    q = float(inner[np.argmin(np.abs(slopes - 1))]) if len(inner) > 1 else float(inner[0])
    low, high = _narrowed(vm, cell[0], q), _narrowed(vm, cell[-1], q)
    return _fixed_point(vm, q, "semi-stable", max(q - low, high - q))


def _narrowed(vm: VarianceMap, certain: float, q: float) -> float:
    """Move from a point of certain sign towards a fixed point, by halving, as far as that sign stays certain."""
    points: Array = q + (certain - q) * np.exp2(-np.arange(60.0))
    points[0] = certain
    signs = _certain_signs(vm, points)
    changed = np.flatnonzero(signs != signs[0])
    return float(points[changed[0] - 1] if len(changed) else points[-1])


def _fixed_point(vm: VarianceMap, q: float, stability: str, error_bound: float) -> FixedPoint:
    moments = vm.moments(q)
    return FixedPoint(
        q=float(q),
        slope=vm.sigma_w2 * float(moments.d_second_moment),
        chi_1=vm.sigma_w2 * float(moments.slope_moment),
        stability=stability,
        error_bound=float(error_bound),
    )


def _root(function: Callable[[float], float], left: float, right: float) -> float:
    """Root of a function with opposite signs at the ends, to the last bit.

    brentq multiplies function values and arguments, which under- or overflows when q is measured in an extreme unit;
    so it is given a ratio of arguments and a ratio of values.
    """
    at_left, at_right, end = function(left), function(right), right / left
    if at_left == 0 or at_right == 0 or (at_left > 0) == (at_right > 0):  # the end that is nearer, to rounding
        return left if abs(at_left) <= abs(at_right) else right

    def scaled(ratio: float) -> float:
        value = function(right if ratio == end else ratio * left)  # the right end itself: its sign is known
        return math.copysign(min(abs(value) / abs(at_left), 1e9), value)

    return float(left * brentq(scaled, 1.0, end, xtol=4 * _EPSILON, rtol=4 * _EPSILON))
