r"""Gaussian moments of a piecewise polynomial on arrays, by Gauss-Legendre rules on integrals without cancellation.

Notation: s = sqrt(q), and on a half-line part of `kernels.plan` u = |x|/s = a + t with a = start/s, psi(t) = phi as a
polynomial in t, w = psi^2.  psi is measured in units of s too, so that nothing under- or overflows
before its time.  Scaling sqrt(q) instead of differentiating the density gives

.. math::
    E[\phi^2]       &= \int \psi^2 \\
    q\, dE/dq       &= \tfrac12 \int u\, w' + \tfrac12 \sum_{jumps} u\, [w]\, n(u) \\
    4 q^2\, d^2E/dq^2 &= \int u^2 w'' - u\, w'
                      + \sum_{kinks} s\, u^2 [w']\, n(u) + \sum_{jumps} u (u^2 - 3) [w]\, n(u) \\
    q\, E[\phi'^2]  &= \int \psi'^2

(all integrals over the parts with weight n(u)), the first, second and last are sums of non-negative terms for every
activation that grows away from zero, the clipped and thresholded families among them.  The textbook difference of
erfc and exp loses all digits for tau/s > 6; these forms lose none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy as sp
from scipy.special import ndtr

from ..activations import Activation
from ..activations.program import evaluate
from .plan import HalfLinePart, Plan, plan_for
from .result import MOMENT_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_CHUNK = 1024  # points at a time: 48 nodes x 1024 points x 8 bytes stay in a core's cache; 4096 took six times as long
_TINY = float(np.finfo(np.float64).tiny)  # what may be lost below the smallest normal number
_UNITS = (1e-140, 1e140)  # of phi: sqrt(q) within this range, so that squares of phi in units stay finite
_EPSILON = float(np.finfo(np.float64).eps)


def polynomial_moments(act: Activation, q: Array, values: dict[str, Array]) -> dict[str, Array]:
    """All moments and their error bounds, for one-dimensional arrays of one length."""
    out = {name + kind: np.empty(q.size) for name in MOMENT_NAMES for kind in ("", "_error")}
    plan = plan_for(act)
    for begin in range(0, q.size, _CHUNK):
        here = slice(begin, begin + _CHUNK)
        chunk = _moments_chunk(plan, q[here], {name: value[here] for name, value in values.items()})
        for name, value in chunk.items():
            out[name][here] = value
    return out


def _moments_chunk(plan: Plan, q: Array, values: dict[str, Array]) -> dict[str, Array]:
    totals = {name + kind: np.zeros(q.size) for name in MOMENT_NAMES for kind in ("", "_error")}
    s = np.sqrt(q)
    unit = np.clip(s, *_UNITS)
    scale = np.where(unit == s, q, unit * unit)  # unit^2, without a rounding where the unit is sqrt(q)
    for part in plan.parts:
        _add_part(totals, part, (q, s, scale), values)
    for step in plan.steps:
        u = _in_units(step.at, values, s)
        weight = evaluate(step.rise, values) / scale * (u * _density(u))
        _add(totals, "d_second_moment", weight / 2, np.abs(weight) / 2, u)
        _add(totals, "d2_second_moment", weight * (u * u - 3), np.abs(weight) * (u * u + 3), u)
    for kink in plan.kinks:
        u = _in_units(kink.at, values, s)
        weight = evaluate(kink.slope_change, values) * s / scale * (u * u * _density(u))
        _add(totals, "d2_second_moment", weight, np.abs(weight), u)
    totals["second_moment"] *= scale
    totals["second_moment_error"] *= scale
    totals["second_moment_error"][totals["second_moment_error"] > 0] += _TINY
    for name in ("d_second_moment", "slope_moment", "d2_second_moment"):
        for kind in (name, f"{name}_error"):
            totals[kind] *= scale / q
    for kind in ("d2_second_moment", "d2_second_moment_error"):
        totals[kind] /= 4 * q
    for jump in plan.jumps:
        totals["slope_moment"][np.broadcast_to(evaluate(jump, values), q.shape) != 0] = np.inf
    totals["slope_moment_error"][np.isinf(totals["slope_moment"])] = 0.0
    return totals


def _add_part(
    totals: dict[str, Array], part: HalfLinePart, units: tuple[Array, Array, Array], values: dict[str, Array]
) -> None:
    """Add the integrals over one part; `units` are q, sqrt(q) and the square of the unit of phi."""
    _, s, scale = units
    a = _in_units(part.start, values, s)
    width = np.full(s.shape, np.inf) if part.width.is_infinite else evaluate(part.width, values) / s
    degree = len(part.coefficients) - 1
    if degree <= 0 and part.width.is_infinite:  # a constant to infinity: the upper tail itself, accurate as it stands
        mass = ndtr(-a)
        level = [evaluate(c, values) / np.sqrt(scale) for c in part.coefficients]
        for value in level:
            _add(totals, "second_moment", value**2 * mass, value**2 * mass, a)
        _add_zeros(totals, level, mass, a)
        return
    if part.start.is_zero and part.width.is_infinite:
        _add_whole_half_line(totals, part, units, values)
        return
    t, mass = _nodes(a, width, degree)
    u = a + t
    psi = [evaluate(c, values) * (s**power / np.sqrt(scale)) for power, c in enumerate(part.coefficients)]
    _add_zeros(totals, psi, mass.sum(axis=0), a)
    if not psi:
        return
    square = _convolved(psi, psi)
    slope = [power * c for power, c in enumerate(psi)][1:]
    slope_square = _convolved(slope, slope)
    # u^2 w'' - u w' = u (a w'' + (t w'' - w')); the bracket's second term drops t^2, ReLU's square, exactly.
    square_2 = [k * (k - 1) * c for k, c in enumerate(square)][2:]
    bend_rest = [k * (k - 2) * c for k, c in enumerate(square)][1:]
    growth = [k * c / 2 for k, c in enumerate(square)][1:]
    _add(totals, "second_moment", *_integral(mass, square, t, 1.0), a)
    _add(totals, "slope_moment", *_integral(mass, slope_square, t, 1.0), a)
    _add(totals, "d_second_moment", *_integral(mass, growth, t, u), a)
    _add(totals, "d2_second_moment", *_integral(mass, square_2, t, a * u), a)
    _add(totals, "d2_second_moment", *_integral(mass, bend_rest, t, u), a)


def _add_whole_half_line(
    totals: dict[str, Array], part: HalfLinePart, units: tuple[Array, Array, Array], values: dict[str, Array]
) -> None:
    """A polynomial on all of (0, oo): exact half moments, so that (leaky) ReLU and the identity come out exact."""
    q, s, scale = units
    psi = [evaluate(c, values) for c in part.coefficients]
    _add_zeros(totals, psi, np.full(s.shape, 0.5), 0.0)
    for i, left in enumerate(psi):
        for j, right in enumerate(psi):
            k = i + j
            power = (s if k % 2 else 1.0) * (q ** (k // 2) / scale)  # even powers of sqrt(q) without a rounding
            product = left * right * power
            term = product * _half_moment(k)
            size = np.abs(term)
            # psi psi u d/du and its companion act on t^k, the product of t^i and t^j, as multiplication by numbers
            _add(totals, "second_moment", term, size, 0.0)
            _add(totals, "d_second_moment", term * (k / 2), size * (k / 2), 0.0)
            _add(totals, "d2_second_moment", term * k * (k - 2), size * k * abs(k - 2), 0.0)
            if i and j:
                slope = product * (i * j * _half_moment(k - 2))
                _add(totals, "slope_moment", slope, np.abs(slope), 0.0)


def _add_zeros(totals: dict[str, Array], psi: Sequence[Array], mass: Array, a: Array | float) -> None:
    """Count a part's mass as zeros of phi: always if it has no coefficients, else where all of them vanish.

    Coefficients vanish for single values among the parameters given, such as a slope of 0.
    """
    vanishes = np.all([np.broadcast_to(c, mass.shape) == 0 for c in psi], axis=0)
    if vanishes.any():
        there = np.where(vanishes, mass, 0.0)
        _add(totals, "sparsity", there, there, a)


def _half_moment(k: int) -> float:
    """The integral of t^k n(t) over (0, oo): (k - 1)!! / 2 for even k, (k - 1)!! / sqrt(2 pi) for odd."""
    return math.prod(range(k - 1, 0, -2)) / (math.sqrt(2 * math.pi) if k % 2 else 2.0)


def _nodes(a: Array, width: Array, degree: int) -> tuple[Array, Array]:
    """Nodes t and weights (node first, point second) of the integral of n(a + t) over 0 < t < width.

    Beyond t = cut, a t + t^2/2 > exponent, and what is left out is below e^-exponent times a power of t that the
    second term of the exponent covers: the largest integrand has degree 2 degree + 2.  48 nodes then leave an error
    of the order of rounding up to degree 16, the highest: the integrand is a bump no narrower than 1/24 of the
    interval (measured at degrees 1, 8, 16 and thresholds 0, 1, 6: below 1.2e-15).
    """
    exponent = 40.0 + 3.0 * (2 * max(degree, 0) + 2)
    unit, weights = _unit_rule()
    cut = 2 * exponent / (a + np.sqrt(a * a + 2 * exponent))
    length = np.minimum(width, cut)
    t = unit[:, None] * length
    mass = (weights[:, None] * (length * _density(a))) * np.exp(-t * (a + t / 2))
    return t, mass


@lru_cache(maxsize=1)
def _unit_rule() -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on (0, 1), 48 of them, each correctly rounded.

    NumPy's leggauss loses two digits in the nodes and weights near the end points, where all the mass lies in a sparse
    tail; hence mpmath at 30 digits first, rounding last.
    """
    context = mpmath.MPContext()
    context.dps = 30
    level = 5  # mpmath numbers its rules by 3 * 2^(level - 1) nodes
    pairs = mpmath.calculus.quadrature.GaussLegendre(context).calc_nodes(level, context.prec)
    nodes, weights = np.array([(float((1 + x) / 2), float(w / 2)) for x, w in pairs]).T
    return nodes, weights


def _convolved(left: Sequence[Array], right: Sequence[Array]) -> list[Array]:
    """Coefficients of a product of polynomials."""
    result: list[Any] = [0.0] * max(len(left) + len(right) - 1, 0)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            result[i + j] = result[i + j] + a * b
    return result


def _integral(mass: Array, coefficients: Sequence[Array], t: Array, factor: Array | float) -> tuple[Array, Array]:
    """Integral of factor times a polynomial in t over the nodes, and that of the sizes of its terms."""
    total, size = np.zeros_like(t), np.zeros_like(t)
    mixed = not all(np.all(c >= 0) for c in coefficients)
    for coefficient in reversed(coefficients):
        total = total * t + coefficient
        if mixed:
            size = size * t + np.abs(coefficient)
    weight = mass * factor
    value = np.einsum("ij,ij->j", weight, total)
    return value, np.einsum("ij,ij->j", weight, size) if mixed else value


def _in_units(at: sp.Expr, values: dict[str, Array], s: Array) -> Array:
    """A point in units of sqrt(q); beyond 1e100, where every density is zero, its square would overflow."""
    units: Array = np.minimum(evaluate(at, values) / s, 1e100)
    return units


def _density(u: Array) -> Array:
    density: Array = np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
    return density


def _add(totals: dict[str, Array], name: str, term: Array, size: Array, u: Array | float) -> None:
    """Add a term that carries the factor exp(-u^2/2) and its error bound.

    The bound: u is known to 2 rounding errors (square root, division) and its square takes 2 more, which the
    exponential turns into u^2 (1 + 1/2 + 1/2) relative; polynomials, weights, exponentials of exponents up to 60 and
    the sums add less than 40 roundings in all (observed: below 20).
    """
    totals[name] += term
    totals[f"{name}_error"] += size * _EPSILON * (40 + 2 * u * u) + _TINY
