"""Cut the half line of |x| into segments on which quadrature meets no surprise.

A segment is ``|x| = start + t``, ``0 < t < width``; what stands right and left of zero is integrated together, so that
parts that cancel between the sides cancel before anything is rounded.  The half line is cut at the breaks and at the
*features* of the expressions: places where a function inside them turns from one behaviour to another, such as b in
tanh(k (x - b)).  Panels crowd at the start of every segment, so that a feature as narrow as 1/k with k = 1e9 is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from ..activations.base import Activation
from ..activations.features import features
from ..activations.signs import ascending, compare
from ..activations.symbols import X


@dataclass(frozen=True)
class Segment:
    """``x = start + t`` and ``x = -(start + t)`` for ``0 < t < width``.

    Attributes
    ----------
    start, width : sympy numbers
        Exact; start >= 0, width may be oo.
    right, left : sympy expressions
        phi on the two sides, in x.
    """

    start: sp.Expr
    width: sp.Expr
    right: sp.Expr
    left: sp.Expr

    @property
    def is_symmetric(self) -> bool:
        """Whether phi is seen to be even or odd here, so that one side tells of both."""
        mirrored = self.right.xreplace({X: -X})
        return bool(mirrored in (self.left, -self.left))

    @property
    def sides(self) -> tuple[tuple[int, sp.Expr], ...]:
        """(direction, expression) of both sides."""
        return (1, self.right), (-1, self.left)


def segments_of(act: Activation) -> tuple[Segment, ...]:
    """All segments of an activation whose parameters have numbers, outwards."""
    cuts = [piece.lower for piece in act.pieces[1:]]
    if act.function is None:
        cuts += [sp.Rational(at) for piece in act.pieces for at in features(piece.expression)]
    ends = [*ascending([sp.Integer(0), *map(_size, cuts)]), sp.oo]
    return tuple(
        Segment(
            low,
            sp.oo if high == sp.oo else sp.expand(high - low),
            _expression_between(act, low, high),
            _expression_between(act, -high, -low),
        )
        for low, high in pairwise(ends)
    )


def _size(point: sp.Expr) -> sp.Expr:
    return point if compare(point, sp.Integer(0)) >= 0 else -point


def _expression_between(act: Activation, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    return next(
        piece.expression for piece in act.pieces if compare(piece.lower, low) <= 0 and compare(high, piece.upper) <= 0
    )
