"""phi itself, and its slope, on float64 arrays."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy as sp

from .polynomials import is_polynomial
from .program import FLOATS, compiled, mpmath_algebra
from .symbols import X

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .base import Activation
    from .opaque import OpaqueFunction

    Array = NDArray[np.float64]


_STEP = 2.0**-10
"""Of the scale of x: with five points the error of a slope is near 1e-13, of truncation and of rounding alike."""
_HUGE = 1e100  # beyond, squares inside an expression overflow, and x / sqrt(1 + x^2) would come out as 0


def evaluate_on(act: Activation, points: Array) -> Array | np.float64:
    """Evaluate an activation whose parameters all have values; NaN gives NaN, infinities the limits."""
    values = np.full(points.shape, np.nan)
    ends, at_breaks = _float_breaks(act)
    which = np.searchsorted(ends, points, side="right")
    for index, piece in enumerate(act.pieces):
        here = (which == index) & ~np.isnan(points)
        if not here.any():
            continue
        if act.function is not None:
            values[here] = act.function(points[here])
        else:
            values[here] = _evaluated(piece.expression, points[here])
    for point, value in zip(ends, at_breaks, strict=True):
        values[points == point] = value
    return values[()]


def slope_on(act: Activation, points: Array) -> Array | np.float64:
    """Evaluate phi' of an activation whose parameters all have values; NaN gives NaN, a kink the slope to its right.

    It is as accurate as the largest term of `derivative`: -x^2/(1 + x^2)^(3/2) + 1/sqrt(1 + x^2) loses digits far out.
    That of a Python function is the derivative of the quartic through five points of the same piece, in error by some
    1e-12 of the function's size.
    """
    slopes = np.full(points.shape, np.nan)
    ends = np.array([float(piece.lower) for piece in act.pieces[1:]])
    which = np.searchsorted(ends, points, side="right")
    for index, piece in enumerate(act.pieces):
        here = (which == index) & ~np.isnan(points)
        if not here.any():
            continue
        if act.function is not None:
            slopes[here] = _numeric_slope(act.function, points[here], float(piece.lower), float(piece.upper))
        else:
            slopes[here] = _evaluated(derivative(piece.expression), points[here])
    return slopes[()]


def _numeric_slope(function: OpaqueFunction, points: Array, low: float, high: float) -> Array:
    """Slopes by five points that do not leave (low, high), not even where they are tried at its ends."""
    step = np.minimum(_STEP * np.maximum(1.0, np.abs(points)), (high - low) / 16)
    centre = np.clip(points, low + 3 * step, high - 3 * step)
    values = [function(centre + place * step) for place in (-2, -1, 0, 1, 2)]
    t = (points - centre) / step
    far, near = values[4] - values[0], values[3] - values[1]
    far_sum, near_sum = values[4] + values[0] - 2 * values[2], values[3] + values[1] - 2 * values[2]
    # The quartic is v_2 + sum_k c_k t^k; here are k c_k t^(k - 1).
    first = (8 * near - far) / 12
    second = (16 * near_sum - far_sum) / 12 * t
    third = (far - 2 * near) / 4 * t**2
    fourth = (far_sum - 4 * near_sum) / 6 * t**3
    slopes: Array = (first + second + third + fourth) / step
    return slopes


class _Tanh(sp.Function):  # type: ignore[misc]
    """tanh with the derivative 1/cosh^2: SymPy's own, 1 - tanh^2, is 0 in float64 for |x| > 19."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 / sp.cosh(self.args[0]) ** 2


@lru_cache(maxsize=4096)
def derivative(expression: sp.Expr) -> sp.Expr:
    """Derivative of a piece in x, written so that the slope of tanh keeps its digits far out."""
    return expression.replace(sp.tanh, _Tanh).diff(X).replace(_Tanh, sp.tanh)


def _evaluated(expression: sp.Expr, points: Array) -> Array:
    return _horner(expression, points) if is_polynomial(expression) else _by_program(expression, points)


@lru_cache(maxsize=1024)
def _float_breaks(act: Activation) -> tuple[list[float], list[float]]:
    """Break points, and phi at them, where the conditions as they were written decide."""
    ends = [piece.lower for piece in act.pieces[1:]]
    if act.function is not None:
        return [float(end) for end in ends], [float(act.function(np.array([float(end)]))[0]) for end in ends]
    return [float(end) for end in ends], [_value_at(act, index, end) for index, end in enumerate(ends, start=1)]


def _value_at(act: Activation, right: int, end: sp.Expr) -> float:
    value = act.expression.subs(X, end)
    if value.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.AccumBounds):  # a gap of one point, as in sin(x)/x
        value = sp.limit(act.pieces[right].expression, X, end, "+")
    return float(value) if value.is_number and value.is_extended_real else float("nan")


def _horner(polynomial: sp.Expr, points: Array) -> Array:
    first, *rest = _float_coefficients(polynomial)
    total = np.full(points.shape, first)  # a constant piece never touches x = inf
    with np.errstate(over="ignore"):
        for coefficient in rest:
            total = total * points + coefficient
    return total


@lru_cache(maxsize=4096)
def _float_coefficients(polynomial: sp.Expr) -> list[float]:
    return [float(c) for c in sp.Poly(polynomial, X).all_coeffs()]


def _by_program(expression: sp.Expr, points: Array) -> Array:
    """By the program in float64; what overflows on the way (exp(x) / exp(2 x)) once more in mpmath."""
    with np.errstate(all="ignore"):
        values: Array = np.broadcast_to(compiled(expression).run({X.name: points}, FLOATS)[0], points.shape).astype(
            np.float64
        )
    for index in np.flatnonzero(~np.isfinite(values) | (np.abs(points) > _HUGE)):
        better = _in_high_precision(expression, float(points[index]))
        values[index] = values[index] if np.isnan(better) else better
    return values


@lru_cache(maxsize=4096)
def _in_high_precision(expression: sp.Expr, x: float) -> float:
    if np.isinf(x):
        return _limit_at_infinity(expression, x > 0)
    context = mpmath.MPContext()
    context.dps = 30
    try:
        value: Any = compiled(expression).run({X.name: context.mpf(x)}, mpmath_algebra(context))[0]
    except (ZeroDivisionError, OverflowError):  # a break point, whose value is set apart; erfc(1e300)
        return float("nan")
    return float(value.real if isinstance(value, context.mpc) and value.imag == 0 else value)


@lru_cache(maxsize=1024)
def _limit_at_infinity(expression: sp.Expr, right: bool) -> float:
    limit = sp.limit(expression, X, sp.oo if right else -sp.oo)
    return float(limit) if limit.is_number and limit.is_extended_real else float("nan")
