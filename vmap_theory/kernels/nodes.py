"""The two highest moments of the Gaussian on an interval, by Gauss-Legendre nodes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
from numpy.polynomial.legendre import leggauss

from .libraries import ArrayLibrary

EVERYWHERE = 48
"""Nodes for any interval; see `highest_pair`."""


def highest_pair(
    a: Any, c: Any, highest: int, library: ArrayLibrary, *, unit: Any = 1.0, count: int = EVERYWHERE
) -> tuple[Any, Any]:
    """Return ``J_{N-1}`` and ``J_N`` of `intervals`, N = highest, over these powers of `unit`; c may be infinite.

    With `EVERYWHERE` nodes the interval is cut where a t + t^2/2 > reach: what is left out is below e^-reach times a
    power of t that the second term of reach covers.  The error is then of the order of rounding up to N = 32, the
    highest (a square of degree 16): the integrand is a bump no narrower than 1/24 of the interval (measured for a from
    0 to 100: below 1.2e-15 at N = 2, 3.3e-15 at N = 32).  Fewer nodes are for intervals on which the exponential falls
    by a few powers of e only; they are not cut.  For N = 0 the first of the pair is of no use.
    """
    length = c
    if count == EVERYWHERE:
        reach = 40.0 + 3.0 * (highest + 2)
        cut = 2 * reach / (a + (a * a + 2 * reach) ** 0.5)
        length = library.where(cut < c, cut, c)
    linear, square = -a * length, -0.5 * length * length
    below, top = 0 * linear, 0 * linear
    for node, weight in _unit_rule(count):
        exponent = node * linear
        exponent += (node * node) * square
        mass = library.exp(exponent)
        mass *= weight * node ** (highest - 1) if highest else weight / node
        below += mass
        mass *= node
        top += mass
    step = length / unit
    scale = length
    for _ in range(highest - 1):
        scale = scale * step
    return (below * scale, top * (scale * step)) if highest else (below, top * scale)


@lru_cache(maxsize=16)
def _unit_rule(count: int) -> tuple[tuple[float, float], ...]:
    """Nodes and weights of Gauss-Legendre on (0, 1), the weights over sqrt(2 pi), each correctly rounded.

    NumPy's leggauss loses two digits in the nodes and weights near the end points, where all the mass lies in a sparse
    tail; hence its nodes are only guesses, and mpmath at 40 digits finds the roots.
    """
    context = mpmath.MPContext()
    context.dps = 40
    norm = 2 * context.sqrt(2 * context.pi)
    rule = []
    for guess in leggauss(count)[0]:
        z = context.findroot(lambda y: context.legendre(count, y), context.mpf(float(guess)))
        slope = count * context.legendre(count - 1, z) / (1 - z * z)
        rule.append((float((1 + z) / 2), float(2 / ((1 - z * z) * slope**2) / norm)))
    return tuple(rule)
