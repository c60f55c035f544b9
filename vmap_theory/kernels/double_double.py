"""Numbers of twice the working precision, as unevaluated sums hi + lo of two arrays.

The weight exp(-u^2/2) multiplies a relative error of u by u^2: at u = 37 the rounding of u alone costs three digits.
So break points, sqrt(q), u and u^2/2 are kept as hi + lo (Dekker 1971, Knuth's two-sum); the last step, exp, is then
the only one that rounds.  Products are exact through the leading half of the mantissa, cut off by a bit mask and not
by a multiplication, which a compiler could fuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import mpmath
import sympy as sp

from ..activations.program import Algebra, mpmath_number

if TYPE_CHECKING:
    from .libraries import ArrayLibrary


@dataclass(frozen=True)
class DoubleDouble:
    """hi + lo with |lo| at most half a unit in the last place of hi; `lo` is the float 0.0 if hi is exact."""

    hi: Any
    lo: Any
    arithmetic: ArrayLibrary

    @cached_property
    def halves(self) -> tuple[Any, Any]:
        """`hi` as the sum of its leading half and the rest."""
        high = self.arithmetic.leading_half(self.hi)
        return high, self.hi - high

    def __add__(self, other: DoubleDouble) -> DoubleDouble:
        total, rest = two_sum(self.hi, other.hi)
        return self._normal(total, rest + self.lo + other.lo)

    def __mul__(self, other: DoubleDouble) -> DoubleDouble:
        product, rest = two_product(self, other)
        if not _is_exact(self):
            rest = rest + self.lo * other.hi
        if not _is_exact(other):
            rest = rest + self.hi * other.lo
        return self._normal(product, rest)

    def __truediv__(self, other: DoubleDouble) -> DoubleDouble:
        first = self.hi / other.hi
        product, rest = two_product(DoubleDouble(first, 0.0, self.arithmetic), other)
        remainder = (self.hi - product) - rest - first * other.lo
        if not _is_exact(self):
            remainder = remainder + self.lo
        return self._normal(first, remainder / other.hi)

    def __rtruediv__(self, other: int) -> DoubleDouble:
        return DoubleDouble(float(other), 0.0, self.arithmetic) / self

    def sqrt(self) -> DoubleDouble:
        """The square root; of zero it is zero."""
        root = DoubleDouble(self.arithmetic.sqrt(self.hi), 0.0, self.arithmetic)
        square, rest = two_product(root, root)
        safe = self.arithmetic.where(self.hi > 0, root.hi, 1.0)
        return self._normal(root.hi, ((self.hi - square) - rest + self.lo) / (2 * safe))

    def _normal(self, hi: Any, lo: Any) -> DoubleDouble:
        total = hi + lo
        return DoubleDouble(total, lo - (total - hi), self.arithmetic)


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a + b as rounded sum and exact rest."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def two_product(a: DoubleDouble, b: DoubleDouble) -> tuple[Any, Any]:
    """Return a.hi b.hi as rounded product and exact rest (for float64: exact to 2^-104)."""
    product = a.hi * b.hi
    (a_high, a_low), (b_high, b_low) = a.halves, b.halves
    if a is b:
        return product, ((a_high * a_high - product) + 2 * (a_high * a_low)) + a_low * a_low
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def square_root(number: Any, rounded: Any, library: ArrayLibrary) -> DoubleDouble:
    """The square root of an array of numbers > 0, of which the rounded value is known."""
    root = DoubleDouble(rounded, 0.0, library)
    square, rest = two_product(root, root)
    return DoubleDouble(rounded, ((number - square) - rest) / (rounded + rounded), library)


def half_square(u: DoubleDouble) -> tuple[Any, Any]:
    """u^2/2 as rounded value and rest."""
    square, rest = two_product(u, u)
    return 0.5 * square, 0.5 * rest + u.hi * u.lo


@lru_cache(maxsize=16)
def double_double_algebra(library: ArrayLibrary) -> Algebra:
    """The number system in which programs evaluate break points.

    Numbers, sums, products, quotients and square roots carry both halves; other functions work on `hi` alone.
    """

    def number(exact: sp.Expr) -> DoubleDouble:
        hi, lo = _halves(exact, library)
        return DoubleDouble(hi, lo, library)

    def lifted(function: Any) -> Any:
        return lambda *arguments: DoubleDouble(function(*(a.hi for a in arguments)), 0.0, library)

    def power(base: DoubleDouble, exponent: DoubleDouble) -> DoubleDouble:
        if isinstance(exponent.hi, float) and abs(exponent.hi) == 0.5 and _is_exact(exponent):
            root = base.sqrt()
            return root if exponent.hi > 0 else 1 / root
        return DoubleDouble(library.power(base.hi, exponent.hi), 0.0, library)

    return Algebra(number, {name: lifted(function) for name, function in library.functions.items()}, power)


@lru_cache(maxsize=4096)
def _halves(exact: sp.Expr, library: ArrayLibrary) -> tuple[float, float]:
    context = mpmath.MPContext()
    context.dps = 50
    value = mpmath_number(exact, context)
    hi = library.rounded(float(value))
    return hi, library.rounded(float(value - hi))


def _is_exact(value: DoubleDouble) -> bool:
    return isinstance(value.lo, float) and value.lo == 0.0
