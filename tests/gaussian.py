"""Gaussian integrals of piecewise polynomials by two routes, with mpmath alone: the judge of tests and test data.

A function is given by its pieces: triples (lower, upper, coefficients in x, lowest power first), ascending, covering
the line.  Nothing here comes from the package, so that no formula is tested by the code that made it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath

Pieces = Sequence[tuple[Any, Any, Sequence[Any]]]

MOMENTS = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity")


def product(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    """Coefficients of a product of polynomials."""
    result = [mpmath.mpf(0)] * max(len(left) + len(right) - 1, 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            result[i + j] += a * b
    return result


def derivative(coefficients: Sequence[Any]) -> list[Any]:
    """Coefficients of the derivative of a polynomial."""
    return [k * c for k, c in enumerate(coefficients)][1:] or [mpmath.mpf(0)]


def value_at(coefficients: Sequence[Any], x: Any) -> Any:
    """Evaluate a polynomial, lowest power first."""
    return mpmath.polyval(list(coefficients)[::-1], x)


def is_zero(coefficients: Sequence[Any]) -> bool:
    return all(c == 0 for c in coefficients)


def moments_by_recursion(pieces: Pieces, q: Any, dps: int = 250) -> dict[str, Any]:
    """All five moments from truncated moments M_k(a, b), at so many digits that their cancellation does not matter.

    Derivatives in q come from the weight, so kink terms are never written down: with z = x / sqrt(q),
    d/dq E[f] = E[f (z^2 - 1)]/(2 q) and d2/dq2 E[f] = E[f (z^4 - 6 z^2 + 3)]/(4 q^2).
    """
    with mpmath.workdps(dps):
        q = mpmath.mpf(q)
        total = dict.fromkeys(MOMENTS, mpmath.mpf(0))
        for lower, upper, coefficients in pieces:
            in_z = [c * mpmath.sqrt(q) ** k for k, c in enumerate(coefficients)]
            square = product(in_z, in_z)
            slope = derivative(in_z)
            a, b = mpmath.mpf(lower) / mpmath.sqrt(q), mpmath.mpf(upper) / mpmath.sqrt(q)
            table = _truncated_moments(a, b, len(square) + 4)

            def expected(polynomial: Sequence[Any], table: Sequence[Any] = table) -> Any:
                return mpmath.fdot(zip(polynomial, table, strict=False))

            total["second_moment"] += expected(square)
            total["d_second_moment"] += expected(product(square, [-1, 0, 1])) / (2 * q)
            total["d2_second_moment"] += expected(product(square, [3, 0, -6, 0, 1])) / (4 * q**2)
            total["slope_moment"] += expected(product(slope, slope)) / q
            total["sparsity"] += table[0] if is_zero(coefficients) else 0
        return total


def _truncated_moments(a: Any, b: Any, count: int) -> list[Any]:
    """M_k = integral of z^k pdf(z) over (a, b), upwards: M_k = (k-1) M_(k-2) + a^(k-1) pdf(a) - b^(k-1) pdf(b)."""

    def boundary(end: Any, power: int) -> Any:
        return mpmath.mpf(0) if mpmath.isinf(end) else end**power * mpmath.npdf(end)

    # The tail on the side away from the origin, so that both of a far pair keep their digits.
    first = mpmath.ncdf(b) - mpmath.ncdf(a) if a < 0 else mpmath.ncdf(-a) - mpmath.ncdf(-b)
    table = [first, boundary(a, 0) - boundary(b, 0)]
    for k in range(2, count):
        table.append((k - 1) * table[k - 2] + boundary(a, k - 1) - boundary(b, k - 1))
    return table


def moments_by_quadrature(pieces: Pieces, q: Any, digits: int = 50) -> dict[str, Any]:
    """The same five moments by tanh-sinh quadrature of the pieces, split at 0 and at every break.

    mpmath.quad stops on *absolute* error, so the factor exp(-a^2/2) of each part is taken out first.
    """
    with mpmath.workdps(digits + 20):
        q = mpmath.mpf(q)

        def total(weight: Callable[[Any, Any, Any], Any]) -> Any:
            """Integral of weight(phi, phi', z) against the normal density."""
            return mpmath.fsum(_part_integrals(pieces, mpmath.sqrt(q), weight))

        zero = sum((_mass(lower, upper, q) for lower, upper, c in pieces if is_zero(c)), mpmath.mpf(0))
        return {
            "second_moment": total(lambda phi, slope, z: phi**2),
            "d_second_moment": total(lambda phi, slope, z: phi**2 * (z * z - 1)) / (2 * q),
            "d2_second_moment": total(lambda phi, slope, z: phi**2 * (z**4 - 6 * z * z + 3)) / (4 * q * q),
            "slope_moment": total(lambda phi, slope, z: slope**2),
            "sparsity": zero,
        }


def _part_integrals(pieces: Pieces, root_q: Any, weight: Callable[[Any, Any, Any], Any]) -> list[Any]:
    integrals = []
    for lower, upper, coefficients in pieces:
        slope = derivative(coefficients)
        for sign in (1, -1):  # mirrored, every part lies to the right of 0
            low, high = (lower, upper) if sign == 1 else (-upper, -lower)
            start, stop = max(mpmath.mpf(low) / root_q, 0), max(mpmath.mpf(high) / root_q, 0)
            if not start < stop:
                continue

            def integrand(
                t: Any, start: Any = start, sign: int = sign, phi: Any = coefficients, slope: Any = slope
            ) -> Any:
                z = start + t
                x = sign * z * root_q
                return weight(value_at(phi, x), value_at(slope, x), z) * mpmath.exp(-t * (start + t / 2))

            # exp(-start t - t^2/2) is below 10^-dps beyond the reach, whatever polynomial stands before it.
            reach = mpmath.sqrt(start**2 + 2.5 * mpmath.mp.dps * mpmath.log(10) + 60) - start
            length = min(stop - start, reach)
            cuts = [length * k / 6 for k in range(7)] if length > 1 else [0, length]
            integrals.append(mpmath.npdf(start) * mpmath.quad(integrand, cuts))
    return integrals


def _mass(lower: Any, upper: Any, q: Any) -> Any:
    a, b = mpmath.mpf(lower) / mpmath.sqrt(q), mpmath.mpf(upper) / mpmath.sqrt(q)
    return mpmath.ncdf(b) - mpmath.ncdf(a) if a < 0 else mpmath.ncdf(-a) - mpmath.ncdf(-b)
