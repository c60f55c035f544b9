"""The ratio V(q)/q - 1 with forty digits and more, where float64 cannot tell its sign.

For polynomial pieces the moments come from truncated Gaussian moments in mpmath, upwards by recursion, with the size of
all terms beside them as the measure of rounding; for other expressions from the double exponential rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy as sp

from ..activations.program import mpmath_number
from ..activations.symbols import X
from ..kernels.high_precision import moments_to_digits
from ..kernels.plan import UNIT, plan_for
from ..variance_map import VarianceMap
from .map_array import Jets, MapArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_DIGITS = 40
_GUARD_DIGITS = 25


class PreciseMap:
    """One variance map in mpmath.

    On an edge of chaos (`VarianceMap.q_star`) the two variances are those that make it one exactly, of which the floats
    of the map are roundings.

    Parameters
    ----------
    vm : VarianceMap
        Not of a Python function.
    digits : int
        Digits of the results, relative to their terms.
    """

    def __init__(self, vm: VarianceMap, digits: int = _DIGITS) -> None:
        self.context = mpmath.MPContext()
        self.context.dps = digits + _GUARD_DIGITS
        self._digits, self._vm, self._act = digits, vm, vm.activation

    @cached_property
    def variances(self) -> tuple[Any, Any]:
        """sigma_w2 and sigma_b2: as they are, or those that make the edge of chaos."""
        if self._vm.q_star is None:
            return self.context.mpf(self._vm.sigma_w2), self.context.mpf(self._vm.sigma_b2)
        q = self.context.mpf(self._vm.q_star)
        sigma_w2 = 1 / self._slope_moment(q)
        sigma_b2 = q - sigma_w2 * self._sums(q)[0][0]
        is_zero = abs(sigma_b2) < q * self.context.mpf(10) ** -self._digits
        return sigma_w2, self.context.zero if is_zero else sigma_b2

    def jet(self, q: Any) -> tuple[Any, Any, Any]:
        """R, D R and a bound of the error of both, as mpmath numbers."""
        (sigma_w2, sigma_b2), (sums, sizes) = self.variances, self._sums(self.context.mpf(q))
        zeroth, first = (sigma_w2 * value / q for value in sums)
        bias = sigma_b2 / q
        size = sigma_w2 * (sizes[0] + sizes[1]) / q + bias + 1
        return zeroth + bias - 1, first / 2 - 3 * zeroth / 2 - bias, 4 * size * self.context.mpf(10) ** -self._digits

    def sign(self, q: Any) -> int:
        """Sign of V(q) - q where it is certain, else 0."""
        ratio, _, error = self.jet(q)
        return 0 if abs(ratio) <= error else (1 if ratio > 0 else -1)

    def turning_point(self, low: float, high: float) -> tuple[Any, int]:
        """Where D R, monotone between two variances, is zero, and the certain sign of R there (0: not certain)."""
        left, right = self.context.mpf(low), self.context.mpf(high)
        rising = self.jet(left)[1] < 0
        for _ in range(4 * self._digits):
            middle = (left + right) / 2
            if (self.jet(middle)[1] < 0) == rising:
                left = middle
            else:
                right = middle
        return middle, self.sign(middle)

    def enclosed_root(self, low: Any, high: Any) -> tuple[float, float]:
        """Neighbouring floats, or one, around the one root between two variances of opposite signs."""
        left, right, before = self.context.mpf(low), self.context.mpf(high), self.sign(low)
        while np.nextafter(float(left), math.inf) < float(right):
            middle = (left + right) / 2
            sign = self.sign(middle)
            if sign == 0:
                break
            left, right = (middle, right) if sign == before else (left, middle)
        return enclosing(left)[0], enclosing(right)[1]

    def _sums(self, q: Any) -> tuple[list[Any], list[Any]]:
        """E[phi^2] and E[phi^2 Z^2], and the sizes of the terms they are made of."""
        if not self._act.is_polynomial:
            moments = moments_to_digits(self._act, exact_fraction(q), self._digits)
            second, rise = moments["second_moment"], 2 * q * moments["d_second_moment"]
            return [second, second + rise], [second, 2 * second + abs(rise)]
        totals = [[self.context.zero] * 2, [self.context.zero] * 2]
        for start, stop, phi, _ in self._parts:
            square = _product(phi, phi)
            table = self._truncated(start, stop, q, len(square) + 2)
            for power, coefficient in enumerate(square):
                for k in (0, 1):
                    value, size = table[power + 2 * k]
                    factor = coefficient * q ** (self.context.mpf(power) / 2)
                    totals[0][k] += factor * value
                    totals[1][k] += abs(factor) * size
        return totals[0], totals[1]

    def _slope_moment(self, q: Any) -> Any:
        if not self._act.is_polynomial:
            return moments_to_digits(self._act, exact_fraction(q), self._digits)["slope_moment"]
        total = self.context.zero
        for start, stop, _, slope in self._parts:
            square = _product(slope, slope)
            table = self._truncated(start, stop, q, len(square))
            total += sum((c * q ** (self.context.mpf(k) / 2) * table[k][0] for k, c in enumerate(square)), 0)
        return total

    @cached_property
    def _parts(self) -> list[tuple[Any, Any, list[Any], list[Any]]]:
        """(start, stop, phi, phi') on the half lines, with the polynomials in |x|, lowest power first."""
        found = []
        for part in plan_for(self._act).parts:
            if part.coefficients:
                start, stop = (sp.sympify(end).subs(UNIT, 1) for end in (part.start, part.stop))
                terms = (c.subs(UNIT, 1) * (X - start) ** k for k, c in enumerate(part.coefficients))
                phi = sp.Poly(sp.Add(*terms), X)
                found.append((self._number(start), self._number(stop), self._all(phi), self._all(phi.diff(X))))
        return found

    def _all(self, polynomial: sp.Poly) -> list[Any]:
        return [self._number(c) for c in polynomial.all_coeffs()[::-1]]

    def _number(self, exact: sp.Expr) -> Any:
        return self.context.inf if exact == sp.oo else mpmath_number(exact, self.context)

    def _truncated(self, start: Any, stop: Any, q: Any, count: int) -> list[tuple[Any, Any]]:
        """M_k = int z^k pdf(z) dz over the part, and the size of its terms, k below `count`.

        M_k = (k - 1) M_(k-2) + a^(k-1) pdf(a) - b^(k-1) pdf(b).
        """
        context = self.context
        a, b = start / context.sqrt(q), stop / context.sqrt(q)
        root_two = context.sqrt(2)
        masses = [context.erfc(end / root_two) / 2 if end != context.inf else context.zero for end in (a, b)]
        densities = [context.npdf(end) if end != context.inf else context.zero for end in (a, b)]
        table = [(masses[0] - masses[1], masses[0] + masses[1]), (densities[0] - densities[1], sum(densities))]
        for k in range(2, count):
            ends = [d * end ** (k - 1) if d else d for d, end in zip(densities, (a, b), strict=True)]
            before, size = table[k - 2]
            table.append(((k - 1) * before + ends[0] - ends[1], (k - 1) * size + ends[0] + ends[1]))
        return table


def enclosing(number: Any) -> tuple[float, float]:
    """The neighbouring floats around an mpmath number; itself twice if it is one."""
    nearest = float(number)
    low = nearest if nearest <= number else float(np.nextafter(nearest, -math.inf))
    return low, nearest if nearest >= number else float(np.nextafter(nearest, math.inf))


def _product(left: list[Any], right: list[Any]) -> list[Any]:
    result = [0] * max(len(left) + len(right) - 1, 0)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            result[i + j] += a * b
    return result


def exact_fraction(number: Any) -> sp.Rational:
    """An mpmath number as a fraction."""
    mantissa, exponent = number.man_exp
    return sp.Integer(int(mantissa)) * sp.Integer(2) ** int(exponent)


@dataclass(frozen=True, kw_only=True)
class PreciseMapArray(MapArray):
    """A single map whose ratio and slope come from `PreciseMap`, rounded once.

    Attributes
    ----------
    precise : PreciseMap
        The same map.
    """

    precise: PreciseMap

    def jets(self, which: NDArray[np.intp], q: Array) -> Jets:
        """See `MapArray.jets`."""
        rough = super().jets(which, q)
        found = [self.precise.jet(float(variance)) for variance in q]
        ratio, slope, error = (np.array([float(one[column]) for one in found]) for column in range(3))
        rounding = 4e-16 * np.abs(slope) + error
        return replace(
            rough,
            ratio=ratio,
            error=error + 4e-16 * np.abs(ratio),
            slope_low=slope - rounding,
            slope_high=slope + rounding,
        )
