r"""Moments of the Gaussian tail, scaled: ``K_k(a) = int_0^oo t^k exp(-a t - t^2/2) dt / sqrt(2 pi)`` for a >= 0.

With exp(-a^2/2) in front they are the integrals of t^k n(a + t) over t > 0; ``K_0`` is Mills' ratio over sqrt(2 pi),
and erfcx in other clothes.  They satisfy ``k K_{k-1} = a K_k + K_{k+1}`` (integrate the derivative of t^k exp(...)):
downwards all terms are positive and nothing is lost, upwards all digits are.  So the two highest orders are
approximated, and the others follow (from order 7 on, `nodes` integrates the two).

The approximation: ``(a + beta)^(k+1) K_k(a)`` runs from its value at 0 to k!/sqrt(2 pi) at infinity; with beta such
that both ends agree it changes by a factor of 5 at most (k <= 6), so a polynomial for it keeps relative accuracy.  In
``y = (a - 5)/(a + 5)``, which maps [0, oo] to [-1, 1], its Chebyshev series falls below 2e-17 after 24 (k = 0) to 35
(k = 6) terms: 5 is the flat optimum of the number of terms over the orders that are used.  The coefficients are
computed once per process, from 50-digit values; nothing is stored.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import mpmath

from .libraries import ArrayLibrary
from .nodes import highest_pair

HIGHEST_ORDER = 6
"""Beyond it the polynomials lose digits (a factor of 3 in conditioning for each order)."""

_CENTRE = 5.0
_NODES = 48
_NEGLIGIBLE = 2e-17


def tail_moments(a: Any, highest: int, library: ArrayLibrary) -> list[Any]:
    """Return ``K_0(a) ... K_highest(a)``, each to about 5 epsilon (11 from orders 5 and 6, 23 at order 32).

    `a` is an array of numbers from 0 to `library.farthest`, or the float 0.0, for which the values are correctly
    rounded numbers.
    """
    if isinstance(a, float) and a == 0.0:
        return [value_at_zero(order) for order in range(highest + 1)]
    moments: list[Any] = [None] * (highest + 1)
    if highest > HIGHEST_ORDER:
        moments[highest - 1], moments[highest] = highest_pair(a, math.inf, highest, library)
    else:
        y = (a - _CENTRE) / (a + _CENTRE)
        for order in range(max(highest - 1, 0), highest + 1):
            moments[order] = _approximation(a, y, order)
    for k in range(highest - 1, 0, -1):
        moments[k - 1] = (a * moments[k] + moments[k + 1]) * (1 / k)
    return moments


@lru_cache(maxsize=64)
def value_at_zero(order: int) -> float:
    """``K_k(0)``: (k - 1)!!/2 for even k, (k - 1)!!/sqrt(2 pi) for odd k."""
    context = mpmath.MPContext()
    context.dps = 30
    return float(
        context.mpf(2) ** (context.mpf(order) / 2 - 1)
        * context.gamma((order + 1) / context.mpf(2))
        / context.sqrt(context.pi)
    )


def _approximation(a: Any, y: Any, order: int) -> Any:
    beta, coefficients = _coefficients(order)
    total = coefficients[-1] * y + coefficients[-2]
    for coefficient in coefficients[-3::-1]:  # in place where the library can: half the time is spent here
        total *= y
        total += coefficient
    inverse = 1 / (a + beta)
    for _ in range(order + 1):
        total *= inverse
    return total


@lru_cache(maxsize=HIGHEST_ORDER + 1)
def _coefficients(order: int) -> tuple[float, tuple[float, ...]]:
    """Return beta and the coefficients of the polynomial in y, lowest power first."""
    context = mpmath.MPContext()
    context.dps = 50
    at_zero = _exact(context.zero, order, context)
    limit = context.factorial(order) / context.sqrt(2 * context.pi)
    beta = context.nint(16 * (limit / at_zero) ** (context.one / (order + 1))) / 16  # four bits: exact in any type
    angles = [context.pi * (2 * j + 1) / (2 * _NODES) for j in range(_NODES)]
    values = []
    for angle in angles:
        y = context.cos(angle)
        a = _CENTRE * (1 + y) / (1 - y)
        values.append((a + beta) ** (order + 1) * _exact(a, order, context))
    series = [
        sum(value * context.cos(n * angle) for value, angle in zip(values, angles, strict=True)) * 2 / _NODES
        for n in range(_NODES)
    ]
    series[0] /= 2
    smallest = min(values)
    while abs(series[-1]) < _NEGLIGIBLE * smallest:
        series.pop()
    return float(beta), tuple(float(c) for c in _powers(series, context))


def _exact(a: Any, order: int, context: Any) -> Any:
    """K_k(a) by the recurrence upwards, in as many digits as it loses."""
    work = mpmath.MPContext()
    lost = 2 * (order + 1) * context.log10(a + 2)
    work.dps = int(60 + lost)
    a = work.mpf(a)
    root = work.sqrt(2 * work.pi)
    below, here = 1 / root, work.exp(a * a / 2) * work.erfc(a / work.sqrt(2)) / 2
    for k in range(order):  # K_1 = 1/sqrt(2 pi) - a K_0, K_{k+1} = k K_{k-1} - a K_k
        below, here = here, (k * below if k else below) - a * here
    return context.mpf(here)


def _powers(series: list[Any], context: Any) -> list[Any]:
    """Coefficients of the powers of y of a Chebyshev series, by Clenshaw's recurrence on polynomials."""
    size = len(series)
    nearest, next_one = [context.zero] * size, [context.zero] * size
    for coefficient in series[:0:-1]:
        shifted = [context.zero, *(2 * c for c in nearest[:-1])]
        nearest, next_one = [s - n for s, n in zip(shifted, next_one, strict=True)], nearest
        nearest[0] += coefficient
    shifted = [context.zero, *nearest[:-1]]
    result = [s - n for s, n in zip(shifted, next_one, strict=True)]
    result[0] += series[0]
    return result
