"""The textbook closed forms, written once for any number system: float64 with erfc or erf, or mpmath with many digits.

With a = tau / sqrt(q), b = (tau + m) / sqrt(q), Q the upper tail and n the density of the standard normal, for crelu:

    E[phi^2]   = q ((1 + a^2) (Q(a) - Q(b)) - a n(a) + (2 a - b) n(b)) + m^2 Q(b)
    dE/dq      = Q(a) - Q(b) - (b - a) n(b)
    E[phi'^2]  = Q(a) - Q(b)

cst is twice that, relu_tau the limit of m to infinity, and relu has tau = 0 as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Arithmetic(NamedTuple):
    """A number system: square root, upper tail and density of the standard normal."""

    sqrt: Callable[[Any], Any]
    upper: Callable[[Any], Any]
    density: Callable[[Any], Any]


def closed_form(family: str, quantity: str, q: Any, tau: Any, m: Any, numbers: Arithmetic) -> Any:
    """Evaluate one quantity, term by term as the formula stands."""
    if family == "cst":
        return 2 * closed_form("crelu", quantity, q, tau, m, numbers)
    if family == "relu":
        return closed_form("relu_tau", quantity, q, 0 * q, m, numbers)
    root = numbers.sqrt(q)
    a = tau / root
    if family == "relu_tau":
        if quantity == "second_moment":
            return q * ((1 + a * a) * numbers.upper(a) - a * numbers.density(a))
        return numbers.upper(a)
    b = (tau + m) / root
    beyond = numbers.upper(b)
    inside = numbers.upper(a) - beyond
    if quantity == "slope_moment":
        return inside
    if quantity == "d_second_moment":
        return inside - m / root * numbers.density(b)
    linear = (1 + a * a) * inside - a * numbers.density(a) + (2 * a - b) * numbers.density(b)
    return q * linear + m * m * beyond
