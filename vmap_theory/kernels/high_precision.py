"""Certified quadrature at any number of digits: the derivative form, by the double exponential rule.

It shares the columns with `kernels.quadrature`, and neither weights, nor rule, nor panels with `vmap_theory.reference`:
where no closed form is known, the two are each other's judge.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from ..activations.base import Activation
from ..activations.program import mpmath_number
from ..errors import PrecisionError
from .breaks import is_differentiable_twice, point_terms
from .legendre import mpmath_context
from .result import MOMENT_NAMES
from .samplers import BEND, COLUMNS, GROWTH, SLOPE, SQUARE, SQUARE_Y2, SQUARE_Y4, ZERO, ExpressionSampler
from .segments import Segment, segments_of

_GUARD_DIGITS = 15
_FIRST_LEVEL = 6
_LAST_LEVEL = 13
_MARGIN = 1.5
_STEPS = 24
_MOST_STEPS = 400


def moments_to_digits(act: Activation, q: sp.Expr, digits: int) -> dict[str, Any]:
    """Return all moments of `act` at an exact variance `q` as mpmath numbers with so many correct digits.

    Digits count relative to the integral of the absolute integrand.

    Raises
    ------
    PrecisionError
        Two levels of the rule still differ.
    """
    context = mpmath_context(digits + _GUARD_DIGITS)
    segments = segments_of(act)
    points = point_terms(act, digits + _GUARD_DIGITS)
    differentiable = points is not None and all(is_differentiable_twice(segment) for segment in segments)
    variance = mpmath_number(q, context)
    totals = [context.zero] * COLUMNS
    skipped = {SLOPE} if act.slope_is_infinite else set()
    for segment in segments:
        sampler = ExpressionSampler(segment, differentiable)
        found = _integrated(sampler, segment, variance, context, digits, skipped)
        totals = [total + part for total, part in zip(totals, found, strict=True)]
    if differentiable:
        first, second = totals[GROWTH], totals[BEND]
        for point in points or ():
            u = point.at / context.sqrt(variance)
            density = context.exp(-u * u / 2) / context.sqrt(2 * context.pi)
            first += point.jump * u * density / 2
            second += point.jump * u * (u * u - 3) * density
            second += point.slope_change * point.at * u * density
    else:
        w, z2, z4 = totals[SQUARE], totals[SQUARE_Y2] / variance, totals[SQUARE_Y4] / variance**2
        first, second = (z2 - w) / 2, z4 - 6 * z2 + 3 * w
    slope = context.inf if act.slope_is_infinite else totals[SLOPE]
    values = (totals[SQUARE], first / variance, second / (4 * variance**2), slope, totals[ZERO])
    return dict(zip(MOMENT_NAMES, values, strict=True))


def _integrated(
    sampler: ExpressionSampler, segment: Segment, variance: Any, context: Any, digits: int, skipped: set[int]
) -> list[Any]:
    """Integrals of all columns over one segment, by levels of the rule until two agree."""
    start = mpmath_number(segment.start, context)
    width = mpmath_number(segment.width, context)
    norm = context.exp(-(start**2) / (2 * variance)) / context.sqrt(2 * context.pi * variance)

    def integrand(t: Any) -> list[Any]:
        weight = norm * context.exp(-t * (start + t / 2) / variance)
        columns = [weight * value for value in sampler.row(t, context)]
        y = start + t
        return [*columns, columns[SQUARE] * y**2, columns[SQUARE] * y**4]

    length = min(width, _cut(integrand, start, variance, context, width))
    tolerance = context.mpf(10) ** -(digits + 2)
    previous: list[Any] | None = None
    sums, sizes = [context.zero] * COLUMNS, [context.zero] * COLUMNS
    for level in range(1, _LAST_LEVEL + 1):
        # Each level adds the points between those of the levels before, and halves the step.
        for node, weight in _nodes(level, context.dps):
            row = integrand(length * (1 + node) / 2)
            sums = [total + weight * value for total, value in zip(sums, row, strict=True)]
            sizes = [total + weight * abs(value) for total, value in zip(sizes, row, strict=True)]
        step = context.mpf(2) ** -level
        values = [step * total * length / 2 for total in sums]
        if level > _FIRST_LEVEL and previous is not None:
            limits = [tolerance * step * size * length / 2 for size in sizes]
            if all(
                abs(new - old) <= limit
                for column, (new, old, limit) in enumerate(zip(values, previous, limits, strict=True))
                if column not in skipped
            ):
                return values
        previous = values
    raise PrecisionError(
        f"the integrals over |x| > {context.nstr(start, 6)} did not settle to {digits} digits: ask for fewer digits."
    )


def _cut(integrand: Any, start: Any, variance: Any, context: Any, width: Any) -> Any:
    """Where the integrand has fallen below rounding of its largest value."""
    scale = context.sqrt(variance)
    exponent = _MARGIN * context.log(10) * context.dps
    a = start / scale
    step = 2 * exponent / (a + context.sqrt(a**2 + 2 * exponent)) * scale / _STEPS
    largest, t = context.zero, context.zero
    for count in range(1, _MOST_STEPS):
        t += step
        if t >= width:
            return width
        size = sum(map(abs, integrand(t)))
        largest = max(largest, size)
        if count >= _STEPS and size <= largest * context.mpf(10) ** -context.dps:
            return t
    raise PrecisionError(f"the integrand does not fall off beyond |x| = {context.nstr(start + t, 6)}.")


@lru_cache(maxsize=64)
def _nodes(level: int, dps: int) -> list[tuple[Any, Any]]:
    """The points of one level of mpmath's tanh-sinh rule on (-1, 1)."""
    context = mpmath.MPContext()
    context.dps = dps + 5
    rule = mpmath.calculus.quadrature.TanhSinh(context)
    nodes: list[tuple[Any, Any]] = rule.calc_nodes(level, context.prec)
    return nodes
