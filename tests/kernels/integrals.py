"""The tail and interval moments of the kernels to 40 digits, by formulas that the kernels do not use."""

from functools import lru_cache
from typing import Any

import mpmath

DIGITS = 40


@lru_cache(maxsize=100_000)
def tail(k: int, a: float) -> Any:
    """``int_0^oo t^k exp(-a t - t^2/2) dt / sqrt(2 pi)`` by Tricomi's confluent hypergeometric function."""
    with mpmath.workdps(DIGITS):
        half = mpmath.mpf(k + 1) / 2
        scale = mpmath.factorial(k) / (mpmath.mpf(2) ** half * mpmath.sqrt(2 * mpmath.pi))
        return scale * mpmath.hyperu(half, mpmath.mpf(1) / 2, mpmath.mpf(a) ** 2 / 2)


@lru_cache(maxsize=100_000)
def interval(k: int, a: float, c: float) -> Any:
    """``int_0^c t^k exp(-a t - t^2/2) dt / sqrt(2 pi)`` by tanh-sinh quadrature over panels that double in length.

    What lies beyond a t + t^2/2 = 150 + 10 k is below 10^-40 of it, and left out.  mpmath stops at an absolute error,
    so the integrand is divided by its size at its peak.
    """
    with mpmath.workdps(DIGITS + 5):
        start, reach = mpmath.mpf(a), 150 + 10 * k
        end = min(mpmath.mpf(c), 2 * reach / (start + mpmath.sqrt(start**2 + 2 * reach)))
        fall, curve = start * end, end**2 / 2
        peak = (
            min(mpmath.mpf(1), 2 * k / (fall + mpmath.sqrt(fall**2 + 8 * k * curve))) if k else 1 / (1 + fall + curve)
        )

        def integrand(s: Any) -> Any:
            return (s / peak) ** k * mpmath.exp(fall * (peak - s) + curve * (peak**2 - s**2)) / peak

        steps = max(1, int(mpmath.log(1 + fall + curve, 2)) - 1)
        cuts = [mpmath.mpf(0), *(mpmath.mpf(2) ** -n for n in range(steps - 1, -1, -1))]
        value, error = mpmath.quad(integrand, cuts, error=True)
        if error > value * mpmath.mpf(10) ** -30:
            raise ArithmeticError(f"no 30 digits: k = {k}, a = {a}, c = {c}")
        scale = peak ** (k + 1) * mpmath.exp(-fall * peak - curve * peak**2)
        return value * scale * end ** (k + 1) / mpmath.sqrt(2 * mpmath.pi)


def relative_error(found: Any, exact: Any) -> float:
    """The relative error of a float."""
    with mpmath.workdps(DIGITS):
        return float(abs(mpmath.mpf(float(found)) - exact) / abs(exact))
