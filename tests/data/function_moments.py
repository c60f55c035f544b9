"""Gaussian moments of functions given part by part, by two kinds of quadrature, with mpmath alone.

The first is composite Gauss-Legendre, with panels that shrink towards the singularities of the function in the complex
plane.  The second is the trapezoidal rule after a change of variable that makes the integrand decay doubly
exponentially, its step halved until it settles.  They share neither nodes nor weights nor where they cut the line.

Nothing is differentiated in q: with z = x / sqrt(q), d/dq E[f] = E[f (z^2 - 1)]/(2 q) and
d2/dq2 E[f] = E[f (z^4 - 6 z^2 + 3)]/(4 q^2).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath

from tests.gaussian import MOMENTS, Pieces, derivative, is_zero, value_at

DPS = 78
_REACH = 480.0
"""Where a part ends for the integrals: exp((start^2 - z^2)/2) = exp(-240) = 1e-104, for what grows as a power of z."""
_SETTLED = 36
"""Digits to which a halving of the step must change nothing; the result is then good to nearly twice as many."""
_SIGN_CHANGES = tuple(float(root) for root in (1, (3 - 6**0.5) ** 0.5, (3 + 6**0.5) ** 0.5))
"""Where z^2 - 1 and z^4 - 6 z^2 + 3 vanish: panels end there, so that absolute values are integrated well too."""

Function = Callable[[Any], Any]


def entire(x: float) -> float:
    """Clearance of a function without singularities."""
    return float("inf")


@dataclass(frozen=True)
class Part:
    """phi on (lower, upper).

    Attributes
    ----------
    phi, slope : callable
        phi and its derivative in mpmath numbers, by hand; None where phi is zero.
    clearance : callable
        Distance from the real number x to the nearest singularity of phi's analytic continuation, or less.
    growth : float
        phi(x) is at most of the size of exp(growth |x|).
    """

    lower: Any
    upper: Any
    phi: Function | None
    slope: Function | None
    clearance: Callable[[float], float] = entire
    growth: Any = 0.0


def parts_of(pieces: Pieces) -> list[Part]:
    """Piecewise polynomials, given as in tests/gaussian.py, in the form used here."""

    def polynomial(coefficients: Sequence[Any]) -> Function:
        return lambda x: value_at(coefficients, x)

    return [
        Part(lower, upper, None, None)
        if is_zero(coefficients)
        else Part(lower, upper, polynomial(coefficients), polynomial(derivative(coefficients)))
        for lower, upper, coefficients in pieces
    ]


def has_jump(parts: Sequence[Part]) -> bool:
    """Whether phi jumps where two parts meet, by value."""
    for left, right in itertools.pairwise(parts):
        at = mpmath.mpf(left.upper)
        ends = [mpmath.mpf(0) if part.phi is None else part.phi(at) for part in (left, right)]
        if abs(ends[0] - ends[1]) > mpmath.mpf(10) ** -40:
            return True
    return False


class _Sums:
    """The five integrals, and those of the absolute values of the integrands."""

    def __init__(self) -> None:
        self.values = [mpmath.mpf(0)] * len(MOMENTS)
        self.sizes = [mpmath.mpf(0)] * len(MOMENTS)

    def add(self, part: Part, z: Any, root_q: Any, weight: Any) -> None:
        z2 = z * z
        mass = weight * mpmath.exp(-z2 / 2)
        if part.phi is None or part.slope is None:
            terms = [0, 0, 0, 0, mass]
        else:
            x = z * root_q
            square = mass * part.phi(x) ** 2
            terms = [square, square * (z2 - 1), square * (z2 * (z2 - 6) + 3), mass * part.slope(x) ** 2, 0]
        for index, term in enumerate(terms):
            self.values[index] += term
            self.sizes[index] += abs(term)

    def scaled(self, q: Any, step: Any = 1) -> tuple[dict[str, Any], dict[str, Any]]:
        divisors = [1, 2 * q, 4 * q * q, 1, 1]
        factor = step / mpmath.sqrt(2 * mpmath.pi)
        return tuple(  # type: ignore[return-value]
            {name: factor * total / divisor for name, total, divisor in zip(MOMENTS, totals, divisors, strict=True)}
            for totals in (self.values, self.sizes)
        )


def by_gauss_legendre(parts: Sequence[Part], q: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The five moments, and the sizes of what they are made of."""
    with mpmath.workdps(DPS):
        q = mpmath.mpf(q)
        root_q = mpmath.sqrt(q)
        sums = _Sums()
        for part, sign in itertools.product(parts, (1, -1)):
            lower, upper = sorted((sign * mpmath.mpf(part.lower) / root_q, sign * mpmath.mpf(part.upper) / root_q))
            start, stop = max(lower, mpmath.mpf(0)), max(upper, mpmath.mpf(0))
            if not start < stop:
                continue
            stop = min(stop, start + _reach(part, start, root_q))
            for low, high in _panels(part, start, stop, sign, root_q):
                for node, weight in _legendre(DPS):
                    z = (low + high + (high - low) * node) / 2
                    sums.add(part, sign * z, root_q, weight * (high - low) / 2)
        return sums.scaled(q)


def _panels(part: Part, start: Any, stop: Any, sign: int, root_q: Any) -> Iterator[tuple[Any, Any]]:
    """Panels from `start` to `stop`, on each of which 96 nodes reach some 70 digits.

    The rule's error falls as rho^-192, where rho is the sum of the half axes of the largest ellipse, with foci at the
    ends of the panel of radius r, on which the integrand is analytic.  With a singularity no nearer to the centre than
    r / 0.7, rho is at least 2.44; for entire integrands it is exp(-z^2/2) that bounds the radius.
    """
    forced = iter([mpmath.mpf(cut) for cut in _SIGN_CHANGES if start < cut < stop] + [stop])
    here, cut = start, next(forced)
    while here < stop:
        length = min(cut - here, 4)
        while float(length) / 2 > 0.7 * part.clearance(float(sign * root_q * (here + length / 2))) / float(root_q):
            length = length * 0.8
        end = cut if cut - here - length < 1e-12 else here + length
        yield here, end
        here = end
        if here == cut and cut != stop:
            cut = next(forced)


@cache
def _legendre(dps: int) -> list[tuple[Any, Any]]:
    with mpmath.workdps(dps + 5):
        rule = mpmath.calculus.quadrature.GaussLegendre(mpmath.mp)
        return [(+node, +weight) for node, weight in rule.calc_nodes(6, mpmath.mp.prec)]


def by_double_exponentials(parts: Sequence[Part], q: Any) -> dict[str, Any]:
    """The same five moments by trapezoidal rules in a new variable."""
    with mpmath.workdps(DPS):
        q = mpmath.mpf(q)
        root_q = mpmath.sqrt(q)
        totals = dict.fromkeys(MOMENTS, mpmath.mpf(0))
        for part in parts:
            lower, upper = mpmath.mpf(part.lower) / root_q, mpmath.mpf(part.upper) / root_q
            both_infinite = mpmath.isinf(lower) and mpmath.isinf(upper)
            split = not both_infinite and (mpmath.isinf(lower) or mpmath.isinf(upper)) and lower < 0 < upper
            for low, high in [(lower, mpmath.mpf(0)), (mpmath.mpf(0), upper)] if split else [(lower, upper)]:
                for name, value in _settled(part, low, high, q).items():
                    totals[name] += value
        return totals


def _settled(part: Part, low: Any, high: Any, q: Any) -> dict[str, Any]:
    root_q = mpmath.sqrt(q)
    change, first, last = _change_of_variable(part, low, high, root_q)
    sums = _Sums()
    step = mpmath.mpf(1) / 4
    indices = range(int(first / step), int(last / step) + 1)
    previous: dict[str, Any] = {}
    for _ in range(8):
        for index in indices:
            z, speed = change(index * step)
            sums.add(part, z, root_q, speed)
        values, sizes = sums.scaled(q, step)
        if previous and all(
            abs(values[name] - previous[name]) <= sizes[name] * mpmath.mpf(10) ** -_SETTLED for name in MOMENTS
        ):
            return values
        previous, step = values, step / 2
        indices = range(int(first / step) | 1, int(last / step) + 1, 2)  # odd: the even ones are summed already
    raise ArithmeticError(f"the trapezoidal rule does not settle on ({low}, {high}), q = {q}")


def _change_of_variable(part: Part, low: Any, high: Any, root_q: Any) -> tuple[Function, Any, Any]:
    """t -> (z, dz/dt), and the ends of t beyond which nothing is left."""
    if mpmath.isinf(low) and mpmath.isinf(high):
        width = mpmath.mpf(min(1.0, part.clearance(0.0) / float(root_q)))
        last = mpmath.asinh(_reach(part, mpmath.mpf(0), root_q) / width)
        return lambda t: (width * mpmath.sinh(t), width * mpmath.cosh(t)), -last, last
    if mpmath.isinf(low) or mpmath.isinf(high):
        start, sign = (low, 1) if mpmath.isinf(high) else (high, -1)

        def half_line(t: Any) -> tuple[Any, Any]:
            inner = mpmath.exp(-t)
            distance = mpmath.exp(t - inner)
            return start + sign * distance, distance * (1 + inner)

        # exp(-exp(5.3)) is below 10^-86.
        return half_line, mpmath.mpf("-5.3"), mpmath.log(_reach(part, abs(start), root_q)) + mpmath.mpf("0.05")
    reach = _reach(part, max(low, -high, mpmath.mpf(0)), root_q)
    if low >= 0:
        high = min(high, low + reach)
    elif high <= 0:
        low = max(low, high - reach)
    else:
        low, high = max(low, -reach), min(high, reach)
    half, middle = (high - low) / 2, (high + low) / 2

    def interval(t: Any) -> tuple[Any, Any]:
        inner = mpmath.pi / 2 * mpmath.sinh(t)
        return middle + half * mpmath.tanh(inner), half * mpmath.pi / 2 * mpmath.cosh(t) / mpmath.cosh(inner) ** 2

    # At t = 4.8 the last factor is below 10^-80.
    return interval, mpmath.mpf("-4.8"), mpmath.mpf("4.8")


def _reach(part: Part, start: Any, root_q: Any) -> Any:
    """How far beyond `start` the integrand counts; exp(2 growth x) moves its peak by 2 growth sqrt(q)."""
    return mpmath.sqrt(start**2 + _REACH) - start + 4 * part.growth * root_q
