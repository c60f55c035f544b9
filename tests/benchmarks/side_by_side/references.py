"""What is true, to 50 digits, by mpmath alone: nothing here is made by the package that is measured.

The closed forms cancel: for tau / sqrt(q) = 36 and m / sqrt(q) = 1e-6 some 20 digits are lost.  So they are evaluated
with 120 digits and again with 160, and both must agree to 50.  `by_quadrature` is an unlike second way for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import mpmath

from .closed_forms import Arithmetic, closed_form
from .points import Points

QUANTITIES = {"second_moment": "E[phi^2]", "d_second_moment": "dE[phi^2]/dq", "slope_moment": "E[phi'^2]"}
DIGITS = 50
WORKING_DIGITS = (120, 160)

Reference = dict[str, list[mpmath.mpf]]

MPMATH = Arithmetic(mpmath.sqrt, lambda z: mpmath.erfc(z / mpmath.sqrt(2)) / 2, mpmath.npdf)


def reference(family: str, quantity: str, q: float, tau: float, m: float) -> mpmath.mpf:
    """The quantity at the binary numbers given, to `DIGITS` digits."""
    found = []
    for digits in WORKING_DIGITS:
        with mpmath.workdps(digits):
            found.append(closed_form(family, quantity, mpmath.mpf(q), mpmath.mpf(tau), mpmath.mpf(m), MPMATH))
    low, high = found
    with mpmath.workdps(DIGITS + 10):
        if not abs(low - high) <= abs(high) * mpmath.mpf(10) ** -DIGITS:
            raise ArithmeticError(
                f"{quantity} of {family} at q = {q!r}, tau = {tau!r}, m = {m!r} is not stable to {DIGITS} digits "
                f"between {WORKING_DIGITS[0]} and {WORKING_DIGITS[1]} working digits; raise WORKING_DIGITS"
            )
        return +high


def references(family: str, points: Points) -> Reference:
    """All quantities at all points."""
    return {quantity: [reference(family, quantity, *point) for point in rows(points)] for quantity in QUANTITIES}


def rows(points: Points) -> Iterable[tuple[float, float, float]]:
    """The points one by one, as Python floats."""
    return zip(points.q.tolist(), points.tau.tolist(), points.m.tolist(), strict=True)


def by_quadrature(family: str, quantity: str, q: float, tau: float, m: float, digits: int = 30) -> mpmath.mpf:
    """The quantity by mpmath's quadrature: split at the kinks, with n(a) taken out, over t = z - a.

    n(a + t) = n(a) exp(-a t - t^2 / 2).  phi = sqrt(q) min(t, c) with c = m / sqrt(q), and the derivative is
    E[phi phi' Z] / sqrt(q), which the closed form does not use.
    """
    with mpmath.workdps(digits + 10):
        q, tau, m = mpmath.mpf(q), mpmath.mpf(tau), mpmath.mpf(m)
        a = tau / mpmath.sqrt(q) if family != "relu" else mpmath.mpf(0)
        level = m / mpmath.sqrt(q) if family in ("crelu", "cst") else mpmath.inf
        sides = 2 if family == "cst" else 1

        def reach(start: mpmath.mpf) -> mpmath.mpf:
            """Where exp(-(a + t)^2 / 2) has fallen by `digits` digits, and 26 more, from what it is at `start`."""
            return mpmath.sqrt((a + start) ** 2 + 2 * mpmath.mpf(2.4 * digits + 60)) - a

        inside = {
            "second_moment": lambda t: q * t * t,
            "d_second_moment": lambda t: t * (a + t),
            "slope_moment": lambda t: mpmath.mpf(1),
        }[quantity]

        def weighted(value: Callable[[mpmath.mpf], mpmath.mpf], start: mpmath.mpf, stop: mpmath.mpf) -> mpmath.mpf:
            # In units of the interval, so that mpmath, which stops on absolute error, sees numbers of size one.
            width = stop - start
            size = value(stop) * mpmath.exp(-a * start - start * start / 2)

            def scaled(s: mpmath.mpf) -> mpmath.mpf:
                t = start + s * width
                return value(t) * mpmath.exp(-a * t - t * t / 2) / size

            return size * width * mpmath.quad(scaled, mpmath.linspace(0, 1, 9))

        total = weighted(inside, mpmath.mpf(0), min(level, reach(mpmath.mpf(0))))
        if level < mpmath.inf and quantity == "second_moment":
            total += weighted(lambda t: m * m, level, reach(level))
        return sides * mpmath.npdf(a) * total
