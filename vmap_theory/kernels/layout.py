"""What a set of functionals needs to be computed once: points, densities, tails, intervals, coefficients.

A `Layout` is made once per activation (and per set of derivatives); `evaluation` runs it on arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from ..activations.program import Program
from .functionals import Ends, Functional
from .plan import UNIT, factored

_LEAST_ORDINARY = 1e-30
"""Numbers down to this, and up to its inverse, may stand without the power of sqrt(q) that belongs to them."""

Slot = int | float
"""A number, or the place of an array: from 0 among the plain coefficients, from -1 down among the delicate ones."""


@dataclass(frozen=True)
class Coefficient:
    """A coefficient and its absolute value, and both times the functional's power of UNIT where that cancels a part."""

    value: Slot
    size: Slot
    scaled_value: Slot | None
    scaled_size: Slot | None


@dataclass(frozen=True)
class Term:
    """A coefficient of t^k, and the same of (t/width)^k where the part has that form too."""

    k: int
    absolute: Coefficient
    relative: Coefficient | None


@dataclass(frozen=True)
class Part:
    """A half-line part.

    Attributes
    ----------
    start, stop : int or None
        Places among the points; None for 0 and for infinity.
    width : int or None
        Place among the widths; None if infinite.
    highest : int
        Highest order of the moments that are wanted.
    relative : bool
        Whether the polynomial is taken in t/width where the part is narrower than sqrt(q).
    """

    start: int | None
    stop: int | None
    width: int | None
    highest: int
    relative: bool


@dataclass(frozen=True)
class Sum:
    """One functional: terms on parts and at points, and its power of the unit sqrt(q)."""

    parts: tuple[tuple[int, tuple[Term, ...]], ...]
    points: tuple[tuple[int, tuple[tuple[int, Coefficient], ...]], ...]
    power: int


@dataclass(frozen=True)
class Layout:
    """Everything in the order in which it is computed.

    Attributes
    ----------
    densities : tuple of bool
        For every break point other than 0: whether a part starts there or a term stands there.
    parts, sums : tuple
        What to integrate, and how the functionals are made of it.
    places : Program
        The break points, then the widths of the parts, in double-double.
    coefficients, delicate : Program
        Coefficients in plain arithmetic and in double-double.
    """

    densities: tuple[bool, ...]
    parts: tuple[Part, ...]
    sums: tuple[Sum, ...]
    places: Program
    coefficients: Program
    delicate: Program


@lru_cache(maxsize=1024)
def layout_for(functionals: tuple[Functional, ...]) -> Layout:
    """Lay out the sums of some functionals."""
    return _Maker(functionals).layout()


class _Maker:
    def __init__(self, functionals: Sequence[Functional]) -> None:
        self._functionals = functionals
        self._places: dict[sp.Expr, int] = {}
        self._densities: list[bool] = []
        self._widths: list[sp.Expr] = []
        self._parts: dict[Ends, int] = {}
        self._made: list[Part] = []
        self._plain: dict[sp.Expr, int] = {}
        self._delicate: dict[sp.Expr, int] = {}

    def layout(self) -> Layout:
        highest: dict[Ends, int] = {}
        for functional in self._functionals:
            for ends, coefficients in functional.parts:
                highest[ends] = max(highest.get(ends, 0), len(coefficients) - 1)
        for ends, order in highest.items():
            self._add_part(ends, order)
        for functional in self._functionals:
            for at, _ in functional.points:
                self._point(at, True)
        sums = [self._sum(functional) for functional in self._functionals]
        return Layout(
            densities=tuple(self._densities),
            parts=tuple(self._made),
            sums=tuple(sums),
            places=Program([*self._places, *self._widths]),
            coefficients=Program(list(self._plain)),
            delicate=Program(list(self._delicate)),
        )

    def _point(self, at: sp.Expr, density: bool) -> int | None:
        if at == 0:
            return None
        if at not in self._places:
            self._places[at] = len(self._places)
            self._densities.append(False)
        place = self._places[at]
        self._densities[place] |= density
        return place

    def _add_part(self, ends: Ends, highest: int) -> None:
        start, stop = ends
        self._parts[ends] = len(self._made)
        if stop == sp.oo:
            self._made.append(Part(self._point(start, True), None, None, highest, False))
            return
        width = factored(stop - start)
        self._widths.append(width)
        begin = self._point(start, True)
        end = self._point(stop, False)
        self._made.append(Part(begin, end, len(self._widths) - 1, highest, width.has(UNIT)))

    def _sum(self, functional: Functional) -> Sum:
        functional = _with_power_outside(functional)
        power = functional.power
        parts = []
        for ends, coefficients in functional.parts:
            place = self._parts[ends]
            width = factored(ends[1] - ends[0]) if self._made[place].relative else None
            terms = (
                Term(
                    k,
                    self._coefficient(c, power),
                    None if width is None else self._coefficient(factored(c * width**k), power),
                )
                for k, c in enumerate(coefficients)
                if c != 0
            )
            parts.append((place, tuple(terms)))
        points = []
        for at, weights in functional.points:
            place = self._places[at]
            # Powers of s are gone: it is 1 in its own unit.
            points.append((place, tuple((k, self._coefficient(c, power)) for (k, _), c in weights)))
        return Sum(tuple(parts), tuple(points), functional.power)

    def _coefficient(self, exact: sp.Expr, power: int) -> Coefficient:
        """UNIT^n in a coefficient and UNIT^power behind it cancel before either over- or underflows."""
        value, size = self._both(exact)
        if _unit_power(exact) * power >= 0:
            return Coefficient(value, size, None, None)
        return Coefficient(value, size, *self._both(factored(exact * UNIT**power)))

    def _both(self, exact: sp.Expr) -> tuple[Slot, Slot]:
        value = self._slot(exact)
        return value, value if exact.is_nonnegative else self._slot(sp.Abs(exact))

    def _slot(self, coefficient: sp.Expr) -> Slot:
        """Sums of terms of unlike or unknown sign may cancel, and are computed in double-double: delicate."""
        if not coefficient.free_symbols:
            return float(coefficient)
        if all(_same_sign(total) for total in coefficient.atoms(sp.Add)):
            return self._plain.setdefault(coefficient, len(self._plain))
        return -1 - self._delicate.setdefault(coefficient, len(self._delicate))


def _with_power_outside(functional: Functional) -> Functional:
    """Bring a power of UNIT that all coefficients share into the functional's own, if ordinary numbers remain.

    Monomials have E[phi^2] = c q^k, and V'' with q^k/q^2: so neither power over- or underflows by itself.
    """
    coefficients = [c for _, p in functional.parts for c in p if c != 0]
    coefficients += [c for _, weights in functional.points for _, c in weights]
    powers = {_unit_power(c) for c in coefficients}
    if len(powers) != 1 or powers == {0}:
        return functional
    (shared,) = powers
    rest = [factored(c / UNIT**shared) for c in coefficients]
    if not all(c.is_number and _LEAST_ORDINARY < abs(float(c)) < 1 / _LEAST_ORDINARY for c in rest):
        return functional
    factor = UNIT**-shared
    parts = tuple((ends, tuple(factored(c * factor) for c in p)) for ends, p in functional.parts)
    points = tuple((at, tuple((key, factored(c * factor)) for key, c in weights)) for at, weights in functional.points)
    return Functional(parts, points, functional.order, functional.power + shared)


def _unit_power(coefficient: sp.Expr) -> int:
    """The power of UNIT among the factors of a coefficient."""
    power = sp.sympify(coefficient.as_powers_dict()[UNIT])
    return int(power) if power.is_Integer else 0


def _same_sign(total: sp.Add) -> bool:
    signs = {1 if term.is_nonnegative else -1 if term.is_nonpositive else 0 for term in total.args}
    return len(signs) == 1 and 0 not in signs
