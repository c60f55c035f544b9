"""Jumps and kinks of phi^2, and whether it can be differentiated twice between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from ..activations.base import Activation
from ..activations.polynomials import degree_bound
from ..activations.program import Program, mpmath_algebra, mpmath_number
from ..activations.symbols import X
from .legendre import mpmath_context
from .segments import Segment

_DIGITS = 60
_ZERO_DIGITS = 15  # fewer than the working precision: what agrees so far counts as equal
_APPROACH = ("1e-8", "1e-24")
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class PointTerm:
    """A jump and a change of slope of phi^2 at |x| = at > 0, in outward direction; mpmath numbers."""

    at: Any
    jump: Any
    slope_change: Any


def point_terms(act: Activation, digits: int = _DIGITS) -> list[PointTerm] | None:
    """Jumps and kinks of phi^2 away from 0, where scaling moves them; None if a slope is infinite at one."""
    found = []
    context = mpmath_context(digits + _ZERO_DIGITS)
    tolerance = context.mpf(10) ** -digits
    for left, right in pairwise(act.pieces):
        at = right.lower
        if at == 0:
            continue
        values = []
        for piece in (left, right):
            square = piece.expression**2
            value, slope = (_value_at(sp.diff(square, X, order), at, context) for order in (0, 1))
            if value is None or slope is None:
                return None
            values.append((value, slope))
        (left_value, left_slope), (right_value, right_slope) = values
        size = abs(left_value) + abs(right_value) + abs(left_slope) + abs(right_slope)
        jump, change = right_value - left_value, right_slope - left_slope
        outward = 1 if at > 0 else -1
        term = PointTerm(
            abs(mpmath_number(at, context)),
            outward * jump if abs(jump) > tolerance * size else context.zero,
            change if abs(change) > tolerance * size else context.zero,
        )
        if term.jump or term.slope_change:
            found.append(term)
    return found


def is_differentiable_twice(segment: Segment) -> bool:
    """Whether the derivative form converges at the ends: (phi^2)'' times the distance must go to zero."""
    context = mpmath_context(_DIGITS)
    ends = [(segment.start, 1)] + ([(segment.start + segment.width, -1)] if segment.width.is_finite else [])
    for direction, expression in segment.sides:
        if degree_bound(expression) is not None:
            continue
        program = Program([sp.diff(expression**2, X, 2)])
        for end, inward in ends:
            at = mpmath_number(end, context)
            # At 0 it is y^2 w'' that is integrated, elsewhere w''.
            power = 2 if at == 0 else 0
            sizes = []
            for text in _APPROACH:
                step = context.mpf(text) * (at or 1)
                bend = program.run({X.name: direction * (at + inward * step)}, mpmath_algebra(context))[0]
                sizes.append(abs(bend) * step ** (1 + power))
            if sizes[1] > sizes[0] / 2 and sizes[1] > _NEGLIGIBLE:
                return False
    return True


def _value_at(expression: sp.Expr, at: sp.Expr, context: Any) -> Any:
    try:
        value = Program([expression]).run({X.name: mpmath_number(at, context)}, mpmath_algebra(context))[0]
    except (ZeroDivisionError, ValueError):
        value = sp.limit(expression, X, at)
        value = mpmath_number(value, context) if value.is_real and value.is_finite else context.nan
    if isinstance(value, context.mpc):
        value = value.real
    return value if context.isfinite(value) else None
