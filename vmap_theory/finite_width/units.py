"""phi and phi' on large arrays, in as few passes over memory as the activation allows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from ..activations import Activation
from ..activations.evaluation import evaluate_on, slope_on
from ..activations.polynomials import degree_bound
from ..activations.symbols import X

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SMALL = 1e-280  # a mean of squares below may have lost digits to underflow


@dataclass(frozen=True)
class Ramps:
    """A continuous piecewise-linear phi as ``offset + sum_k slope_k clip(x, low_k, high_k)``.

    Attributes
    ----------
    offset : float
        The constant.
    ramps : tuple of (low, high, slope)
        The pieces that are not flat.
    steps : tuple of (at, change)
        ``phi'^2 = first + sum_k change_k 1[x > at_k]``.
    first : float
        phi'^2 far to the left.
    slope_steps : tuple of (at, change)
        The same for phi' itself, from `first_slope` on.
    first_slope : float
        phi' far to the left.
    """

    offset: float
    ramps: tuple[tuple[float, float, float], ...]
    steps: tuple[tuple[float, float], ...]
    first: float
    slope_steps: tuple[tuple[float, float], ...]
    first_slope: float

    def values(self, x: Array) -> Array:
        """phi(x)."""
        total: Array | None = None
        for low, high, slope in self.ramps:
            part = _clipped(x, low, high)
            if slope != 1:
                part = part * slope
            total = part if total is None else np.add(total, part, out=total)
        if total is None:
            return np.full(x.shape, self.offset)
        return total if self.offset == 0 else np.add(total, self.offset, out=total if total is not x else None)

    def slopes(self, x: Array) -> Array:
        """phi'(x), at a kink that of the piece to the left."""
        return _staircase(x, self.first_slope, self.slope_steps)

    def mean_squared_slope(self, x: Array) -> Array:
        """Mean of phi'^2 over the last axis, by counting: exact but for one rounding a step."""
        total = np.full(x.shape[:-1], self.first)
        for at, change in self.steps:
            count = (x > at).view(np.uint8).sum(axis=-1, dtype=np.uint32)
            total += change * (count / x.shape[-1])
        return total


def _clipped(x: Array, low: float, high: float) -> Array:
    if low == -np.inf and high == np.inf:
        return x
    if high == np.inf:
        return np.maximum(x, low)
    return np.minimum(x, high) if low == -np.inf else np.clip(x, low, high)


def _staircase(x: Array, first: float, steps: tuple[tuple[float, float], ...]) -> Array:
    total = np.full(x.shape, first)
    for at, change in steps:
        total += change * (x > at)
    return total


@lru_cache(maxsize=256)
def ramps_of(act: Activation) -> Ramps | None:
    """The ramp form of a continuous piecewise-linear activation; None for any other."""
    if act.function is not None or act.jumps:
        return None
    if any((degree := degree_bound(piece.expression)) is None or degree > 1 for piece in act.pieces):
        return None
    slopes = [float(sp.diff(piece.expression, X)) for piece in act.pieces]
    ends = [float(piece.lower) for piece in act.pieces] + [np.inf]
    ramps = tuple((ends[k], ends[k + 1], slope) for k, slope in enumerate(slopes) if slope)
    steps = [(ends[k], slopes[k - 1], slopes[k]) for k in range(1, len(slopes))]
    return Ramps(
        offset=_offset(act, ends, ramps),
        ramps=ramps,
        steps=tuple((at, right**2 - left**2) for at, left, right in steps if right**2 != left**2),
        first=slopes[0] ** 2,
        slope_steps=tuple((at, right - left) for at, left, right in steps),
        first_slope=slopes[0],
    )


def _offset(act: Activation, ends: list[float], ramps: tuple[tuple[float, float, float], ...]) -> float:
    """What is left of phi without its ramps, at one point, exactly: the first break, or 0 where there is none."""
    at = act.pieces[1].lower if len(act.pieces) > 1 else sp.Integer(0)
    exact = {float(piece.lower): piece.lower for piece in act.pieces[1:]}
    total = act.pieces[0].expression.subs(X, at)
    for low, high, slope in ramps:
        clipped = at
        if np.isfinite(low):
            clipped = sp.Max(clipped, exact[low])
        if np.isfinite(high):
            clipped = sp.Min(clipped, exact[high])
        total -= sp.Rational(slope) * clipped
    return float(total)


class Units:
    """The units of a layer: phi and phi' of an activation with numbers, on float64 arrays."""

    def __init__(self, act: Activation) -> None:
        self._act = act
        self._ramps = ramps_of(act)

    def values(self, x: Array) -> Array:
        """phi(x)."""
        if self._ramps is not None:
            return self._ramps.values(x)
        return np.asarray(evaluate_on(self._act, x))

    def slopes(self, x: Array) -> Array:
        """phi'(x); what it is at a kink has no probability."""
        if self._ramps is not None:
            return self._ramps.slopes(x)
        return np.asarray(slope_on(self._act, x))

    def mean_squared_slope(self, x: Array) -> Array:
        """Mean of phi'^2 over the last axis."""
        if self._ramps is not None:
            return self._ramps.mean_squared_slope(x)
        slopes = self.slopes(x)
        mean: Array = np.einsum("...i,...i->...", slopes, slopes) / x.shape[-1]
        return mean

    def log_mean_squared_slope(self, x: Array) -> Array:
        """Natural logarithm of `mean_squared_slope`, for x of two axes, also where the mean underflows; -inf for 0."""
        mean = self.mean_squared_slope(x)
        with np.errstate(divide="ignore"):
            logs: Array = np.log(mean)
        small = np.flatnonzero(mean < _SMALL)
        if small.size and self._ramps is None:
            sizes = np.abs(self.slopes(x[small]))
            largest = sizes.max(axis=1)
            largest[largest == 0] = 1.0
            with np.errstate(divide="ignore"):
                logs[small] = 2 * np.log(largest) + np.log(((sizes / largest[:, None]) ** 2).mean(axis=1))
        return logs
