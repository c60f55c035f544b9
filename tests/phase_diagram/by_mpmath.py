"""What the tests of phase diagrams compare with: ramps in mpmath, two-point functions by one-dimensional integrals."""

from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtr


def ramp_moment(q: Any, tau: Any, m: Any) -> Any:
    """E[min(max(sqrt(q) Z - tau, 0), m)^2]."""
    root = mp.sqrt(q)
    a, b = tau / root, (tau + m) / root
    mass, first = mp.ncdf(-a) - mp.ncdf(-b), mp.npdf(a) - mp.npdf(b)
    second = mass + a * mp.npdf(a) - b * mp.npdf(b)
    return q * (second - 2 * a * first + a * a * mass) + m * m * mp.ncdf(-b)


def ramp_edge(q: Any, tau: Any, m: Any) -> tuple[Any, Any]:
    """sigma_w2 and sigma_b2 of crelu on its edge of chaos."""
    root = mp.sqrt(q)
    sigma_w2 = 1 / (mp.ncdf(-tau / root) - mp.ncdf(-(tau + m) / root))
    return sigma_w2, q - sigma_w2 * ramp_moment(q, tau, m)


def crossings(sparsity: float, m: float) -> int:
    """Sign changes of V(q) - q for crelu on its edge of chaos at q* = 1, in 50 digits.

    The grid is even in log q, and again in log |q - 1|: for large m another fixed point comes ever nearer to q*.
    """
    with mp.workdps(50):
        tau, level = mp.sqrt(2) * mp.erfinv(2 * mp.mpf(sparsity) - 1), mp.mpf(m)
        sigma_w2, sigma_b2 = ramp_edge(mp.mpf(1), tau, level)
        distances = [mp.mpf(10) ** (-mp.mpf(k) / 4) for k in range(1, 60)]
        grid = [mp.mpf(10) ** (mp.mpf(k) / 20 + mp.mpf("0.0037")) for k in range(-60, 61)]  # q* is no point of it
        grid = sorted(grid + [1 + distance for distance in distances] + [1 - distance for distance in distances])
        signs = [mp.sign(sigma_w2 * ramp_moment(q, tau, level) + sigma_b2 - q) for q in grid]
    return sum(left != right for left, right in pairwise(signs))


def ramp_correlation_depth(sigma_w2: float, sigma_b2: float, q: float, tau: float, m: float) -> float:
    """xi_c of crelu in the chaotic phase, from E[phi(u) E[phi(v) | u]]."""
    root = np.sqrt(q)
    ends = (tau / root, (tau + m) / root)

    def ramp_given(mean: float, sd: float) -> float:
        """E[ramp] of a normal number in units of sqrt(q)."""

        def above(end: float) -> float:
            h = (end - mean) / sd
            return float(sd * (np.exp(-h * h / 2) / np.sqrt(2 * np.pi) - h * ndtr(-h)))

        return above(ends[0]) - above(ends[1])

    def pdf(z: float) -> float:
        return float(np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

    def correlation(rho: float) -> float:
        sd = np.sqrt(1 - rho * rho)
        low = quad(lambda z: (z - ends[0]) * ramp_given(rho * z, sd) * pdf(z), *ends, epsabs=1e-13, epsrel=1e-12)[0]
        high = quad(lambda z: ramp_given(rho * z, sd) * pdf(z), ends[1], 12, epsabs=1e-13, epsrel=1e-12)[0]
        return float(sigma_w2 * (low + (ends[1] - ends[0]) * high) + sigma_b2 / q)

    def slope(rho: float) -> float:
        sd = np.sqrt(1 - rho * rho)
        inside = quad(
            lambda z: pdf(z) * (ndtr((ends[1] - rho * z) / sd) - ndtr((ends[0] - rho * z) / sd)), *ends, epsabs=1e-13
        )[0]
        return float(sigma_w2 * inside)

    rho = brentq(lambda r: correlation(r) - r, 0.0, 0.99, xtol=1e-14)
    return float(-1 / np.log(slope(rho)))


def smooth_correlation_depth(function: Any, slope: Any, sigma_w2: float, sigma_b2: float, q: float) -> float:
    """xi_c by Gauss-Hermite quadrature in two dimensions, for entire functions of moderate growth."""
    z, weight = np.polynomial.hermite_e.hermegauss(140)
    weight = weight / weight.sum()
    both = weight[:, None] * weight

    def mean(f: Any, rho: float) -> float:
        v = rho * z[:, None] + np.sqrt(1 - rho * rho) * z
        return float((both * f(np.sqrt(q) * z[:, None]) * f(np.sqrt(q) * v)).sum())

    rho = brentq(lambda r: (sigma_w2 * mean(function, r) + sigma_b2) / q - r, -1e-9, 0.999, xtol=1e-14)
    return float(-1 / np.log(sigma_w2 * mean(slope, rho)))
