"""Values of what is integrated, at points of a segment: from an expression in mpmath, or from a Python function.

What is tabulated does not depend on the variance: the Gaussian weight is multiplied in later, for many variances at
once.  With w = phi^2 and y = |x|, summed over both signs of x, the columns are

- ``w``, whose Gaussian integral is E[phi^2];
- ``y w'/2`` and ``y^2 w'' - y w'``, whose integrals are q dE/dq and 4 q^2 d^2E/dq^2 but for the terms at breaks: no
  cancellation for activations that grow away from zero (expressions alone);
- ``phi'^2``;
- 1 where phi is zero;
- ``w y^2`` and ``w y^4``: dE/dq = E[w (x^2/q - 1)]/(2 q) and its partner need no derivative of phi, and are the better
  form where phi^2 has a narrow peak.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from ..activations.opaque import OpaqueFunction
from ..activations.program import Program, mpmath_algebra, mpmath_number
from ..activations.symbols import X
from ..errors import ExpressionError, PiecesError, PrecisionError
from .legendre import NODES, legendre_analysis, legendre_slopes, mpmath_context, unit_rule
from .segments import Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SQUARE, GROWTH, BEND, SLOPE, ZERO, SQUARE_Y2, SQUARE_Y4 = range(7)
"""The columns."""

COLUMNS = 7
DERIVATIVES = (GROWTH, BEND)
"""The columns that need phi' and phi''."""

TAIL = 3
"""So many of the last Legendre coefficients tell whether a panel is resolved."""

_DIGITS = 40
_MOST_DIGITS = 1500
_AGREEING_DIGITS = 24
_CANCELLED = 8  # digits that may be lost before a sum; what is left below counts as zero
_DEEPEST_INSIDE = 20
_NOISE_STEPS = 3
_MOST_NOISE = 1e-6


class Sampler(ABC):
    """Gives the columns on a segment at distances t from its start."""

    noise: float
    """Relative size of errors in the values."""

    start: float
    """Of the segment."""

    @abstractmethod
    def columns(self, low: float, high: float) -> tuple[Array, Array, float]:
        """Columns at the nodes of a panel, an extra error of each column's values, and the logarithm of their unit."""

    @abstractmethod
    def at(self, points: Sequence[float], log_unit: float) -> Array:
        """Columns at any distances, in a given unit; a column that is not known there is NaN."""

    @abstractmethod
    def distances(self, low: float, high: float) -> Array:
        """|x| at the nodes of a panel."""

    def is_noise(self, tail: float, largest: float, tails: Sequence[Array], column: int) -> bool:
        """Whether a column that is not resolved is as good as its values are; `tails` are those of larger panels."""
        return False

    def allow_halving(  # noqa: B027
        self, y: Array, interval: tuple[float, float], depth: int, ends: tuple[float, float]
    ) -> None:
        """Raise if a panel as small as this, inside a segment with these ends, should be smooth."""


class ExpressionSampler(Sampler):
    """Values of expressions and their derivatives in mpmath, rounded once."""

    noise = 2.0**-52

    def __init__(self, segment: Segment, differentiable: bool) -> None:
        self.start = float(segment.start)
        self._segment = segment
        self._sides = [
            (direction, phi, Program([phi, sp.diff(phi, X), sp.diff(phi, X, 2) if differentiable else sp.Integer(0)]))
            for direction, phi in segment.sides
        ]
        self._differentiable = differentiable

    def distances(self, low: float, high: float) -> Array:
        """See `Sampler`."""
        context = mpmath_context(_DIGITS)
        start = mpmath_number(self._segment.start, context)
        return np.array([float(start + t) for t in _exact_nodes(low, high, context)])

    def columns(self, low: float, high: float) -> tuple[Array, Array, float]:
        """See `Sampler`."""
        context = self._settled_context(low, high)
        rows = [self.row(t, context) for t in _exact_nodes(low, high, context)]
        largest = max(abs(value) for row in rows for value in row)
        log_unit = 0.0 if largest == 0 or 1e-100 < largest < 1e100 else float(context.log(largest))
        return _in_unit(rows, log_unit, context), np.zeros(COLUMNS), log_unit

    def at(self, points: Sequence[float], log_unit: float) -> Array:
        """See `Sampler`."""
        context = mpmath_context(2 * _DIGITS)
        return _in_unit([self.row(context.mpf(t), context) for t in points], log_unit, context)

    def row(self, t: Any, context: Any) -> list[Any]:
        """All columns at one exact distance from the start."""
        y = mpmath_number(self._segment.start, context) + t
        sides = self._both_sides(y, context)
        return [_sum_or_zero(right, left, context) for right, left in zip(*sides, strict=True)]

    def _both_sides(self, y: Any, context: Any) -> list[list[Any]]:
        return [self._side(y, direction, phi, program, context) for direction, phi, program in self._sides]

    def _side(self, y: Any, direction: int, expression: sp.Expr, program: Program, context: Any) -> list[Any]:
        row = [context.zero] * COLUMNS
        if expression == 0:
            row[ZERO] = context.one
            return row
        try:
            found = program.run({X.name: direction * y}, mpmath_algebra(context))
        except (ZeroDivisionError, ValueError, OverflowError):
            found = [context.nan]
        values = [_real(value, context) for value in found]
        if any(value is None for value in values):
            raise ExpressionError(
                f"{expression} has no finite real value at x = {context.nstr(direction * y, 8)}: "
                "activations take real values everywhere."
            )
        phi, slope, bend = values
        w = phi * phi
        row[SQUARE], row[SLOPE], row[SQUARE_Y2], row[SQUARE_Y4] = w, slope * slope, w * y**2, w * y**4
        if self._differentiable:
            row[GROWTH] = phi * slope * y * direction
            row[BEND] = 2 * y * y * (slope * slope + phi * bend) - 2 * row[GROWTH]
        return row

    def _settled_context(self, low: float, high: float) -> Any:
        """Digits enough that twice as many give the same at the node nearest the start, where cancellation is worst."""
        digits = _DIGITS
        while digits <= _MOST_DIGITS:
            context, better = mpmath_context(digits), mpmath_context(2 * digits)
            values, others = (
                [value for side in self._both_sides(self._nearest(low, high, chosen), chosen) for value in side]
                for chosen in (context, better)
            )
            tolerance = context.mpf(10) ** -_AGREEING_DIGITS
            if all(abs(a - b) <= tolerance * abs(b) for a, b in zip(values, others, strict=True)):
                return context
            digits *= 2
        raise PrecisionError(
            f"{self._segment.right} or {self._segment.left} loses all digits near |x| = {self.start + low:.6g}: "
            "write it in a form that does not cancel."
        )

    def _nearest(self, low: float, high: float, context: Any) -> Any:
        return mpmath_number(self._segment.start, context) + _exact_nodes(low, high, context)[0]


class FunctionSampler(Sampler):
    """Values of a Python function; its slope by differentiating the interpolating polynomial on the panel."""

    noise = 2.0**-50

    def __init__(self, segment: Segment, function: OpaqueFunction) -> None:
        self.start, self._function = float(segment.start), function

    def distances(self, low: float, high: float) -> Array:
        """See `Sampler`."""
        points: Array = self.start + low + (high - low) * unit_rule()[0]
        return points

    def columns(self, low: float, high: float) -> tuple[Array, Array, float]:
        """See `Sampler`."""
        (right, right_error), (left, left_error) = (self._side(low, high, direction) for direction in (1, -1))
        return right + left, right_error + left_error, 0.0

    def at(self, points: Sequence[float], log_unit: float) -> Array:
        """See `Sampler`."""
        y = self.start + np.array(points)
        w = self._function(y) ** 2 + self._function(-y) ** 2
        found = np.full((y.size, COLUMNS), np.nan)
        found[:, [SQUARE, SQUARE_Y2, SQUARE_Y4]] = np.stack([w, w * y**2, w * y**4], axis=1)
        return found

    def _side(self, low: float, high: float, direction: int) -> tuple[Array, Array]:
        y = self.distances(low, high)
        phi = self._function(direction * y)
        values, extra = np.zeros((NODES, COLUMNS)), np.zeros(COLUMNS)
        if not phi.any():
            values[:, ZERO] = 1.0
            return values, extra
        coefficients = legendre_analysis() @ phi
        slope = (2 / (high - low)) * (legendre_slopes() @ coefficients)
        # An error e in the coefficients moves the slope by up to e times the sum of j (j + 1) / 2, doubled by 2/width.
        noise = max(np.abs(coefficients[-TAIL:]).max(), self.noise * np.abs(phi).max())
        slope_noise = noise * NODES**3 / (high - low)
        extra[SLOPE] = 2 * np.abs(slope).max() * slope_noise + slope_noise**2
        w = phi * phi
        values[:, [SQUARE, SLOPE, SQUARE_Y2, SQUARE_Y4]] = np.stack([w, slope**2, w * y**2, w * y**4], axis=1)
        return values, extra

    def is_noise(self, tail: float, largest: float, tails: Sequence[Array], column: int) -> bool:
        """Rounding errors of the function do not shrink with the panel, as all else does (a kink by 8 in 3 steps)."""
        return (
            len(tails) >= _NOISE_STEPS
            and bool(tail >= tails[-_NOISE_STEPS][column] / 3)
            and bool(tail <= _MOST_NOISE * largest)
        )

    def allow_halving(self, y: Array, interval: tuple[float, float], depth: int, ends: tuple[float, float]) -> None:
        """Refuse a rough place that is not declared as a break."""
        if depth >= _DEEPEST_INSIDE and interval[0] > ends[0] and interval[1] < ends[1]:
            raise PiecesError(
                f"the function is not smooth near |x| = {float(y.mean()):.9g}, where no break point was given: "
                "add it to breaks (a wrong break point nearby is to be moved there)."
            )


def _sum_or_zero(right: Any, left: Any, context: Any) -> Any:
    """The sum of two sides, exactly zero where they cancel as in sin^2 + cos^2 = 1, so that no rounding is left."""
    total = right + left
    return context.zero if abs(total) < abs(right) * context.mpf(10) ** (_CANCELLED - context.dps) else total


def _in_unit(rows: Sequence[Sequence[Any]], log_unit: float, context: Any) -> Array:
    scale = context.exp(-log_unit) if log_unit else context.one
    return np.array([[float(value * scale) for value in row] for row in rows]).reshape(len(rows), COLUMNS)


def _real(value: Any, context: Any) -> Any:
    if isinstance(value, context.mpc):
        if abs(value.imag) > abs(value) * context.mpf(10) ** (5 - context.dps):
            return None
        value = value.real
    return value if context.isfinite(value) else None


def _exact_nodes(low: float, high: float, context: Any) -> list[Any]:
    a, width = context.mpf(low), context.mpf(high) - context.mpf(low)
    return [a + width * node for node in _exact_unit_nodes(context.dps)]


@lru_cache(maxsize=16)
def _exact_unit_nodes(digits: int) -> list[Any]:
    """Nodes on (0, 1); those of the float64 rule, so that values and weights belong together."""
    context = mpmath_context(digits)
    return [context.mpf(float(node)) for node in unit_rule()[0]]
