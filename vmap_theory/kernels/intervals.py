r"""Moments of the Gaussian on an interval, scaled: ``J_k(a, c) = int_0^c t^k exp(-a t - t^2/2) dt / sqrt(2 pi)``.

With exp(-a^2/2) in front they are the integrals of t^k n(a + t) over 0 < t < c.  Integrating the derivative of
t^k exp(...) gives ``k J_{k-1} = c^k E + a J_k + J_{k+1}`` with ``E = exp(-x)/sqrt(2 pi)``, ``x = c (a + c/2)``:
downwards all terms are positive.  So again the two highest orders N - 1 and N are found, and the others follow.  For
the two:

- y = c (a + 2 c) above a threshold T: the difference of two tails,
  ``K_N(a) - exp(-x) sum_i binomial(N, i) c^{N-i} K_i(a + c)``.  It leaves at least the fraction P(N + 1, y) of K_N for
  large a and P((N + 1)/2, y/4) at a = 0 (incomplete gamma functions).  T = N + 1/4 for N <= 2, where speed counts: 0.22
  and 0.28 for N = 0, 0.39 and 0.23 for N = 2 at the threshold.  T = 2 N for N >= 3: 0.85 and 0.44 or more.
- y <= T: Gauss-Legendre nodes, few of them, for exp(-a t - t^2/2) falls by less than exp(-y) on the way.  `_NODES`
  keeps their relative error below 4e-17 (the worst case is at the threshold, with a = 0 or c = 0).  In float32 the same
  nodes are good for 1e-8 up to y = N + 3, where the difference loses less.

From order 7 on the tails are not approximated well, and `nodes` finds the two highest orders everywhere.
"""

from __future__ import annotations

import math
from typing import Any

from . import nodes
from .libraries import ArrayLibrary, Pick
from .tails import HIGHEST_ORDER, tail_moments

_ROOT = 1 / math.sqrt(2 * math.pi)
_NODES = (6, 8, 9, 12, 14, 15, 17)
"""How many nodes an order needs below its threshold."""


def interval_moments(a: Any, b: Any, c: Any, highest: int, library: ArrayLibrary, *, relative: bool) -> list[Any]:
    """Return ``J_0(a, c) ... J_highest(a, c)``, over min(c, 1)^k if `relative`.

    Relative errors are at most 22 epsilon, worst just beyond the threshold of the module's docstring.

    Parameters
    ----------
    a, b, c : array
        a (or the float 0.0) and b = a + c up to `library.farthest`; c > 0, infinite only if not relative.
    highest : int
        N.
    library : ArrayLibrary
        Of the arrays.
    relative : bool
        For pieces whose c^k may underflow while their polynomials have coefficients that make up for it.
    """
    bounded = library.at_most(c, library.farthest)
    decay = library.exp(-bounded * (a + bounded / 2))
    # All is computed over powers of `unit`, at most 1, so that c^k neither under- nor overflows before the end.
    unit = library.at_most(c, 1.0) if relative else 1.0
    moments: list[Any] = [None] * (highest + 1)
    first = max(highest - 1, 0)
    if highest > HIGHEST_ORDER:
        moments[first:] = nodes.highest_pair(a, c, highest, library, unit=unit)
    else:

        def near(pick: Pick) -> list[Any]:
            count = _NODES[highest]
            pair = nodes.highest_pair(pick(a), pick(bounded), highest, library, unit=pick(unit), count=count)
            return list(pair[-1 - highest :])

        def far(pick: Pick) -> list[Any]:
            tails = [tail_moments(pick(end), highest, library) for end in (a, b)]
            width, ratio, scale = pick(bounded), pick(decay), pick(unit)
            found = [_difference(order, width, ratio, *tails) for order in range(first, highest + 1)]
            return (
                [value / _power(scale, order) for order, value in enumerate(found, start=first)] if relative else found
            )

        is_near = bounded * (a + 2 * bounded) <= _threshold(highest, library)
        moments[first:] = library.by_cases(is_near, near, far)
    end = decay * _ROOT
    for k in range(highest - 1, 0, -1):
        if relative:
            total = (unit * _power(bounded / unit, k)) * end
            total += (a * unit) * moments[k] + (unit * unit) * moments[k + 1]
        else:
            total = _power(bounded, k) * end + a * moments[k]
            total += moments[k + 1]
        moments[k - 1] = total * (1 / k)
    return moments


def _threshold(highest: int, library: ArrayLibrary) -> float:
    if highest > 2:
        return 2.0 * highest
    return highest + (0.25 if library.digits == 53 else 3.0)


def _difference(order: int, c: Any, decay: Any, at_start: list[Any], at_end: list[Any]) -> Any:
    """J_order as a tail from a less the tail from a + c, in Horner's form."""
    beyond = at_end[0]
    for i in range(1, order + 1):  # sum_i binomial(order, i) c^{order-i} K_i
        beyond = beyond * c + math.comb(order, i) * at_end[i]
    return at_start[order] - decay * beyond


def _power(base: Any, exponent: int) -> Any:
    result = base if exponent else 1.0
    for _ in range(exponent - 1):
        result = result * base
    return result
