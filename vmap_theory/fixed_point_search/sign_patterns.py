r"""Signs of the excess of phi^2, which bound the number of fixed points.

V(q) - q is the expectation of psi(sqrt(q) |Z|) with

.. math:: \psi(x) = \tfrac12 \sigma_w^2 \big(\phi(x)^2 + \phi(-x)^2\big) + \sigma_b^2 - x^2, \qquad x > 0 ,

up to the factor sqrt(q) a Laplace transform in s = 1/q.  By Descartes' rule for Laplace transforms (the proof stands in
docs/fixed_points.md) V(q) - q has at most as many zeros on (0, oo), counted with multiplicity, as psi has changes of
sign; and it is zero throughout only if psi is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from ..activations import Activation
from ..activations.features import features
from ..activations.program import FLOATS, compiled
from ..activations.symbols import X
from ..kernels.plan import UNIT, Plan, plan_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .map_array import MapArray

    Array = NDArray[np.float64]
    Signs = NDArray[np.int8]

_DIGITS = 80
_NEGLIGIBLE = sp.Rational(1, 10**60)
_CERTAIN = 1e-13  # relative to the terms of a coefficient: rounding is far below
_MARGIN = 1 + 1e-6
_SMALLEST = 1e-140  # of lengths: squares stay inside float64
_INSIDE = 1e-12  # rounding of the places to floats
_MOST_TURNS, _A_DECADE, _SETTLED = 40, 100, 10  # turns in so many samples
_AROUND, _FARTHEST = 10.0, 1e100
_SAMPLED = (1e-100, _FARTHEST, 20_001)  # a hundred a decade, over all units that anybody may measure in


@dataclass(frozen=True)
class EndSigns:
    """Signs of psi near 0 and far out, arrays with an element for each map; sign 0 where they are not known.

    Attributes
    ----------
    first, last : array of int
        The sign on (0, begin), and on (end, oo).
    begin, end : array
        Between them psi may change its sign.
    is_uniform : array of bool
        Where samples, which prove nothing, show one sign throughout: then it is taken for the sign of V(q) - q outside
        of (begin^2, end^2), around the lengths that are marked in phi.
    reach : float
        The largest q at which the moments should be asked for.
    """

    first: Signs
    last: Signs
    begin: Array
    end: Array
    is_uniform: NDArray[np.bool_]
    reach: float = math.inf

    def at(self, chosen: Any) -> EndSigns:
        """Those of some maps."""
        signs, ends = (self.first[chosen], self.last[chosen]), (self.begin[chosen], self.end[chosen])
        return EndSigns(*signs, *ends, self.is_uniform[chosen], self.reach)


@dataclass(frozen=True)
class SignPattern:
    """The signs of psi on (0, oo), exactly.

    Attributes
    ----------
    signs : tuple of int
        1 and -1 by turns; empty where psi is zero throughout.
    begin, end : float
        All changes lie between them; 1 where there are none.
    """

    signs: tuple[int, ...]
    begin: float
    end: float

    @property
    def changes(self) -> int:
        """How often the sign changes: the most fixed points that there can be, counted with multiplicity."""
        return max(len(self.signs) - 1, 0)


def sign_pattern(act: Activation, sigma_w2: sp.Rational, sigma_b2: sp.Rational) -> SignPattern:
    """Return the pattern for polynomial pieces with numbers for all parameters."""
    plan = plan_for(act)
    parts = [
        ([rational(_at_unit(end)) for end in (part.start, part.stop)], [_at_unit(c) for c in part.coefficients])
        for part in plan.parts
    ]
    cuts = sorted({end for ends, _ in parts for end in ends if end != sp.oo})
    signs: list[int] = []
    changes: list[tuple[float, float]] = []
    for low, high in zip(cuts, [*cuts[1:], sp.oo], strict=True):
        here = [(ends[0], coefficients) for ends, coefficients in parts if ends[0] <= low and ends[1] >= high]
        for sign, places in signs_on(_psi(here, sigma_w2, sigma_b2), low, high):
            if sign and (not signs or signs[-1] != sign):
                if signs:
                    changes.append((float(places[0]), float(places[1])))
                signs.append(sign)
    begin, end = min((low for low, _ in changes), default=1.0), max((high for _, high in changes), default=1.0)
    return SignPattern(tuple(signs), begin * (1 - _INSIDE), end * (1 + _INSIDE))


def _psi(parts: Sequence[tuple[sp.Rational, Sequence[sp.Expr]]], w: sp.Rational, b: sp.Rational) -> sp.Poly:
    """Psi as a polynomial in x with rational coefficients, those that cancel to 60 digits exactly zero."""
    total, sizes = sp.Poly(b - X**2, X, domain="QQ"), sp.Poly(b + X**2, X, domain="QQ")
    for start, coefficients in parts:
        t, size_of_t = sp.Poly(X - start, X, domain="QQ"), sp.Poly(X + start, X, domain="QQ")
        value, size = sp.Poly(0, X, domain="QQ"), sp.Poly(0, X, domain="QQ")
        for power, coefficient in enumerate(coefficients):
            number = rational(coefficient)
            value, size = value + t**power * number, size + size_of_t**power * abs(number)
        total, sizes = total + value**2 * (w / 2), sizes + size**2 * (w / 2)
    if total.is_zero:
        return total
    kept = [
        c if abs(c) > _NEGLIGIBLE * sizes.coeff_monomial(X**power) else 0
        for power, c in ((power, total.coeff_monomial(X**power)) for power in range(total.degree(), -1, -1))
    ]
    return sp.Poly(kept, X, domain="QQ")


def signs_on(psi: sp.Poly, low: sp.Rational, high: sp.Expr) -> list[tuple[int, tuple[sp.Rational, sp.Rational]]]:
    """(sign, between which points it begins) on the parts of (low, high) between zeros of odd multiplicity."""
    if psi.is_zero:
        return [(0, (low, low))]
    for end in (low, high):  # zeros at the ends are no changes inside
        while end != sp.oo and psi.eval(end) == 0:
            psi = psi.quo(sp.Poly(X - end, X, domain="QQ")) * (1 if end == low else -1)
    sign = 1 if psi.eval(low) > 0 else -1
    out = [(sign, (low, low))]
    for (left, right), multiplicity in psi.intervals(inf=low, sup=None if high == sp.oo else high):
        if multiplicity % 2:
            while right > 2 * left:
                left, right = psi.sqf_part().refine_root(left, right, eps=(right - left) / 8)
            sign = -sign
            out.append((sign, (left, right)))
    return out


@lru_cache(maxsize=4096)
def rational(number: sp.Expr) -> sp.Expr:
    """An exact number, or its first 80 digits; oo as it is."""
    if number.is_Rational or number == sp.oo:
        return number
    return sp.Rational(str(number.evalf(_DIGITS, maxn=10 * _DIGITS, strict=True)))


def _at_unit(expression: sp.Expr) -> sp.Expr:
    return expression.subs(UNIT, 1)


def end_signs(maps: MapArray) -> EndSigns:
    """Return the signs near 0 and far out, in float64; for other than polynomial pieces as far as samples show them."""
    if maps.act.is_polynomial:
        plan = plan_for(maps.act)
        inner = [(part.start, part.stop, part.coefficients) for part in plan.parts if part.start == 0]
        outer = [(part.start, part.stop, part.coefficients) for part in plan.parts if part.stop == sp.oo]
        first, begin = _near_zero(maps, inner)
        last, end = _far_out(maps, outer, plan)
        return EndSigns(first, last, begin, end, np.zeros(first.size, dtype=bool))
    return _sampled(maps)


_Part = tuple[sp.Expr, sp.Expr, Sequence[sp.Expr]]


def _near_zero(maps: MapArray, parts: Sequence[_Part]) -> tuple[Signs, Array]:
    """The sign of the lowest power with a coefficient, and half of the least zero that it can have by Fujiwara."""
    total, sizes = _coefficients(maps, parts)
    lowest, sign, ratio = _leading(total, sizes, range(len(total)))
    begin = 0.5 / np.where(ratio > 0, ratio, _SMALLEST)
    for _, stop, _ in parts:
        begin = np.minimum(begin, _numbers(maps, [stop])[0])
    return sign, np.where(lowest, begin / _MARGIN, np.nan)


def _far_out(maps: MapArray, parts: Sequence[_Part], plan: Plan) -> tuple[Signs, Array]:
    total, sizes = _coefficients(maps, parts)
    highest, sign, ratio = _leading(total, sizes, range(len(total) - 1, -1, -1))
    end = 2 * ratio
    for start in {part.start for part in plan.parts}:
        end = np.maximum(end, _numbers(maps, [start])[0])
    return sign, np.where(highest, np.maximum(end, _SMALLEST) * _MARGIN, np.nan)


def _coefficients(maps: MapArray, parts: Sequence[_Part]) -> tuple[Array, Array]:
    """Coefficients of psi in x, lowest power first, and the sizes of their terms."""
    powers = max([3, *(2 * len(coefficients) - 1 for _, _, coefficients in parts)])
    total, sizes = np.zeros((2, powers, maps.sigma_w2.size))
    for start, _, coefficients in parts:
        in_x = sp.Poly(sum((c * (X - start) ** k for k, c in enumerate(coefficients)), sp.Integer(0)), X)
        phi = _numbers(maps, in_x.all_coeffs()[::-1])
        for j, left in enumerate(phi):
            for k, right in enumerate(phi):
                total[j + k] += maps.sigma_w2 / 2 * left * right
                sizes[j + k] += maps.sigma_w2 / 2 * np.abs(left * right)
    for power, value in ((0, maps.sigma_b2), (2, -1.0)):
        total[power] += value
        sizes[power] += np.abs(value)
    return total, sizes


def _leading(total: Array, sizes: Array, order: range) -> tuple[NDArray[np.bool_], Signs, Array]:
    """The first coefficient in an order that is not zero: whether there is one, its certain sign, Fujiwara's ratio.

    The ratio is the largest |c_j / c_lead|^(1/|j - lead|): twice it bounds the zeros of a polynomial.
    """
    count = total.shape[1]
    lead, sign = np.full(count, -1), np.zeros(count, dtype=np.int8)
    for power in order:
        here = (lead < 0) & (total[power] != 0)
        lead[here] = power
        certain = np.abs(total[power]) > _CERTAIN * sizes[power]
        sign[here] = np.where(certain, np.sign(total[power]), 0)[here]
    ratio = np.zeros(count)
    columns = np.arange(count)
    with np.errstate(all="ignore"):
        for power in range(len(total)):
            distance = np.abs(power - lead)
            size = np.abs(total[power] / total[lead, columns]) ** (1 / np.maximum(distance, 1))
            ratio = np.where(distance > 0, np.fmax(ratio, size), ratio)
    return lead >= 0, sign, ratio


def _numbers(maps: MapArray, expressions: Sequence[sp.Expr]) -> list[Array]:
    found = compiled(*(_at_unit(sp.sympify(e)) for e in expressions)).run(maps.parameters, FLOATS)
    return [np.broadcast_to(np.asarray(value, dtype=np.float64), maps.sigma_w2.shape) for value in found]


def _sampled(maps: MapArray) -> EndSigns:
    """Signs of psi at many points, and beyond the outermost as there: not a proof."""
    (x, half_square, reach), lengths = samples(maps.act), _lengths(maps.act)
    first, last = np.zeros((2, maps.sigma_w2.size), dtype=np.int8)
    begin, end = np.full((2, maps.sigma_w2.size), np.nan)
    is_uniform = np.zeros(first.size, dtype=bool)
    for index, (weight, bias) in enumerate(zip(maps.sigma_w2, maps.sigma_b2, strict=True)):
        with np.errstate(all="ignore"):
            psi, size = weight * half_square + bias - x * x, weight * half_square + bias + x * x
        certain = np.flatnonzero(~(np.abs(psi) <= _CERTAIN * size))  # overflow counts as far above
        if not certain.size:
            continue
        signs, places = np.where(psi[certain] < 0, -1, 1).astype(np.int8), x[certain]
        changes = np.flatnonzero(np.diff(signs))
        ends = (places[changes[0]], places[changes[-1] + 1]) if changes.size else lengths
        # What samples do not see lies near the lengths that are marked in phi: they are always searched.
        begin[index], end[index] = min(ends[0], lengths[0]), max(ends[1], lengths[1])
        is_uniform[index] = not changes.size
        # A sign that still changes near the last sample says nothing of what follows.
        first[index], last[index] = signs[0], signs[-1] if end[index] < x[-1] / _SETTLED else 0
    return EndSigns(first, last, begin, end, is_uniform, reach)


def _lengths(act: Activation) -> tuple[float, float]:
    """The smallest and the largest length that is marked in phi: break points, and where functions inside it turn."""
    marks = [point.at for point in act.breaks]
    if act.function is None:
        marks += [at for piece in act.pieces for at in features(piece.expression)]
    found = [abs(float(at)) for at in marks if at != 0 and abs(float(at)) < _FARTHEST] or [1.0]
    return min(found) / _AROUND, max(found) * _AROUND


@lru_cache(maxsize=64)
def samples(act: Activation) -> tuple[Array, Array, float]:
    """Points x > 0, (phi(x)^2 + phi(-x)^2)/2 there, and the q up to which phi turns slowly enough for quadrature."""
    x = np.geomspace(*_SAMPLED)
    with np.errstate(all="ignore"):
        half_square = (np.asarray(act(x)) ** 2 + np.asarray(act(-x)) ** 2) / 2
        rises = np.diff(half_square)
        rises[np.abs(rises) <= _CERTAIN * half_square[1:]] = 0
    turns = np.abs(np.diff(np.sign(rises))) > 1
    often = np.flatnonzero(np.convolve(turns, np.ones(_A_DECADE), mode="valid") > _MOST_TURNS)
    far = x[min(often[0] + _A_DECADE, x.size - 1)] if often.size else x[-1]
    return x, half_square, float(far) ** 2
