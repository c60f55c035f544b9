"""Activations that are Python functions: nothing is known of them but their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sympy as sp

from ..errors import ExpressionError, PiecesError
from .parameters import exact_number
from .pieces import Break, Piece
from .symbols import X

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_TRIAL = (-1.3, -0.2, 0.7, 2.1)
_NEAR, _NEARER = 1e-8, 1e-13  # relative distances from a break, to tell a jump from a steep slope
_SLOPE_STEP = 1e-6
_ROUNDINGS = 2e-15  # of a point, relative
_UNDERFLOW = 1e-290
_BESIDE, _LEAST_BESIDE = 1e3, 1e-6
_LEAST_JUMP = 1e-12  # relative to the values beside it; below is rounding
_LEAST_SLOPE_CHANGE = 1e-5


@dataclass(frozen=True)
class OpaqueFunction:
    """A Python function, called with whole arrays if it takes them, else number by number."""

    function: Callable[[Any], Any]
    takes_arrays: bool

    @classmethod
    def checked(cls, function: Callable[[Any], Any], name: str) -> OpaqueFunction:
        """Find out how `function` wants to be called, or raise `ExpressionError`."""
        import numpy as np

        if isinstance(function, cls):
            return function
        if not callable(function):
            raise ExpressionError(f"{function!r} is not a function of one variable: {name} needs one.")
        points = np.array(_TRIAL)
        one_by_one = cls(function, takes_arrays=False)
        try:
            with np.errstate(all="ignore"):
                at_once = np.asarray(function(points.copy()))
        except Exception:  # what a function that takes numbers alone does with an array is its own affair
            at_once = np.empty(0)
        if at_once.shape == points.shape and at_once.dtype.kind in "fiu":
            whole = cls(function, takes_arrays=True)
            if np.allclose(whole(points), one_by_one(points), rtol=1e-9, atol=1e-12):
                return whole
        one_by_one(points)
        return one_by_one

    def __call__(self, points: Array) -> Array:
        """Evaluate on a float64 array; the values are finite floats.

        Raises
        ------
        ExpressionError
            The function fails, or a value is complex, NaN or infinite.
        """
        import numpy as np

        flat = points.ravel()
        try:
            with np.errstate(all="ignore"):
                if self.takes_arrays:
                    values = np.asarray(self.function(flat.copy()))
                else:
                    values = np.array([self.function(float(x)) for x in flat])
        except Exception as error:
            raise ExpressionError(
                f"the function fails where it is evaluated: {type(error).__name__}: {error}."
            ) from error
        if values.shape != flat.shape or values.dtype.kind not in "fiu":
            raise ExpressionError(
                f"the function gives {values.dtype} values of shape {values.shape} for points of shape {flat.shape}: "
                "it must give one real number for each."
            )
        result = values.astype(np.float64)
        bad = ~np.isfinite(result) & np.isfinite(flat)
        if bad.any():
            raise ExpressionError(
                f"the function gives {result[bad][0]} at x = {flat[bad][0]:.6g}: its values must be finite."
            )
        return result.reshape(points.shape)

    def breaks_between(self, pieces: Sequence[Piece]) -> tuple[Break, ...]:
        """The declared break points, with jumps and changes of slope as far as float64 values show them."""
        return tuple(self.break_at(right.lower) for _, right in pairwise(pieces))

    def break_at(self, exact: sp.Expr) -> Break:
        """Jump and change of slope at a point, as far as float64 values show them."""
        import numpy as np

        at = float(exact)
        unit = abs(at) or 1.0
        steps = unit * np.array([_NEAR, _NEARER, _SLOPE_STEP, 2 * _SLOPE_STEP])
        above, below = at + steps, at - steps
        right, left = self(above), self(below)
        gap = right - left
        size = np.abs(right) + np.abs(left)
        slopes = (right[3] - right[2]) / (steps[3] - steps[2]), (left[2] - left[3]) / (steps[3] - steps[2])
        # What the slope makes of the distance, and of the rounding of the points, is no jump.
        steepness = abs(slopes[0]) + abs(slopes[1]) + abs(gap[0]) / steps[0]
        least = _LEAST_JUMP * size[1] + steepness * (4 * steps[1] + _ROUNDINGS * unit) + _UNDERFLOW
        jumps = abs(gap[1]) > abs(gap[0]) / 2 and abs(gap[1]) > least
        # A jump a little beside the point shows at the larger distance alone.
        jumps |= (
            abs(gap[0]) > _BESIDE * steps[0] * (abs(slopes[0]) + abs(slopes[1])) + _LEAST_BESIDE * size[0] + _UNDERFLOW
        )
        bends = abs(slopes[0] - slopes[1]) > _LEAST_SLOPE_CHANGE * (abs(slopes[0]) + abs(slopes[1]))
        return Break(
            exact,
            sp.Float(gap[1] or gap[0]) if jumps else sp.Integer(0),
            sp.Float(slopes[0] - slopes[1]) if bends else sp.Integer(0),
        )


def opaque_pieces(function: OpaqueFunction, breaks: Sequence[Any]) -> tuple[sp.Expr, tuple[Piece, ...]]:
    """Return a placeholder expression and the intervals between the declared breaks.

    Raises
    ------
    PiecesError
        The breaks are not ascending.
    DomainError, DtypeError
        A break is not a finite real number.
    """
    points = [exact_number("a break point", value) for value in breaks]
    for left, right in pairwise(points):
        if not left < right:
            raise PiecesError(f"the break points must ascend: {left} does not lie below {right}.")
    placeholder = sp.Function("phi")(X)
    ends = [-sp.oo, *points, sp.oo]
    return placeholder, tuple(Piece(low, high, placeholder) for low, high in pairwise(ends))
