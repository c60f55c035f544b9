"""Signs of exact expressions: for all values of the parameters, or of one number by its value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key, lru_cache
from typing import Any

import sympy as sp

from ..errors import ExpressionError, PiecesError
from .symbols import BoundedSymbol, X, freed

_TRIALS = 3
_TRIAL_DIGITS = 60


def sign_of(expression: sp.Expr) -> int | None:
    """Sign that holds for all parameter values: 1 for > 0 or >= 0, -1 for < 0 or <= 0, 0 for zero, None if unknown."""
    if not expression.free_symbols:
        return _sign_of_number(expression)
    return _sign_for_all(expression)


@lru_cache(maxsize=4096)
def _sign_for_all(expression: sp.Expr) -> int | None:
    free = freed(expression)
    forms: tuple[Callable[[sp.Expr], sp.Expr], ...] = (sp.expand, sp.factor)
    for form in forms:
        value = form(free)
        if value.is_zero:
            return 0
        if value.is_nonnegative:
            return 1
        if value.is_nonpositive:
            return -1
    return None


def vanishes(expression: sp.Expr) -> bool:
    """Whether an expression is zero for all parameter values.

    Where SymPy cannot decide, it is evaluated to 60 digits at three values of the parameters that no formula singles
    out: an expression that is zero at all of them is taken for zero.
    """
    sign = sign_of(expression)
    if sign is not None or not expression.free_symbols:
        return sign == 0
    return all(_sign_of_number(expression.xreplace(trial_values([expression], trial))) == 0 for trial in range(_TRIALS))


def trial_values(expressions: Sequence[sp.Expr], trial: int = 0) -> dict[sp.Symbol, sp.Expr]:
    """Allowed values for all parameters in some expressions that no formula singles out."""
    found = {symbol for expression in expressions for symbol in expression.free_symbols} - {X}
    symbols = sorted(found, key=lambda symbol: str(symbol.name))
    return {symbol: _trial_value(symbol, 17 * trial + index) for index, symbol in enumerate(symbols)}


def _trial_value(symbol: sp.Symbol, seed: int) -> sp.Expr:
    fraction = sp.Rational(1000 + 377 * seed % 1009, 2017)  # between 1/2 and 1
    if isinstance(symbol, BoundedSymbol):
        low, high = symbol.interval.inf, symbol.interval.sup
        if low.is_finite and high.is_finite:
            return low + (high - low) * fraction
        return low + fraction if low.is_finite else high - fraction
    if symbol.is_integer:
        return sp.Integer(-2 - seed) if symbol.is_nonpositive else sp.Integer(2 + seed)
    return -fraction if symbol.is_nonpositive else fraction


def _sign_of_number(number: sp.Expr) -> int:
    """Sign of an exact real number, by its value: however it is written, as radicals, roots of polynomials or sines.

    What is below 1e-60 of its terms counts as zero; for numbers that a person writes down, that is zero.
    """
    if number.is_Rational:
        return int(sp.sign(number))
    size = max((abs(term.evalf(20)) for term in sp.Add.make_args(number)), default=sp.Integer(0))
    value = number.evalf(_TRIAL_DIGITS + 20, maxn=400)
    if not value.is_real:
        raise ExpressionError(f"{number} is not a real number: activations take real values.")
    return 0 if abs(value) <= size * sp.Float(f"1e-{_TRIAL_DIGITS}") else int(sp.sign(value))


def compare(left: sp.Expr, right: sp.Expr) -> int:
    """Order of two points on the extended line: -1, 0 or 1 as `left` lies below, at or above `right`.

    Raises
    ------
    PiecesError
        The order depends on the parameters.
    """
    if left == right:
        return 0
    if left == -sp.oo or right == sp.oo:
        return -1
    if left == sp.oo or right == -sp.oo:
        return 1
    order = sign_of(left - right)
    if order is None:
        raise PiecesError(
            f"the order of the break points {left} and {right} depends on the parameters: "
            "give numbers for them, or declare domains that decide it."
        )
    return order


def ascending(points: Sequence[Any]) -> list[Any]:
    """Return points in ascending order, equal ones once."""
    result: list[Any] = []
    for point in sorted(points, key=cmp_to_key(compare)):
        if not result or compare(result[-1], point) != 0:
            result.append(point)
    return result
