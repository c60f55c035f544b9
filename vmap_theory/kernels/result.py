"""What `gaussian_moments` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOMENT_NAMES = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity")
"""The moments, in the order of every listing; each has a companion ``..._error``."""


@dataclass(frozen=True)
class GaussianMoments:
    """Gaussian moments of an activation at variance q, float64 arrays of one shape, each with an error bound.

    Attributes
    ----------
    second_moment, d_second_moment, d2_second_moment : array
        E[phi^2] and its first two derivatives in q.
    slope_moment : array
        E[phi'^2]; infinite where phi jumps.
    sparsity : array
        P(phi = 0).
    second_moment_error, d_second_moment_error, d2_second_moment_error, slope_moment_error, sparsity_error : array
        Bounds of the absolute errors by rounding and quadrature.
    """

    second_moment: Any
    d_second_moment: Any
    d2_second_moment: Any
    slope_moment: Any
    sparsity: Any
    second_moment_error: Any
    d_second_moment_error: Any
    d2_second_moment_error: Any
    slope_moment_error: Any
    sparsity_error: Any
