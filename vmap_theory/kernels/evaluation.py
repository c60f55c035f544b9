"""Run a layout on arrays: values with error bounds, or logarithms.

The unit of x is sqrt(q) (see `plan`): parameters that are lengths are divided by it, exactly but for the last rounding,
and q is 1 from then on.  So nothing under- or overflows before its time, and a joint scaling of sqrt(q) and all lengths
changes nothing but the factor q^(power/2) in the end.  A density exp(-u^2/2) is kept as the square of exp(-u^2/4), and
that factor is multiplied in between: d2E/dq2 at q = 1e-250 is a normal number though exp(-u^2/2) at u = 40 is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .double_double import DoubleDouble, double_double_algebra, half_square, square_root
from .intervals import interval_moments
from .layout import Coefficient, Layout, Part, Slot, Sum, Term
from .libraries import ArrayLibrary
from .plan import UNIT
from .tails import tail_moments

_ROOT = 1 / math.sqrt(2 * math.pi)

ROUNDINGS = 40
"""Bound of the relative error of every term, in units of epsilon.

Measured: moments of intervals at most 22 (order 2, just beyond the threshold of `intervals`), of tails at most 11, and
23 at order 32.  A density takes 4 (its exponent is known to twice the precision), coefficients, powers of q and sums
the rest; whole moments were seen off by up to 24."""


@dataclass(frozen=True)
class _Places:
    """Quantities at a break point: u = at/s, u^2/2 as rounded value and rest."""

    u: Any
    half_square: Any
    rest: Any


class Evaluation:
    """A layout on the arrays of one call.

    Parameters
    ----------
    layout : Layout
        What to compute.
    q : array
        Variances.
    values : mapping of str -> array
        Parameters, in the activation's own units.
    dimensions : mapping of str -> int
        The powers of sqrt(q) over which the layout wants parameters.
    unbounded : collection of str
        Parameters that may be infinite; they are cut where all tails are zero.
    library : ArrayLibrary
        Of all arrays.
    """

    def __init__(
        self,
        layout: Layout,
        q: Any,
        values: Mapping[str, Any],
        dimensions: Mapping[str, int],
        unbounded: frozenset[str],
        library: ArrayLibrary,
    ) -> None:
        self._layout, self._library = layout, library
        self._variance, self._root = q, library.sqrt(q)
        self._zero = 0 * self._root
        self._farthest = library.farthest
        self._halves: dict[int, tuple[Any, Any]] = {}
        exact = self._in_units(values, dimensions, unbounded)
        self._coefficients = layout.coefficients.run({name: value.hi for name, value in exact.items()}, library.algebra)
        algebra = double_double_algebra(library)
        self._delicate = [value.hi for value in layout.delicate.run(exact, algebra)]
        places = [self._bounded(place) for place in layout.places.run(exact, algebra)]
        self._points = [self._at(*point) for point in zip(places, layout.densities, strict=False)]
        self._widths = [place.hi for place in places[len(layout.densities) :]]
        self._moments = [self._moments_of(part) for part in layout.parts]

    def values(self) -> list[Any]:
        """The value of every functional."""
        return [self._value(total, sizes=False) for total in self._layout.sums]

    def bounds(self, values: Sequence[Any]) -> list[Any]:
        """A bound of the absolute error of every value."""
        limit = ROUNDINGS * self._library.epsilon
        found = []
        for total, value in zip(self._layout.sums, values, strict=True):
            size = value if _is_positive(total) else self._value(total, sizes=True)
            found.append(size * limit + (self._library.underflow if total.parts or total.points else 0.0))
        return found

    def ratios(self) -> list[Any]:
        """The first half of the functionals over the second half, as precise as if neither had underflown.

        Over 0 it is 0: as NaN it would spread to the derivatives of other results, which automatic differentiation
        multiplies by the weights 0 that they have there.
        """
        half = len(self._layout.sums) // 2
        found = []
        for over, under in zip(self._layout.sums[:half], self._layout.sums[half:], strict=True):
            terms = self._terms(under)
            nearest = self._nearest(terms)
            divisor = self._relative_to(nearest, terms)
            vanishes = divisor == 0
            ratio = self._relative_to(nearest, self._terms(over)) / self._library.where(vanishes, 1.0, divisor)
            ratio = self._library.where(vanishes, 0.0, ratio)
            scale = self._scale(over.power - under.power)
            found.append(ratio if scale is None else ratio * scale)
        return found

    def logarithms(self) -> list[tuple[Any, Any]]:
        """The logarithm of the absolute value, and the sign, of every functional."""
        return [self._logarithm(total) for total in self._layout.sums]

    def _in_units(
        self, values: Mapping[str, Any], dimensions: Mapping[str, int], unbounded: frozenset[str]
    ) -> dict[str, DoubleDouble]:
        """All symbols of the layout: parameters over powers of sqrt(q), and sqrt(q) itself.

        First a power of two near sqrt(q) is taken out, which rounds nothing, so that q is in [1, 4) in the divisions.
        """
        library = self._library
        unit = library.power_of_two(self._root)
        inverse = 1 / unit
        root = square_root((self._variance * inverse) * inverse, self._root * inverse, library)
        exact = {UNIT.name: DoubleDouble(root.hi * unit, root.lo * unit, library)}
        for name, value in values.items():
            dimension = dimensions.get(name, 0)
            for _ in range(abs(dimension)):
                value = value * (inverse if dimension > 0 else unit)
            if name in unbounded or dimension:
                value = library.at_most(value, self._farthest**3 if name in unbounded else library.largest / 4)
            ratio = DoubleDouble(value, 0.0, library)
            for _ in range(abs(dimension)):
                ratio = ratio / root if dimension > 0 else ratio * root
            exact[name] = ratio
        return exact

    def _bounded(self, place: DoubleDouble) -> DoubleDouble:
        """A point or a width, cut where all tails are zero."""
        library = self._library
        near = place.hi + self._zero < self._farthest
        if library.surely(near):
            return place
        lo = 0.0 if isinstance(place.lo, float) else library.where(near, place.lo, 0.0)
        return DoubleDouble(library.at_most(place.hi + self._zero, self._farthest), lo, library)

    def _at(self, u: DoubleDouble, has_density: bool) -> _Places:
        return _Places(u.hi, *(half_square(u) if has_density else (None, None)))

    def _moments_of(self, part: Part) -> list[Any]:
        """Its scaled moments, over min(width, 1)^k if it is relative."""
        start = self._points[part.start].u if part.start is not None else 0.0
        if part.width is None:
            return tail_moments(start, part.highest, self._library)
        assert part.stop is not None  # noqa: S101
        stop, width = self._points[part.stop].u, self._widths[part.width]
        return interval_moments(start, stop, width, part.highest, self._library, relative=part.relative)

    def _slot(self, slot: Slot) -> Any:
        if isinstance(slot, float):
            return slot
        return self._coefficients[slot] if slot >= 0 else self._delicate[-1 - slot]

    def _terms(self, total: Sum, *, sizes: bool = False, scale: Any = None) -> list[tuple[int | None, Any]]:
        """(point whose density multiplies the term, term), times q^(power/2) if given; None for 0, with density 1."""
        terms: list[tuple[int | None, Any]] = []
        for place, coefficients in total.parts:
            moments = self._moments[place]
            inside = [
                _product(self._either(place, term, sizes=sizes, scale=scale), moments[term.k]) for term in coefficients
            ]
            terms.append((self._layout.parts[place].start, _total(inside)))
        for place, weights in total.points:
            u = self._points[place].u
            inside = [
                _product(self._coefficient(coefficient, sizes=sizes, scale=scale), _integer_power(u, k) * _ROOT)
                for k, coefficient in weights
            ]
            terms.append((place, _total(inside)))
        return terms

    def _either(self, place: int, term: Term, *, sizes: bool, scale: Any) -> Any:
        """The coefficient, times width^k where that belongs to the moments."""
        absolute = self._coefficient(term.absolute, sizes=sizes, scale=scale)
        if term.relative is None:
            return absolute
        width = self._layout.parts[place].width
        assert width is not None  # noqa: S101 (infinite parts are not relative)
        relative = self._coefficient(term.relative, sizes=sizes, scale=scale)
        return self._library.where(self._widths[width] <= 1, relative, absolute)

    def _coefficient(self, coefficient: Coefficient, *, sizes: bool, scale: Any) -> Any:
        scaled = coefficient.scaled_size if sizes else coefficient.scaled_value
        if scale is not None and scaled is not None:
            return self._slot(scaled)
        plain = self._slot(coefficient.size if sizes else coefficient.value)
        return plain if scale is None else _product(plain, scale)

    def _value(self, total: Sum, *, sizes: bool) -> Any:
        scale = self._scale(total.power)
        result = None
        depends_on_q = scale is not None
        for place, term in self._terms(total, sizes=sizes, scale=scale):
            weighted = term
            if place is not None:
                depends_on_q = True
                half, vanishes = self._half_density(place)
                if vanishes is not None:  # far out a term may be infinite, and counts for nothing
                    weighted = self._library.where(vanishes, 0.0, weighted)
                weighted = weighted * half * half
            result = weighted if result is None else result + weighted
        if result is None:
            return self._zero
        return result if depends_on_q else result + self._zero

    def _scale(self, power: int) -> Any:
        """q^(power/2), None for 1."""
        if not power:
            return None
        factors = [self._root] * (power % 2) + [self._variance] * (abs(power) // 2)
        scale = factors[0]
        for factor in factors[1:]:
            scale = scale * factor
        return scale if power > 0 else self._library.at_most(1 / scale, self._library.largest)

    def _half_density(self, place: int) -> tuple[Any, Any]:
        """exp(-u^2/4), and where it is 0 (None if nowhere); the rest of the exponent is so small that exp is linear."""
        if place not in self._halves:
            point = self._points[place]
            half = self._library.exp(-0.5 * point.half_square)
            half = half - half * (0.5 * point.rest)
            self._halves[place] = half, None if self._library.surely(half > 0) else half == 0
        return self._halves[place]

    def _logarithm(self, total: Sum) -> tuple[Any, Any]:
        """Densities are taken relative to the largest, whose logarithm -u^2/2 is added in the end."""
        library = self._library
        terms = self._terms(total)
        nearest = self._nearest(terms)
        result = self._relative_to(nearest, terms)
        result = library.where(nearest.u < self._farthest, result, 0.0)  # farther out, or at infinity: nothing
        size = library.absolute(result)
        far = library.log(size) + 0.5 * total.power * library.log(self._variance)
        far = (far - nearest.rest) - nearest.half_square
        # In the range of the type the logarithm of the value itself is better: nothing large cancels in it.
        value = library.absolute(self._value(total, sizes=False))
        in_range = (value > library.tiny / library.epsilon) & (value < library.largest)
        logarithm = library.where(in_range, library.log(library.where(in_range, value, 1.0)), far)
        return logarithm, library.where(result > 0, 1.0, library.where(result < 0, -1.0, 0 * result))

    def _nearest(self, terms: Sequence[tuple[int | None, Any]]) -> _Places:
        """The point nearest zero with a term that is not 0 (0 itself for terms without a density)."""
        library, zero = self._library, self._zero
        nearest = _Places(zero + library.farthest, zero + library.farthest**2, zero)
        for place, term in terms:
            point = _Places(zero, zero, zero) if place is None else self._points[place]
            nearer = (term != 0) & (point.half_square < nearest.half_square)
            pairs = zip(vars(point).values(), vars(nearest).values(), strict=True)
            nearest = _Places(*(library.where(nearer, a, b) for a, b in pairs))
        return nearest

    def _relative_to(self, nearest: _Places, terms: Sequence[tuple[int | None, Any]]) -> Any:
        """The sum of terms with their densities, over the density at a point."""
        result = self._zero
        for place, term in terms:
            point = _Places(self._zero, self._zero, self._zero) if place is None else self._points[place]
            exponent = (nearest.half_square - point.half_square) + (nearest.rest - point.rest)
            weight = self._library.exp(exponent)
            counts = (weight > 0) & (term != 0)  # one may be infinite where the other is 0
            result = result + self._library.where(counts, term * weight, 0.0)
        return result


def _is_positive(total: Sum) -> bool:
    """Whether all coefficients are their own absolute values, and so the value its own size."""
    terms = [term for _, some in total.parts for term in some]
    coefficients = [each for term in terms for each in (term.absolute, term.relative) if each is not None]
    coefficients += [each for _, weights in total.points for _, each in weights]
    return all(each.value == each.size for each in coefficients)


def _product(coefficient: Any, moment: Any) -> Any:
    return moment if isinstance(coefficient, float) and coefficient == 1.0 else coefficient * moment


def _total(terms: Sequence[Any]) -> Any:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def _integer_power(base: Any, exponent: int) -> Any:
    result = 1.0
    for _ in range(exponent):
        result = base if isinstance(result, float) else result * base
    return result
