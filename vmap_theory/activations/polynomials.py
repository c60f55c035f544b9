"""Polynomials in x: their degree and number of terms, bounded before anything is multiplied out."""

from __future__ import annotations

import math

import sympy as sp

from ..errors import ExpressionError
from .symbols import X

MAX_DEGREE = 16
"""Highest degree of a piece; the integrals need twice that, and cost grows with it."""

MAX_TERMS = 60
"""Most terms of a piece when it is multiplied out; phi^2 can have its square."""


def is_polynomial(node: sp.Expr) -> bool:
    """Whether a piece is a polynomial in x of a degree that the exact kernels support."""
    degree = degree_bound(node)
    return degree is not None and degree <= MAX_DEGREE


def expanded(node: sp.Expr) -> sp.Expr:
    """Return a polynomial in x multiplied out.

    Raises
    ------
    ExpressionError
        Its degree or its number of terms is beyond what is supported.
    """
    degree = degree_bound(node)
    if degree is not None and degree > MAX_DEGREE:
        raise ExpressionError(
            f"{str(node)[:60]} has degree {degree} in x: the highest that is supported is {MAX_DEGREE}."
        )
    refuse_too_many_terms(node)
    return sp.expand(node)


def refuse_too_many_terms(node: sp.Expr) -> None:
    """Raise `ExpressionError` if an expression would have more than `MAX_TERMS` terms when multiplied out."""
    count = _term_bound(node)
    if count > MAX_TERMS:
        raise ExpressionError(
            f"{str(node)[:60]} has up to {count} terms when multiplied out: the most that is supported is {MAX_TERMS}. "
            "Give numbers for some parameters, or use fewer of them in a power."
        )


def _term_bound(node: sp.Expr) -> int:
    """Number of terms of an expanded expression, bounded before anything is expanded."""
    if isinstance(node, sp.Add):
        return sum(_term_bound(arg) for arg in node.args)
    if isinstance(node, sp.Mul):
        return math.prod(_term_bound(arg) for arg in node.args)
    if isinstance(node, sp.Pow) and node.args[1].is_Integer and not node.args[0].is_Atom:
        terms, power = _term_bound(node.args[0]), abs(int(node.args[1]))
        return math.comb(terms + power - 1, power)
    return 1


def degree_bound(node: sp.Expr) -> int | None:
    """Degree in x, without expanding, so that (x + 1)**10000 is refused and not expanded; None: no polynomial."""
    if not node.has(X):
        return 0
    if node == X:
        return 1
    inner = [degree_bound(arg) for arg in node.args]
    if any(degree is None for degree in inner):
        return None
    degrees = [degree for degree in inner if degree is not None]
    if isinstance(node, sp.Add):
        return max(degrees)
    if isinstance(node, sp.Mul):
        return sum(degrees)
    if isinstance(node, sp.Pow) and node.args[1].is_Integer and node.args[1] >= 0:
        return degrees[0] * int(node.args[1])
    return None
