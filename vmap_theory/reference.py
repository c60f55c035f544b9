r"""High-precision Gaussian expectations straight from the pieces: the independent judge.

Nothing here knows of erfc, of truncated moments or of kink terms.  Every quantity is an integral of phi^2, phi'^2 or
an indicator against a Gaussian weight, and derivatives in q fall on the *weight*, never on phi:

.. math:: \frac{d}{dq} E[f] = \frac{E[f\,(z^2 - 1)]}{2q}, \qquad
          \frac{d^2}{dq^2} E[f] = \frac{E[f\,(z^4 - 6 z^2 + 3)]}{4 q^2}, \qquad z = x / \sqrt q .

The line is split at 0, at the breaks and where functions inside phi turn (`activations.features`).  On each part
``a <= z <= b`` (mirrored to the right of 0) the factor exp(-a^2/2) is taken out and ``exp(-a t - t^2/2)`` is integrated
over t by Gauss-Legendre rules in mpmath; a panel is halved until it and its halves agree to the *relative* tolerance
asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp

from .activations.base import Activation
from .activations.features import features
from .activations.pieces import Piece
from .activations.polynomials import is_polynomial
from .activations.program import Program, mpmath_algebra, mpmath_number
from .activations.signs import ascending, compare
from .activations.symbols import X
from .errors import PrecisionError, SymbolicParameterError

_GUARD_DIGITS = 25
_CANCELLED_DIGITS = 18
"""A value below 10**-18 of its scale counts as zero; the guard digits keep everything above that accurate."""
_DEEPEST = 400
"""Halvings of a panel: enough for the fourth root of a distance at 100 digits."""
_MOST_PANELS = 4000
_CUT_SAMPLES = 24
_CROWDED = 20
_EXPONENT_MARGIN = 1.5
_HALF_RANGE = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity")


@dataclass(frozen=True)
class ReferenceValue:
    """A high-precision number.

    Attributes
    ----------
    value : mpmath.mpf
        The integral; infinite where phi jumps and phi'^2 is asked for.
    scale : mpmath.mpf
        The integral of the absolute value of the integrand: what `value` is small against when terms cancel.
    """

    value: Any
    scale: Any

    @property
    def yardstick(self) -> Any:
        """What an error of `value` is relative to: the value, or for a zero by cancellation the scale."""
        negligible = self.scale * self.scale.context.mpf(10) ** -_CANCELLED_DIGITS
        return abs(self.value) if abs(self.value) > negligible else self.scale


def reference_moments(act: Activation, q: sp.Expr, digits: int = 50) -> dict[str, ReferenceValue]:
    """Integrate the Gaussian moments of `act` at variance `q` to `digits` relative digits.

    Parameters
    ----------
    act : Activation
        With a number for every parameter; not one made from a Python function, which knows float64 alone.
    q : sympy number
        The variance, exact and positive.
    digits : int
        Relative accuracy wanted, in decimal digits.

    Returns
    -------
    dict
        ``second_moment``, ``d_second_moment``, ``d2_second_moment`` (derivatives in q), ``slope_moment`` and
        ``sparsity``, each a `ReferenceValue`.

    Raises
    ------
    SymbolicParameterError
        A parameter has no number.
    PrecisionError
        A panel and its halves still differ by more than the tolerance after very many halvings.
    """
    act.require_numbers("a reference integral")
    if act.function is not None:
        raise SymbolicParameterError(
            f"{act.label} is a Python function, which has no high-precision values: write it as an expression."
        )
    context = mpmath.MPContext()
    context.dps = digits + _GUARD_DIGITS
    tolerance = context.mpf(10) ** -(digits + 3)
    totals = {name: ReferenceValue(context.zero, context.zero) for name in _HALF_RANGE}
    wanted = [name for name in _HALF_RANGE if name != "slope_moment" or not act.slope_is_infinite]
    for part in _half_line_parts(act, q, context):
        found = _adaptively(part, context, tolerance, wanted)
        if found is None:
            raise PrecisionError(
                f"the reference integrals of {act.label} at q = {q} did not settle to {digits} digits: "
                "ask for fewer digits."
            )
        totals = {name: _sum(totals[name], found[name]) for name in totals}
    q_number = mpmath_number(q, context)
    divisors = {"d_second_moment": 2 * q_number, "d2_second_moment": 4 * q_number**2}
    result = {
        name: ReferenceValue(total.value / divisors.get(name, 1), total.scale / divisors.get(name, 1))
        for name, total in totals.items()
    }
    if act.slope_is_infinite or _has_jump(act, context):
        result["slope_moment"] = ReferenceValue(context.inf, context.inf)
    return result


@dataclass(frozen=True)
class _Part:
    """phi and phi' as functions of z on ``start <= z <= start + length`` (mirrored if need be).

    `is_narrow`: it begins or ends where a function inside phi turns, perhaps within a tiny distance.
    """

    start: Any
    length: Any
    phi: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    is_zero: bool
    is_narrow: bool


def _half_line_parts(act: Activation, q: sp.Expr, context: Any) -> list[_Part]:
    root_q = mpmath_number(sp.sqrt(q), context)
    parts = []
    for piece in act.pieces:
        turns = [sp.Rational(at) for at in features(piece.expression)]
        cuts = ascending([sp.Integer(0), *turns])
        inner = [cut for cut in cuts if compare(piece.lower, cut) < 0 and compare(cut, piece.upper) < 0]
        for low, high in pairwise([piece.lower, *inner, piece.upper]):
            sign = 1 if compare(low, sp.Integer(0)) >= 0 else -1
            start, stop = (low, high) if sign == 1 else (-high, -low)
            # The exact width: of two nearby ends the difference would keep few digits.
            width = mpmath_number(sp.expand(stop - start), context) if stop != sp.oo else context.inf
            # phi' is squared in the end, so that its sign under mirroring is free.
            phi, slope = (_function(piece, order, sign * root_q, context) for order in (0, 1))
            narrow = bool(turns)
            parts.append(
                _Part(mpmath_number(start, context) / root_q, width / root_q, phi, slope, piece.expression == 0, narrow)
            )
    return parts


def _function(piece: Piece, order: int, unit: Any, context: Any) -> Callable[[Any], Any]:
    """A derivative of phi as a function of z = x / unit."""
    expression = sp.diff(piece.expression, X, order)
    if is_polynomial(expression):
        coefficients = [mpmath_number(c, context) for c in sp.Poly(expression, X).all_coeffs()]
        return lambda z: context.polyval(coefficients, unit * z)
    program, algebra = Program([expression]), mpmath_algebra(context)
    return lambda z: program.run({X.name: unit * z}, algebra)[0]


def _has_jump(act: Activation, context: Any) -> bool:
    """Whether two neighbouring pieces differ where they meet, by value at the working precision."""
    algebra = mpmath_algebra(context)
    for left, right in pairwise(act.pieces):
        at = mpmath_number(right.lower, context)
        try:
            values = [Program([piece.expression]).run({X.name: at}, algebra)[0] for piece in (left, right)]
        except ZeroDivisionError:  # a gap of one point, as that of sin(x)/x at 0: its pieces are one function
            continue
        size = abs(values[0]) + abs(values[1]) + abs(at)
        if abs(values[0] - values[1]) > context.mpf(10) ** (_GUARD_DIGITS // 2 - context.dps) * size:
            return True
    return False


def _adaptively(part: _Part, context: Any, tolerance: Any, wanted: list[str]) -> dict[str, ReferenceValue] | None:
    """Integrate over one part, halving panels until each agrees with its halves; None if that does not end."""
    first = _first_panels(part, _cut(part, context), context)
    whole = [_panel(part, low, width, context) for low, width in first]
    scales = {name: sum(found[name].scale for found in whole) for name in _HALF_RANGE}
    totals = {name: ReferenceValue(context.zero, context.zero) for name in _HALF_RANGE}
    waiting = [(low, width, found, 0) for (low, width), found in zip(first, whole, strict=True)]
    panels = 0
    while waiting:
        low, width, coarse, depth = waiting.pop()
        half = width / 2
        halves = [_panel(part, low, half, context), _panel(part, low + half, half, context)]
        fine = {name: _sum(halves[0][name], halves[1][name]) for name in _HALF_RANGE}
        panels += 2
        if all(abs(fine[name].value - coarse[name].value) <= tolerance * scales[name] for name in wanted):
            totals = {name: _sum(totals[name], fine[name]) for name in _HALF_RANGE}
            continue
        if depth >= _DEEPEST or panels >= _MOST_PANELS:
            return None
        scales = {name: max(scales[name], fine[name].scale) for name in _HALF_RANGE}
        waiting.extend([(low, half, halves[0], depth + 1), (low + half, half, halves[1], depth + 1)])
    return totals


def _cut(part: _Part, context: Any) -> Any:
    """The length beyond which the integrand is below 10^-dps of its largest value, whatever phi is."""
    # exp(-a t - t^2/2) < 10^-dps beyond the first cut; a factor phi^2 that grows like a power is covered by the guard
    # digits and by the margin, one that grows exponentially moves the cut outwards.
    exponent = _EXPONENT_MARGIN * context.log(10) * context.dps
    cut = 2 * exponent / (part.start + context.sqrt(part.start**2 + 2 * exponent))
    for _ in range(_DEEPEST):
        if part.is_zero or part.length <= cut or (part.is_narrow and context.isfinite(part.length)):
            return part.length if part.is_narrow else min(part.length, cut)
        inside = [cut * k / _CUT_SAMPLES for k in range(1, _CUT_SAMPLES + 1)]
        sizes = [_log_integrand(part, t, context) for t in inside]
        if sizes[-1] < max(sizes) - context.log(10) * context.dps:
            break
        cut *= 1.25
    return min(part.length, cut)


def _log_integrand(part: _Part, t: Any, context: Any) -> Any:
    z = part.start + t
    size = abs(part.phi(z)) + abs(part.slope(z))
    return (2 * context.log(size) if size else context.ninf) + 4 * context.log(z) - t * (part.start + t / 2)


def _first_panels(part: _Part, length: Any, context: Any) -> list[tuple[Any, Any]]:
    """One panel, or several that crowd towards both ends where functions turn within a tiny distance."""
    if not part.is_narrow:
        return [(context.zero, length)]
    steps = [length * context.mpf(4) ** -k for k in range(_CROWDED, 0, -1)]
    edges = [context.zero, *steps, *(length - step for step in reversed(steps)), length]
    return [(low, high - low) for low, high in pairwise(edges)]


def _panel(part: _Part, low: Any, width: Any, context: Any) -> dict[str, ReferenceValue]:
    """All integrals over low < t < low + width by one Gauss-Legendre rule."""
    totals = {name: [context.zero, context.zero] for name in _HALF_RANGE}
    outer = width / 2 * context.exp(-(part.start**2) / 2) / context.sqrt(2 * context.pi)
    for node, weight in _unit_rule(context.dps, _level(context.dps)):
        t = low + width * (1 + node) / 2
        z = part.start + t
        mass = outer * weight * context.exp(-t * (part.start + t / 2))
        if part.is_zero:
            _add(totals["sparsity"], mass)
            continue
        square = mass * part.phi(z) ** 2
        z2 = z * z
        _add(totals["second_moment"], square)
        _add(totals["d_second_moment"], square * (z2 - 1))
        _add(totals["d2_second_moment"], square * (z2 * (z2 - 6) + 3))
        _add(totals["slope_moment"], mass * part.slope(z) ** 2)
    return {name: ReferenceValue(*pair) for name, pair in totals.items()}


def _sum(left: ReferenceValue, right: ReferenceValue) -> ReferenceValue:
    return ReferenceValue(left.value + right.value, left.scale + right.scale)


def _level(dps: int) -> int:
    """The number that mpmath gives a rule: 48 points up to 130 digits, 96 up to 280, 192 beyond."""
    return 5 if dps <= 130 else 6 if dps <= 280 else 7


@lru_cache(maxsize=8)
def _unit_rule(dps: int, level: int) -> list[tuple[Any, Any]]:
    """Gauss-Legendre nodes and weights on (-1, 1), 3 * 2^(level - 1) points, accurate to `dps` digits."""
    context = mpmath.MPContext()
    context.dps = dps + 5
    nodes: list[tuple[Any, Any]] = mpmath.calculus.quadrature.GaussLegendre(context).calc_nodes(level, context.prec)
    return nodes


def _add(total: list[Any], term: Any) -> None:
    total[0] += term
    total[1] += abs(term)
