"""Fixed points by mpmath alone: V(q)/q - 1 from truncated moments at any precision, sign changes, roots, edges.

A map is given by its pieces, triples (lower, upper, coefficients in x, lowest power first) of exact numbers.  What is
tested is built from the same triples, and nothing of the package is used here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import sympy as sp

Pieces = Sequence[tuple[Any, Any, Sequence[Any]]]


def exact(number: Any) -> Any:
    """An integer, float, fraction or SymPy number in mpmath, at the precision of the context."""
    if isinstance(number, (int, float, mpmath.mpf)):
        return mpmath.mpf(number)
    if number in (sp.oo, -sp.oo):
        return mpmath.inf if number == sp.oo else -mpmath.inf
    if hasattr(number, "p"):
        return mpmath.mpf(int(number.p)) / int(number.q)
    return mpmath.mpf(str(sp.sympify(number).evalf(mpmath.mp.dps + 10, strict=True)))


@dataclass(frozen=True)
class ExactMap:
    """The map of pieces at a precision of `dps` digits; parameters are converted there.

    Attributes
    ----------
    pieces : sequence of (lower, upper, coefficients)
        Ascending, covering the line.
    sigma_w2, sigma_b2 : number
        Exact.
    dps : int
        Digits.
    """

    pieces: Pieces
    sigma_w2: Any
    sigma_b2: Any
    dps: int = 60

    @cached_property
    def _numbers(self) -> list[tuple[Any, Any, list[Any]]]:
        with mpmath.workdps(self.dps):
            return [(exact(low), exact(high), [exact(c) for c in phi]) for low, high, phi in self.pieces]

    def moments(self, q: Any) -> tuple[Any, Any, Any]:
        """E[phi^2], its derivative in q and E[phi'^2] for pieces without jumps."""
        with mpmath.workdps(self.dps):
            root = mpmath.sqrt(exact(q))
            totals = [mpmath.mpf(0)] * 3
            for low, high, phi in self._numbers:
                in_z = [c * root**k for k, c in enumerate(phi)]
                square, slope = _product(in_z, in_z), [k * c for k, c in enumerate(in_z)][1:] or [mpmath.mpf(0)]
                table = _truncated(low / root, high / root, len(square) + 2)
                steep = _product(slope, slope)
                totals[0] += mpmath.fdot(square, table[: len(square)])
                totals[1] += mpmath.fdot(_product(square, [-1, 0, 1]), table) / 2
                totals[2] += mpmath.fdot(steep, table[: len(steep)])
            return totals[0], totals[1] / root**2, totals[2] / root**2

    def value(self, q: Any) -> Any:
        """V(q)."""
        with mpmath.workdps(self.dps):
            return exact(self.sigma_w2) * self.moments(q)[0] + exact(self.sigma_b2)

    def excess(self, q: Any) -> Any:
        """V(q)/q - 1."""
        with mpmath.workdps(self.dps):
            return self.value(q) / exact(q) - 1

    def slope(self, q: Any) -> Any:
        """V'(q)."""
        with mpmath.workdps(self.dps):
            return exact(self.sigma_w2) * self.moments(q)[1]

    def chi_1(self, q: Any) -> Any:
        """chi_1(q)."""
        with mpmath.workdps(self.dps):
            return exact(self.sigma_w2) * self.moments(q)[2]

    def root(self, low: Any, high: Any) -> Any:
        """The root between two variances at which the excess has opposite signs, by false position and bisection."""
        with mpmath.workdps(self.dps):
            ends = [exact(low), exact(high)]
            values = [self.excess(q) for q in ends]
            weights = [mpmath.mpf(1), mpmath.mpf(1)]
            last = 0
            for step in range(400):
                if abs(ends[1] - ends[0]) <= mpmath.mpf(10) ** (8 - self.dps) * abs(ends[0]):
                    break
                shares = [weights[1] * values[1], -weights[0] * values[0]]
                middle = (ends[0] * shares[0] + ends[1] * shares[1]) / sum(shares)
                if step % 3 == 2:
                    middle = sum(ends) / 2
                value = self.excess(middle)
                if value == 0:
                    return middle
                side = 0 if value * values[0] > 0 else 1
                ends[side], values[side], weights[side] = middle, value, mpmath.mpf(1)
                weights[1 - side] = weights[1 - side] / 2 if side == last else mpmath.mpf(1)
                last = side
            return sum(ends) / 2

    def roots(self, low: Any, high: Any, per_decade: int = 20) -> list[tuple[Any, int]]:
        """All roots seen between `low` and `high`, with the sign of the excess below each; a double root has 0.

        Signs on a fine logarithmic grid; wherever the size of the excess has a minimum without a change of sign, that
        minimum is sought by golden sections.
        """
        with mpmath.workdps(self.dps):
            low, high = exact(low), exact(high)
            steps = max(int(mpmath.ceil(per_decade * mpmath.log10(high / low))), 4)
            grid = [low * (high / low) ** (mpmath.mpf(k) / steps) for k in range(steps + 1)]
            values = [self.excess(q) for q in grid]
            assert all(values), "a root on the grid: take other ends"
            found: list[tuple[Any, int]] = []
            for k in range(steps):
                if values[k] * values[k + 1] < 0:
                    found.append((self.root(grid[k], grid[k + 1]), int(mpmath.sign(values[k]))))
                elif k > 0 and self._dips(values[k - 1 : k + 2]):
                    found += self._pair(grid[k - 1], grid[k + 1], int(mpmath.sign(values[k])))
            return sorted(found)

    @staticmethod
    def _dips(three: Sequence[Any]) -> bool:
        """Whether the size has a minimum near the middle; on a step of a twentieth of a decade it falls by little."""
        same = all(three[1] * value > 0 for value in three)
        return same and abs(three[1]) <= min(abs(three[0]), abs(three[2])) and abs(three[1]) < 0.2

    def _pair(self, low: Any, high: Any, sign: int) -> list[tuple[Any, int]]:
        """The roots about the minimum of ``sign * excess``: none, a pair, or a double one."""
        golden = (mpmath.sqrt(5) - 1) / 2
        a, b = mpmath.log(low), mpmath.log(high)
        inner = [b - golden * (b - a), a + golden * (b - a)]
        sizes = [sign * self.excess(mpmath.exp(u)) for u in inner]
        while min(sizes) > 0 and b - a > mpmath.mpf(10) ** (-self.dps // 3):
            if sizes[0] < sizes[1]:
                b, inner = inner[1], [None, inner[0]]
                inner[0] = b - golden * (b - a)
                sizes = [sign * self.excess(mpmath.exp(inner[0])), sizes[0]]
            else:
                a, inner = inner[0], [inner[1], None]
                inner[1] = a + golden * (b - a)
                sizes = [sizes[1], sign * self.excess(mpmath.exp(inner[1]))]
        bottom = mpmath.exp(inner[0] if sizes[0] < sizes[1] else inner[1])
        if min(sizes) < 0:
            return [(self.root(low, bottom), sign), (self.root(bottom, high), -sign)]
        # Within 10^(-dps/3) of the minimum a double root leaves the square of that.
        return [(bottom, 0)] if min(sizes) < mpmath.mpf(10) ** (4 - 2 * self.dps // 3) else []


def edge(pieces: Pieces, q_star: Any, dps: int = 60) -> ExactMap:
    """The map on the edge of chaos at `q_star`, its variances at `dps` digits."""
    with mpmath.workdps(dps):
        q = exact(q_star)
        second, _, slope = ExactMap(pieces, 1, 0, dps).moments(q)
        return ExactMap(pieces, 1 / slope, q - second / slope, dps)


def clipped_relu(tau: Any, m: Any) -> Pieces:
    return [(-sp.oo, tau, [0]), (tau, tau + m, [-tau, 1]), (tau + m, sp.oo, [m])]


def clipped_soft_threshold(tau: Any, m: Any) -> Pieces:
    top = tau + m
    return [(-sp.oo, -top, [-m]), (-top, -tau, [tau, 1]), (-tau, tau, [0]), (tau, top, [-tau, 1]), (top, sp.oo, [m])]


def shifted_relu(tau: Any) -> Pieces:
    return [(-sp.oo, tau, [0]), (tau, sp.oo, [-tau, 1])]


def _product(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    result = [mpmath.mpf(0)] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            result[i + j] += a * b
    return result


def _truncated(a: Any, b: Any, count: int) -> list[Any]:
    """M_k = int_a^b z^k pdf(z) dz by M_k = (k-1) M_(k-2) + a^(k-1) pdf(a) - b^(k-1) pdf(b)."""
    densities = [mpmath.mpf(0) if mpmath.isinf(end) else mpmath.npdf(end) for end in (a, b)]

    def boundary(power: int) -> Any:
        # A density of 0 stands for an infinite end.
        return sum(
            sign * (end**power * density if density else 0)
            for sign, end, density in zip((1, -1), (a, b), densities, strict=True)
        )

    first = mpmath.ncdf(b) - mpmath.ncdf(a) if a < 0 else mpmath.ncdf(-a) - mpmath.ncdf(-b)
    table = [first, boundary(0)]
    for k in range(2, count):
        table.append((k - 1) * table[k - 2] + boundary(k - 1))
    return table
