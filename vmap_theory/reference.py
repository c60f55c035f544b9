r"""High-precision Gaussian expectations straight from the pieces: the independent judge.

Nothing here knows of erfc, of truncated moments or of kink terms.  Every quantity is an integral of phi^2, phi'^2 or
an indicator against a Gaussian weight, and derivatives in q fall on the *weight*, never on phi:

.. math:: \frac{d}{dq} E[f] = \frac{E[f\,(z^2 - 1)]}{2q}, \qquad
          \frac{d^2}{dq^2} E[f] = \frac{E[f\,(z^4 - 6 z^2 + 3)]}{4 q^2}, \qquad z = x / \sqrt q .

The line is split at 0 and at the breaks.  On each part ``a <= z <= b`` (mirrored to the right of 0) the factor
exp(-a^2/2) is taken out and ``exp(-a t - t^2/2)`` is integrated over t by composite Gauss-Legendre rules in mpmath;
the number of panels doubles until all results agree to the *relative* tolerance asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp

from .activations.base import Activation
from .activations.partition import X
from .errors import PrecisionError

_GUARD_DIGITS = 25
_CANCELLED_DIGITS = 18
"""A value below 10**-18 of its scale counts as zero; the guard digits keep everything above that accurate."""
_DOUBLINGS = 6
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
        With a number for every parameter.
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
        Two rules still differ by more than the tolerance after several doublings.
    """
    act.require_numbers("a reference integral")
    context = mpmath.MPContext()
    context.dps = digits + _GUARD_DIGITS
    tolerance = context.mpf(10) ** -(digits + 3)
    parts = _half_line_parts(act, q, context)
    panels = _first_panels(context.dps)
    previous = _integrate(parts, q, context, panels)
    for _ in range(_DOUBLINGS):
        panels *= 2
        current = _integrate(parts, q, context, panels)
        if all(_agree(current[name], previous[name], tolerance) for name in current):
            if _has_jump(act, context):
                current["slope_moment"] = ReferenceValue(context.inf, context.inf)
            return current
        previous = current
    raise PrecisionError(
        f"the reference integrals of {act.label} at q = {q} did not settle to {digits} digits: ask for fewer digits."
    )


@dataclass(frozen=True)
class _Part:
    """phi on ``start <= z <= start + length`` (mirrored if need be), coefficients in powers of z, highest first."""

    start: Any
    length: Any
    phi: list[Any]
    slope: list[Any]
    is_zero: bool


def _half_line_parts(act: Activation, q: sp.Expr, context: Any) -> list[_Part]:
    root_q = _number(sp.sqrt(q), context)
    parts = []
    for piece in act.pieces:
        phi = [_number(c, context) for c in sp.Poly(piece.expression, X).all_coeffs()]
        degree = len(phi) - 1
        slope = [c * (degree - i) for i, c in enumerate(phi[:-1])] or [context.zero]
        low, high = (_number(end, context) / root_q for end in (piece.lower, piece.upper))
        for sign in (1, -1):
            start, stop = (low, high) if sign == 1 else (-high, -low)
            start, stop = max(start, context.zero), max(stop, context.zero)
            if start >= stop:
                continue
            # p(x) at x = sign * z * sqrt(q); the factor of phi' is squared in the end, so its outer sign is free.
            scaled_phi = [c * (sign * root_q) ** (degree - i) for i, c in enumerate(phi)]
            scaled_slope = [c * (sign * root_q) ** (len(slope) - 1 - i) for i, c in enumerate(slope)]
            # The exact width: of two nearby ends the difference would keep few digits.
            within = piece.lower.is_finite and piece.upper.is_finite and low * high >= 0
            length = _number(sp.expand(piece.upper - piece.lower), context) / root_q if within else stop - start
            parts.append(_Part(start, length, scaled_phi, scaled_slope, piece.expression == 0))
    return parts


def _has_jump(act: Activation, context: Any) -> bool:
    """Whether two neighbouring pieces differ where they meet, by value at the working precision."""
    for left, right in pairwise(act.pieces):
        at = _number(right.lower, context)
        values, sizes = [], []
        for piece in (left, right):
            coefficients = [_number(c, context) for c in sp.Poly(piece.expression, X).all_coeffs()]
            values.append(context.polyval(coefficients, at))
            sizes.append(context.polyval([abs(c) for c in coefficients], abs(at)))
        if abs(values[0] - values[1]) > context.mpf(10) ** (_GUARD_DIGITS // 2 - context.dps) * max(sizes):
            return True
    return False


def _integrate(parts: list[_Part], q: sp.Expr, context: Any, panels: int) -> dict[str, ReferenceValue]:
    totals = {name: [context.zero, context.zero] for name in _HALF_RANGE}
    exponent = _EXPONENT_MARGIN * context.log(10) * context.dps
    for part in parts:
        # exp(-a t - t^2/2) < 10^-dps beyond this t; the polynomial factor is covered by the guard digits and by
        # the margin on the exponent.
        cut = 2 * exponent / (part.start + context.sqrt(part.start**2 + 2 * exponent))
        length = min(part.length, cut)
        outer = context.exp(-(part.start**2) / 2) / context.sqrt(2 * context.pi)
        for t, weight in _rule(context, length, panels):
            z = part.start + t
            mass = outer * weight * context.exp(-t * (part.start + t / 2))
            if part.is_zero:
                _add(totals["sparsity"], mass)
                continue
            square = mass * context.polyval(part.phi, z) ** 2
            z2 = z * z
            _add(totals["second_moment"], square)
            _add(totals["d_second_moment"], square * (z2 - 1))
            _add(totals["d2_second_moment"], square * (z2 * (z2 - 6) + 3))
            _add(totals["slope_moment"], mass * context.polyval(part.slope, z) ** 2)
    q_number = _number(q, context)
    divisors = {"d_second_moment": 2 * q_number, "d2_second_moment": 4 * q_number**2}
    return {n: ReferenceValue(*(total / divisors.get(n, 1) for total in pair)) for n, pair in totals.items()}


def _rule(context: Any, length: Any, panels: int) -> list[tuple[Any, Any]]:
    """Nodes and weights of the composite rule on (0, length)."""
    step = length / panels
    unit = _unit_rule(context.dps, _level(context.dps))
    return [(step * (panel + (1 + node) / 2), weight * step / 2) for panel in range(panels) for node, weight in unit]


def _level(dps: int) -> int:
    """The number that mpmath gives a rule: 48 points up to 130 digits, 96 up to 280, 192 beyond."""
    return 5 if dps <= 130 else 6 if dps <= 280 else 7


def _first_panels(dps: int) -> int:
    """A third of the panels with which the rule is sure to reach `dps` digits; the doublings that follow check it.

    The n-point rule integrates exp(-alpha t) over (0, 1) to about (alpha/4)^(2n) / (2n)!; solved for alpha, this is the
    range of the exponent that one panel may span, of 1.5 dps log(10) in all.
    """
    doubled_nodes = 6 << (_level(dps) - 1)
    log10_factorial = math.lgamma(doubled_nodes + 1) / math.log(10)
    alpha = 4 * 10 ** ((log10_factorial - dps) / doubled_nodes)
    return max(2, math.ceil(_EXPONENT_MARGIN * dps * math.log(10) / alpha / 3))


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


def _agree(new: ReferenceValue, old: ReferenceValue, tolerance: Any) -> bool:
    return bool(abs(new.value - old.value) <= tolerance * new.yardstick)


def _number(exact: sp.Expr, context: Any) -> Any:
    if exact == sp.oo:
        return context.inf
    if exact == -sp.oo:
        return context.ninf
    if exact.is_Rational:
        return context.mpf(int(exact.p)) / int(exact.q)
    return context.make_mpf(exact.evalf(context.dps + 5, strict=True)._mpf_)
