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

Slot = int | float
"""A number, or the place of an array: from 0 among the plain coefficients, from -1 down among the delicate ones."""

Coefficient = tuple[Slot, Slot]
"""A coefficient and its absolute value."""


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

    def parts_with_starts(self, parts: Sequence[Part]) -> list[tuple[int | None, tuple[Term, ...]]]:
        """(start of the part, terms) for every part."""
        return [(parts[place].start, terms) for place, terms in self.parts]


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
        parts = []
        for ends, coefficients in functional.parts:
            place = self._parts[ends]
            width = factored(ends[1] - ends[0]) if self._made[place].relative else None
            terms = (
                Term(k, self._both(c), None if width is None else self._both(factored(c * width**k)))
                for k, c in enumerate(coefficients)
                if c != 0
            )
            parts.append((place, tuple(terms)))
        points = []
        for at, weights in functional.points:
            place = self._places[at]
            points.append((place, tuple((k, self._both(c)) for (k, _), c in weights)))  # s = 1 in its own unit
        return Sum(tuple(parts), tuple(points), functional.power)

    def _both(self, coefficient: sp.Expr) -> Coefficient:
        value = self._slot(coefficient)
        return value, value if coefficient.is_nonnegative else self._slot(sp.Abs(coefficient))

    def _slot(self, coefficient: sp.Expr) -> Slot:
        """Sums of terms of unlike or unknown sign may cancel, and are computed in double-double: delicate."""
        if not coefficient.free_symbols:
            return float(coefficient)
        if all(_same_sign(total) for total in coefficient.atoms(sp.Add)):
            return self._plain.setdefault(coefficient, len(self._plain))
        return -1 - self._delicate.setdefault(coefficient, len(self._delicate))


def _same_sign(total: sp.Add) -> bool:
    signs = {1 if term.is_nonnegative else -1 if term.is_nonpositive else 0 for term in total.args}
    return len(signs) == 1 and 0 not in signs
