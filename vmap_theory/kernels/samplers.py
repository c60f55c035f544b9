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
from ..activations.polynomials import is_polynomial
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
_MOST_DIGITS = 320
_ZERO_DIGITS = 300
_AGREEING_DIGITS = 24
_CANCELLED = 14  # digits that may be lost before a sum; what is left below counts as zero
_DEEPEST_INSIDE = 20
_ROUNDING = 2.0**-52
_CHECKPOINTS = 400
_LARGEST_Y = 1e30
_GOLDEN = 0.6180339887498949


class Sampler(ABC):
    """Gives the columns on a segment at distances t from its start."""

    start: float
    """Of the segment."""

    @abstractmethod
    def columns(self, low: float, high: float) -> tuple[Array, Array, float]:
        """Columns at the nodes of a panel, bounds of the errors of their values, and the logarithm of their unit."""

    @abstractmethod
    def at(self, points: Sequence[float], log_unit: float) -> Array:
        """Columns at any distances, in a given unit; a column that is not known there is NaN."""

    def checkpoints(self, low: float, high: float) -> Array:
        """Distances at which a panel is looked at besides its nodes; none where the structure of phi is known."""
        return np.empty(0)

    @abstractmethod
    def distances(self, low: float, high: float) -> Array:
        """|x| at the nodes of a panel."""

    def check_edge(self, t: float) -> None:  # noqa: B027
        """Raise if phi jumps at the edge of a panel, where no panel would show it."""

    def allow_halving(  # noqa: B027
        self, y: Array, interval: tuple[float, float], depth: int, ends: tuple[float, float]
    ) -> None:
        """Raise if a panel as small as this, inside a segment with these ends, should be smooth."""


class ExpressionSampler(Sampler):
    """Values of expressions and their derivatives in mpmath, rounded once."""

    def __init__(self, segment: Segment, differentiable: bool) -> None:
        self.start = float(segment.start)
        self._segment = segment
        self._differentiable = differentiable
        # Of an even or odd phi one side tells of both.
        self._copies = 2 if segment.is_symmetric else 1
        sides = segment.sides[:1] if segment.is_symmetric else segment.sides
        self._sides = [(direction, phi, self._program(phi)) for direction, phi in sides]

    def _program(self, phi: sp.Expr) -> Program:
        """Give phi, phi', x w'/2 and x^2 w'' - x w'; in polynomials what cancels is cancelled beforehand."""
        slope = sp.diff(phi, X)
        if not self._differentiable:
            return Program([phi, slope])
        growth = X * phi * slope
        bend = 2 * X**2 * (slope**2 + phi * sp.diff(slope, X)) - 2 * growth
        if is_polynomial(phi):
            growth, bend = sp.expand(growth), sp.expand(bend)
        return Program([phi, slope, growth, bend])

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
        values = _in_unit(rows, log_unit, context)
        return _with_powers(values, self.distances(low, high)), np.zeros(COLUMNS), log_unit

    def at(self, points: Sequence[float], log_unit: float) -> Array:
        """See `Sampler`."""
        context = mpmath_context(2 * _DIGITS)
        values = _in_unit([self.row(context.mpf(t), context) for t in points], log_unit, context)
        return _with_powers(values, self.start + np.array(points))

    def row(self, t: Any, context: Any) -> list[Any]:
        """The columns but for the powers of y, at one exact distance from the start."""
        right, left = self._both_sides(t, context)
        row = [one + other for one, other in zip(right, left, strict=True)]
        for column in DERIVATIVES:  # the others have no signs
            # Exactly zero where the sides cancel, as in sin^2 + cos^2 = 1, so that no rounding is left.
            if abs(row[column]) < abs(right[column]) * context.mpf(10) ** (_CANCELLED - context.dps):
                row[column] = context.zero
        return row

    def _both_sides(self, t: Any, context: Any) -> list[list[Any]]:
        y = mpmath_algebra(context).number(self._segment.start) + t
        return [self._side(y, *side, context) for side in self._sides] * self._copies

    def _side(self, y: Any, direction: int, expression: sp.Expr, program: Program, context: Any) -> list[Any]:
        row = [context.zero] * SQUARE_Y2
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
        phi, slope = values[:2]
        row[SQUARE], row[SLOPE] = phi * phi, slope * slope
        if self._differentiable:
            # Where w = a + b x^2 the bend is zero by cancellation, which rounding must not hide.
            # An exponential of x has lost as many digits as x has before the point.
            lost = (1 + y) * context.mpf(10) ** (_CANCELLED - context.dps)
            floor = (row[SQUARE] + y * y * row[SLOPE]) * lost
            row[GROWTH], row[BEND] = (value if abs(value) > floor else context.zero for value in values[2:])
        return row

    def _settled_context(self, low: float, high: float) -> Any:
        """Digits enough that twice as many give the same at the node nearest the start, where cancellation is worst.

        What stays below 10^-300 of the two sides that it is the sum of counts as zero, as in sin^2 + cos^2 - 1.
        """
        digits = _DIGITS
        while True:
            context, better = mpmath_context(digits), mpmath_context(2 * digits)
            node = _exact_nodes(low, high, better)[0]
            values, others = self.row(context.mpf(node), context), self.row(node, better)
            tolerance = better.mpf(10) ** -_AGREEING_DIGITS
            if all(abs(a - b) <= tolerance * abs(b) for a, b in zip(values, others, strict=True)):
                return context
            if digits >= _MOST_DIGITS:
                break
            digits *= 2
        y = mpmath_algebra(better).number(self._segment.start) + node
        size = max(others[SQUARE] + y * y * others[SLOPE], others[ZERO])
        zero = (1 + y) * better.mpf(10) ** -_ZERO_DIGITS  # far out an exponential has lost so many digits more
        if all(
            abs(a - b) <= tolerance * abs(b) or max(abs(a), abs(b)) <= zero * size
            for a, b in zip(values, others, strict=True)
        ):
            return context
        raise PrecisionError(
            f"{self._segment.right} or {self._segment.left} loses all digits near |x| = {self.start + low:.6g}: "
            "write it in a form that does not cancel."
        )


class FunctionSampler(Sampler):
    """Values of a Python function; its slope by differentiating the interpolating polynomial on the panel."""

    def __init__(self, segment: Segment, function: OpaqueFunction, declared: frozenset[float]) -> None:
        self.start, self._function, self._declared = float(segment.start), function, declared

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
        right, left = self._function(y), self._function(-y)
        w = right**2 + left**2
        found = np.full((y.size, COLUMNS), np.nan)
        found[:, ZERO] = (right == 0).astype(float) + (left == 0)
        found[:, [SQUARE, SQUARE_Y2, SQUARE_Y4]] = np.stack([w, w * y**2, w * y**4], axis=1)
        return found

    def _side(self, low: float, high: float, direction: int) -> tuple[Array, Array]:
        y = self.distances(low, high)
        phi = self._function(direction * y)
        values, errors = np.zeros((NODES, COLUMNS)), np.zeros(COLUMNS)
        values[:, ZERO] = phi == 0
        if not phi.any():
            return values, errors
        slope = (2 / (high - low)) * (legendre_slopes() @ (legendre_analysis() @ phi))
        w = phi * phi
        values[:, [SQUARE, SLOPE, SQUARE_Y2, SQUARE_Y4]] = np.stack([w, slope**2, w * y**2, w * y**4], axis=1)
        # What the function gives at the neighbouring floats tells how well it is rounded.
        steps = [self._function(direction * np.nextafter(y, towards)) - phi for towards in (0.0, np.inf)]
        rounding = _ROUNDING * np.abs(phi).max() + 2 * np.abs(steps).max()
        # Errors e of the values move the slope by up to e times the sum of j (j + 1) / 2, times 2 over the width.
        slope_rounding = rounding * NODES**3 / (high - low)
        square = 2 * np.abs(phi).max() * rounding + rounding**2
        errors[[SQUARE, SQUARE_Y2, SQUARE_Y4]] = square * y.max() ** np.array([0, 2, 4])
        errors[SLOPE] = 2 * np.abs(slope).max() * slope_rounding + slope_rounding**2
        return values, errors

    def checkpoints(self, low: float, high: float) -> Array:
        """Nothing is known of the function but its values: many points, at no regular distance."""
        steps = (np.arange(_CHECKPOINTS) * _GOLDEN) % 1.0
        return np.asarray(low + (high - low) * np.sort(steps[1:]))

    def check_edge(self, t: float) -> None:
        """Refuse a jump that is not declared as a break."""
        y = self.start + t
        for x in (y, -y):
            if y not in self._declared and self._function.break_at(sp.Float(x)).jump != 0:
                raise PiecesError(
                    f"the function jumps at x = {x:.6g}, where no break point was given: add it to breaks."
                )

    def allow_halving(self, y: Array, interval: tuple[float, float], depth: int, ends: tuple[float, float]) -> None:
        """Refuse a rough place that is not declared as a break."""
        if depth >= _DEEPEST_INSIDE and interval[0] > ends[0] and interval[1] < ends[1]:
            raise PiecesError(
                f"the function is not smooth near |x| = {float(y.mean()):.6g}, where no break point was given: "
                "add it to breaks (a wrong break point nearby is to be moved there)."
            )


def _with_powers(values: Array, y: Array) -> Array:
    """Append the columns w y^2 and w y^4."""
    within = y < _LARGEST_Y  # beyond, y^4 leaves float64
    w, y = np.where(within, values[:, SQUARE], 0.0), np.where(within, y, 1.0)
    return np.column_stack([values, w * y**2, w * y**4])


def _in_unit(rows: Sequence[Sequence[Any]], log_unit: float, context: Any) -> Array:
    scale = context.exp(-log_unit) if log_unit else context.one
    return np.array([[float(value * scale) for value in row] for row in rows]).reshape(len(rows), SQUARE_Y2)


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
