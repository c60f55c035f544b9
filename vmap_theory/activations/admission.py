"""What a piece that is no polynomial must satisfy to be let in: real, finite, of finite Gaussian second moment.

The tests are by value, at points that crowd the ends of the interval, with trial values for symbolic parameters.  They
are there to refuse early and by name what no integral can serve; the integrals check convergence themselves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp

from ..errors import ExpressionError, PiecesError
from .program import Program, mpmath_algebra, mpmath_number
from .signs import trial_values
from .symbols import X
from .zeros import signs_between

_FRACTIONS = (1e-12, 1e-6, 1e-3, 0.03, 0.1, 0.25, 0.4, 0.5, 0.61, 0.75, 0.9, 0.97, 0.999, 1 - 1e-6)
_DISTANCES = (1e-12, 1e-6, 1e-3, 0.03, 0.1, 0.3, 0.7, 1.0, 1.7, 3.0, 7.0, 20.0, 100.0)
_APPROACH = (1e-8, 1e-24)
_NEGLIGIBLE = 1e-20
_FAR = (1e3, 1e5, 1e7)
_BETWEEN = 48  # points from each to 30 times as far: what oscillates grows at some of them


def singular_points(expression: sp.Expr, low: sp.Expr, high: sp.Expr) -> list[sp.Expr]:
    """Zeros in (low, high) of denominators and of what a root or a logarithm is taken of.

    Raises
    ------
    ExpressionError
        A root or a logarithm is taken of negative numbers there.
    """
    found: list[sp.Expr] = []
    for node in expression.atoms(sp.tan):
        try:
            found.extend(signs_between(sp.cos(node.args[0]), low, high)[0])
        except PiecesError:
            raise ExpressionError(f"{node} has poles that cannot be listed between {low} and {high}.") from None
    for node in sp.preorder_traversal(expression):
        rooted = isinstance(node, sp.log) or (isinstance(node, sp.Pow) and not node.args[1].is_integer)
        divided = isinstance(node, sp.Pow) and bool(node.args[1].is_negative)
        if not (rooted or divided) or not node.args[0].has(X):
            continue
        try:
            zeros, signs = signs_between(node.args[0], low, high)
        except PiecesError:  # decided by value, below
            continue
        if rooted and -1 in signs:
            raise ExpressionError(f"{node} is not real for every x in ({low}, {high}): activations take real values.")
        found.extend(zeros)
    return found


def refuse_unfit(expression: sp.Expr, low: sp.Expr, high: sp.Expr) -> None:
    """Raise `ExpressionError` where a piece is complex or undefined, or its square has no finite Gaussian integral."""
    context = mpmath.MPContext()
    context.dps = 30
    values = trial_values([expression, low, high])
    program = Program([expression])
    algebra = mpmath_algebra(context)
    named = {symbol.name: mpmath_number(value, context) for symbol, value in values.items()}
    start, stop = (mpmath_number(end.xreplace(values), context) for end in (low, high))

    def phi(x: Any) -> Any:
        try:
            value = program.run(named | {X.name: x}, algebra)[0]
        except (ZeroDivisionError, ValueError, OverflowError):
            value = context.nan
        if isinstance(value, context.mpc) and value.imag == 0:
            value = value.real
        if isinstance(value, context.mpf) and context.isinf(value):
            near = [end for end in (start, stop) if context.isfinite(end) and abs(x - end) < 1]
            raise _pole(expression, near[0], context) if near else _growth(expression)
        if not isinstance(value, context.mpf) or not context.isfinite(value):
            raise ExpressionError(
                f"{expression} has no finite real value at x = {context.nstr(x, 6)}, between {low} and {high}: "
                "activations take real values everywhere."
            )
        return value

    for x in _sample(start, stop, context):
        phi(x)
    for end, inward in ((start, 1), (stop, -1)):
        if context.isfinite(end):
            _refuse_pole(expression, phi, end, inward, context)
        else:
            _refuse_growth(expression, phi, -inward, context)


def slope_is_square_integrable(expression: sp.Expr, low: sp.Expr, high: sp.Expr) -> bool:
    """Whether the square of the derivative has a finite integral up to the ends of a piece."""
    slope = sp.diff(expression, X)
    context = mpmath.MPContext()
    context.dps = 60
    values = trial_values([slope, low, high])
    named = {symbol.name: mpmath_number(value, context) for symbol, value in values.items()}
    program, algebra = Program([slope]), mpmath_algebra(context)
    for end, inward in ((low, 1), (high, -1)):
        if not end.is_finite:
            continue
        start = mpmath_number(end.xreplace(values), context)
        sizes = []
        for distance in _APPROACH:
            step = context.mpf(distance)
            sizes.append(abs(program.run(named | {X.name: start + inward * step}, algebra)[0]) ** 2 * step)
        if sizes[1] > sizes[0] / 2 and sizes[1] > _NEGLIGIBLE:
            return False
    return True


def _sample(start: Any, stop: Any, context: Any) -> list[Any]:
    if context.isfinite(start) and context.isfinite(stop):
        return [start + (stop - start) * fraction for fraction in _FRACTIONS]
    if context.isfinite(start):
        return [start + distance for distance in _DISTANCES]
    if context.isfinite(stop):
        return [stop - distance for distance in _DISTANCES]
    return [sign * context.mpf(distance) for distance in _DISTANCES for sign in (1, -1)]


def _refuse_pole(expression: sp.Expr, phi: Any, end: Any, inward: int, context: Any) -> None:
    """Near a finite end phi^2 times the distance must go to zero, or the integral of phi^2 diverges."""
    with context.workdps(60):
        far, near = (phi(end + inward * context.mpf(d)) ** 2 * context.mpf(d) for d in _APPROACH)
        if near > far / 2 and near > _NEGLIGIBLE:
            raise _pole(expression, end, context)


def _pole(expression: sp.Expr, end: Any, context: Any) -> ExpressionError:
    return ExpressionError(
        f"{expression} has a pole at x = {context.nstr(end, 6)} that is not square integrable, so E[phi^2] is "
        "infinite: keep the activation away from it with a Piecewise."
    )


def _growth(expression: sp.Expr) -> ExpressionError:
    return ExpressionError(
        f"{expression} grows like exp(c x^2) or faster, so E[phi^2] is infinite for large variances: clip it, as "
        "in Piecewise((..., Abs(x) < 5), (..., True))."
    )


def _refuse_growth(expression: sp.Expr, phi: Any, direction: int, context: Any) -> None:
    """Log |phi| / x^2 must go to zero, or E[phi^2] is infinite from some variance on."""
    rates = [
        max(
            _rate(phi(direction * context.mpf(far * 30 ** (k / _BETWEEN))), far * 30 ** (k / _BETWEEN), context)
            for k in range(_BETWEEN)
        )
        for far in _FAR
    ]
    if rates[1] > 1e-9 and all(later > 0.7 * earlier for earlier, later in pairwise(rates)):
        raise _growth(expression)


def _rate(value: Any, x: float, context: Any) -> Any:
    return context.log(abs(value)) / context.mpf(x) ** 2 if value else context.mpf(-1)
