"""Real zeros of an expression in x, and its sign between them: what Max, Min, Abs and conditions are decided by."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import sympy as sp

from ..errors import ExpressionError, PiecesError
from .polynomials import degree_bound
from .signs import ascending, compare, sign_of
from .symbols import X

_ODD_MONOTONE = (sp.tanh, sp.atan, sp.asinh, sp.sinh, sp.erf, sp.asin)
"""Functions that have the sign of their argument."""


def signs_between(expression: sp.Expr, low: sp.Expr, high: sp.Expr) -> tuple[list[sp.Expr], list[int]]:
    """Return the zeros in the open interval (low, high), ascending, and the signs between them, one more.

    A zero at which the sign does not change may stand there or not.

    Raises
    ------
    ExpressionError
        The expression is undefined there.
    PiecesError
        The zeros depend on the parameters, are infinitely many, or have no closed form.
    """
    if expression is sp.nan:
        raise ExpressionError(f"a case distinction asks for the sign of what is undefined in ({low}, {high}).")
    if degree_bound(expression) is not None:
        return _polynomial_signs(expression, low, high)
    one_sided = expression.xreplace({X: _variable_on(low, high)})
    known = sign_of(one_sided)
    if known is not None:
        return [], [known]
    if isinstance(expression, _ODD_MONOTONE):
        return signs_between(expression.args[0], low, high)
    if isinstance(expression, sp.Pow) and expression.args[1].is_Integer:
        points, signs = signs_between(expression.args[0], low, high)
        return points, [sign ** abs(int(expression.args[1])) for sign in signs]
    if isinstance(expression, sp.Mul):
        factors = [signs_between(factor, low, high) for factor in expression.args]
        return _product_signs(factors, low, high)
    return _transcendental_signs(expression, low, high)


def _variable_on(low: sp.Expr, high: sp.Expr) -> sp.Symbol:
    """A symbol with the sign that x has on the interval."""
    if low != -sp.oo and sign_of(low) in (0, 1):
        return sp.Dummy("x", positive=True)
    if high != sp.oo and sign_of(high) in (0, -1):
        return sp.Dummy("x", negative=True)
    return X


def _polynomial_signs(polynomial: sp.Expr, low: sp.Expr, high: sp.Expr) -> tuple[list[sp.Expr], list[int]]:
    roots, sign = _real_roots(polynomial)
    inner: list[sp.Expr] = []
    signs = [sign]  # from the right, where the leading coefficient rules, to the left
    for root, multiplicity in reversed(roots):
        if multiplicity % 2:
            sign = -sign
        inner.insert(0, root)
        signs.insert(0, sign)
    while inner and compare(inner[0], low) <= 0:
        inner.pop(0)
        signs.pop(0)
    while inner and compare(inner[-1], high) >= 0:
        inner.pop()
        signs.pop()
    return inner, signs


def _product_signs(
    factors: list[tuple[list[sp.Expr], list[int]]], low: sp.Expr, high: sp.Expr
) -> tuple[list[sp.Expr], list[int]]:
    points = ascending([point for found, _ in factors for point in found])
    signs = []
    for left in (low, *points):
        product = 1
        for found, own in factors:
            # The sign right of `left` is that behind the last of the factor's zeros up to there.
            product *= own[sum(left != low and compare(zero, left) <= 0 for zero in found)]
        signs.append(product)
    return points, signs


def _transcendental_signs(expression: sp.Expr, low: sp.Expr, high: sp.Expr) -> tuple[list[sp.Expr], list[int]]:
    """Zeros from SymPy's solver, for expressions without parameters; signs by value between them."""
    remedy = "write the activation as a Piecewise with its break points as numbers"
    if expression.free_symbols != {X}:
        raise PiecesError(
            f"the zeros of {expression} may depend on the parameters: give numbers for them, or {remedy}."
        )
    try:
        found: Any = sp.solveset(expression, X, sp.Interval.open(low, high))
    except (NotImplementedError, ValueError, TypeError):
        found = None
    if not isinstance(found, sp.FiniteSet) and found is not sp.S.EmptySet:
        raise PiecesError(f"the zeros of {expression} are infinitely many or have no closed form: {remedy}.")
    zeros = ascending([zero for zero in found if zero.is_real is not False])
    ends = [low, *zeros, high]
    signs = [sign_of(expression.subs(X, _inner_point(left, right))) for left, right in pairwise(ends)]
    return zeros, [int(sign or 0) for sign in signs]


def _inner_point(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """A rational number between two ends, of which either may be infinite."""
    if low == -sp.oo:
        return sp.Integer(0) if high == sp.oo else sp.floor(high) - 1
    if high == sp.oo:
        return sp.ceiling(low) + 1
    digits = 30  # of the middle: enough to lie between zeros that are written down by hand
    return sp.Rational(str(((low + high) / 2).evalf(digits)))


def _real_roots(polynomial: Any) -> tuple[list[tuple[sp.Expr, int]], int]:
    """Real roots in ascending order with multiplicity, and the sign far to the right."""
    coefficients = sp.Poly(polynomial, X).all_coeffs()
    leading = sign_of(coefficients[0])
    if leading is None:
        raise PiecesError(
            f"the sign of {coefficients[0]} depends on the parameters: "
            "give numbers for them, or declare domains that decide it."
        )
    if len(coefficients) == 1:
        return [], leading
    if len(coefficients) == 2:
        return [(sp.cancel(-coefficients[1] / coefficients[0]), 1)], leading
    if polynomial.free_symbols == {X}:
        return _ascending_roots(_numeric_roots(polynomial)), leading
    found = sp.roots(sp.Poly(polynomial, X))
    if sum(found.values()) < len(coefficients) - 1:
        raise PiecesError(f"the zeros of {polynomial} have no closed form in the parameters: give numbers for them.")
    if any(root.is_real is None for root in found):
        raise PiecesError(f"whether {polynomial} has real zeros depends on the parameters: give numbers for them.")
    return _ascending_roots({root: count for root, count in found.items() if root.is_real}), leading


def _numeric_roots(polynomial: sp.Expr) -> dict[sp.Expr, int]:
    """Real roots, in radicals where SymPy has short ones, else as exact roots of rational polynomials."""
    found: dict[sp.Expr, int] = sp.roots(sp.Poly(polynomial, X))
    if sum(found.values()) == sp.degree(polynomial, X) and all(root.is_real is not None for root in found):
        return {root: count for root, count in found.items() if root.is_real}
    exact: dict[sp.Expr, int] = {}
    try:
        for root in sp.real_roots(sp.Poly(polynomial, X)):
            exact[root] = exact.get(root, 0) + 1
    except NotImplementedError:
        raise PiecesError(
            f"the zeros of {polynomial} cannot be found exactly: write its coefficients as rational numbers."
        ) from None
    return exact


def _ascending_roots(roots: dict[sp.Expr, int]) -> list[tuple[sp.Expr, int]]:
    return [(root, roots[root]) for root in ascending(list(roots))]
