"""Turn an activation into float coefficients on half-line parts, exactly, before any rounding.

Each piece is cut at 0 and mirrored, so that it lies on ``start <= |x| <= start + width`` with ``start >= 0``, and phi
is rewritten as a polynomial in the distance ``t = |x| - start`` from the end nearest zero.  SymPy does that shift, so
coefficients that vanish vanish exactly, and no digits are lost near a threshold.  Parameters left symbolic are filled
in later with numbers or arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from ..activations.base import Activation
from ..activations.pieces import Piece
from ..activations.signs import sign_of
from ..activations.symbols import X
from ..errors import SymbolicParameterError

_T = sp.Dummy("t", nonnegative=True)  # no parameter of any name equals it


@dataclass(frozen=True)
class HalfLinePart:
    """phi on one part of the half line ``|x| = start + t``, ``0 <= t <= width``.

    Attributes
    ----------
    start, width : sympy expressions
        Free of x and q; `width` may be oo.
    coefficients : tuple of sympy expressions
        phi as a polynomial in t, lowest power first; empty where phi is zero.
    """

    start: sp.Expr
    width: sp.Expr
    coefficients: tuple[sp.Expr, ...]


@dataclass(frozen=True)
class StepTerm:
    """A jump of phi^2 at |x| = at, by `rise` in the outward direction."""

    at: sp.Expr
    rise: sp.Expr


@dataclass(frozen=True)
class KinkTerm:
    """A change of the slope of phi^2 at |x| = at, by `slope_change` in the outward direction."""

    at: sp.Expr
    slope_change: sp.Expr


@dataclass(frozen=True)
class Plan:
    """Everything that the numeric kernels need to know of an activation."""

    parts: tuple[HalfLinePart, ...]
    steps: tuple[StepTerm, ...]
    kinks: tuple[KinkTerm, ...]
    jumps: tuple[sp.Expr, ...]


@lru_cache(maxsize=512)
def plan_for(act: Activation) -> Plan:
    """Cut `act` into half-line parts.

    Raises
    ------
    SymbolicParameterError
        The sign of a break point depends on the parameters that are left symbolic.
    """
    parts = tuple(part for piece in act.pieces for part in _cut_at_zero(act, piece))
    steps, kinks = [], []
    for point in act.breaks:
        if point.at == 0:  # a step or kink of phi^2 at 0 has no weight in the derivatives: it is scale-free
            continue
        outward = 1 if _sign(act, point.at) > 0 else -1
        left, right = (piece.expression for piece in act.pieces if piece.upper == point.at or piece.lower == point.at)
        rise = sp.expand((right**2 - left**2).subs(X, point.at))
        change = sp.expand(sp.diff(right**2 - left**2, X).subs(X, point.at))
        if rise != 0:
            steps.append(StepTerm(sp.expand(outward * point.at), outward * rise))
        if change != 0:  # mirroring flips the sign of a slope and the direction in which it is crossed
            kinks.append(KinkTerm(sp.expand(outward * point.at), change))
    return Plan(parts, tuple(steps), tuple(kinks), tuple(point.jump for point in act.jumps))


def _cut_at_zero(act: Activation, piece: Piece) -> list[HalfLinePart]:
    parts = []
    if piece.lower == -sp.oo or _sign(act, piece.lower) < 0:
        if piece.upper == sp.oo or _sign(act, piece.upper) > 0:
            parts.append(_half_line_part(piece.expression, sp.Integer(0), -piece.lower, -1))
            parts.append(_half_line_part(piece.expression, sp.Integer(0), piece.upper, 1))
        else:
            parts.append(_half_line_part(piece.expression, -piece.upper, -piece.lower, -1))
    else:
        parts.append(_half_line_part(piece.expression, piece.lower, piece.upper, 1))
    return parts


def _half_line_part(phi: sp.Expr, start: sp.Expr, stop: sp.Expr, direction: int) -> HalfLinePart:
    shifted = sp.Poly(sp.expand(phi.subs(X, direction * (start + _T))), _T)
    # Factored, (tau - 1)^2 keeps its digits near tau = 1, which tau^2 - 2 tau + 1 does not.
    coefficients = tuple(sp.factor(c) if c.free_symbols else c for c in shifted.all_coeffs()[::-1]) if phi != 0 else ()
    return HalfLinePart(sp.expand(start), sp.oo if stop == sp.oo else sp.expand(stop - start), coefficients)


def _sign(act: Activation, point: sp.Expr) -> int:
    sign = sign_of(point)
    if sign is None:
        raise SymbolicParameterError(
            f"the sign of the break point {point} of {act.name} depends on its parameters: give numbers for them."
        )
    return sign
