"""The pieces of an activation and the points where they meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from ..errors import ExpressionError, PiecesError
from .admission import refuse_unfit, singular_points
from .partition import Partition, flatten
from .polynomials import degree_bound
from .signs import ascending, compare, vanishes
from .symbols import X


@dataclass(frozen=True)
class Piece:
    """One expression on the open interval ``(lower, upper)``, smooth inside."""

    lower: sp.Expr
    upper: sp.Expr
    expression: sp.Expr


@dataclass(frozen=True)
class Break:
    """A point where two pieces meet.

    Attributes
    ----------
    at : sympy expression
        Where.
    jump : sympy expression
        phi(at+) - phi(at-); zero where phi is continuous.
    slope_change : sympy expression
        phi'(at+) - phi'(at-).
    """

    at: sp.Expr
    jump: sp.Expr
    slope_change: sp.Expr


def pieces_of(expression: sp.Expr) -> tuple[Piece, ...]:
    """Flatten an expression and let in what a Gaussian integral can serve.

    Raises
    ------
    ExpressionError, PiecesError
        As `flatten` and `refuse_unfit` do.
    """
    partition = flatten(expression)
    return tuple(piece for triple in _intervals(partition) for piece in _admitted(*triple))


def _intervals(partition: Partition) -> Iterable[tuple[sp.Expr, sp.Expr, sp.Expr]]:
    ends = (-sp.oo, *partition.breaks, sp.oo)
    return zip(ends, ends[1:], partition.parts, strict=False)


def _admitted(lower: sp.Expr, upper: sp.Expr, expression: sp.Expr) -> list[Piece]:
    """One piece, or several if there are points inside where the expression is singular."""
    if degree_bound(expression) is not None:
        return [Piece(lower, upper, expression)]
    ends = [lower, *ascending(singular_points(expression, lower, upper)), upper]
    found = []
    for low, high in pairwise(ends):
        refuse_unfit(expression, low, high)
        found.append(Piece(low, high, expression))
    return found


def meeting_point(left: Piece, right: Piece) -> Break:
    """The break between two neighbours, with the jump and the change of slope."""
    return Break(right.lower, _step(left, right, 0), _step(left, right, 1))


def _step(left: Piece, right: Piece, order: int) -> sp.Expr:
    at = right.lower
    difference = _value(right, order, at, "+") - _value(left, order, at, "-")
    if difference.has(sp.nan, sp.oo, -sp.oo, sp.zoo, sp.AccumBounds):
        return sp.oo  # a slope without bound on one side, or no limit at all
    # Radicals and roots of polynomials vanish without looking it: decided by value.
    if vanishes(difference):
        return sp.Integer(0)
    polynomial = degree_bound(left.expression + right.expression) is not None
    return sp.factor(sp.expand(difference)) if polynomial else difference


def _value(piece: Piece, order: int, at: sp.Expr, side: str) -> sp.Expr:
    """One-sided value of a derivative, by substitution, else as a limit."""
    derivative = sp.diff(piece.expression, X, order)
    value = derivative.subs(X, at)
    if value.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.AccumBounds):
        value = sp.limit(derivative, X, at, side)
    return value


def checked_triples(pieces: Iterable[tuple[Any, Any, Any]]) -> list[tuple[sp.Expr, sp.Expr, sp.Expr]]:
    """Return triples (lower, upper, expression) that cover the line in ascending order, or raise.

    Raises
    ------
    ExpressionError
        Something in them is no number and no SymPy expression.
    PiecesError
        Two overlap, or a gap lies between them.
    """
    try:
        triples = [tuple(sp.sympify(part, strict=True) for part in piece) for piece in pieces]
    except (sp.SympifyError, TypeError) as error:
        raise ExpressionError(f"pieces hold something that is no number and no SymPy expression: {error}.") from None
    if not triples or any(len(triple) != 3 for triple in triples):
        raise PiecesError("pieces must be a list of triples (lower, upper, expression); at least one is needed.")
    infinite = {sp.Float("inf"): sp.oo, sp.Float("-inf"): -sp.oo}
    triples = [tuple(infinite.get(part, part) for part in triple) for triple in triples]
    if any(not end.is_extended_real for triple in triples for end in triple[:2]):
        raise PiecesError("the ends of a piece must be real numbers, oo or -oo.")
    wanted = [-sp.oo, *(upper for _, upper, _ in triples[:-1])]
    if triples[0][0] != -sp.oo:
        raise PiecesError(
            f"the pieces leave a gap: nothing is defined for x < {triples[0][0]}. Start the first at -oo."
        )
    for (lower, upper, _), expected in zip(triples, wanted, strict=True):
        meets = lower == expected or (lower.is_finite and expected.is_finite and compare(lower, expected) == 0)
        if not meets:
            kind = "overlap" if (lower - expected).is_negative else "leave a gap"
            raise PiecesError(
                f"the pieces {kind}: one ends at {expected} and the next starts at {lower}. "
                "Give ascending pieces that meet."
            )
        if (upper - lower).is_nonpositive:
            raise PiecesError(
                f"the piece from {lower} to {upper} is empty: its upper end must lie above its lower end."
            )
    if triples[-1][1] != sp.oo:
        raise PiecesError(f"the pieces leave a gap: nothing is defined for x > {triples[-1][1]}. End the last at oo.")
    return triples
