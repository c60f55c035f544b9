"""What the moment functions return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOMENT_NAMES = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity")
"""The moments, in the order of every listing; each has a companion ``..._error``."""

LOGARITHM_NAMES = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity", "density")
"""The moments of which `LogGaussianMoments` holds logarithms."""


@dataclass(frozen=True)
class GaussianMoments:
    """Gaussian moments of an activation at variance q: arrays of one shape, in the library and type of the input.

    Attributes
    ----------
    second_moment, d_second_moment, d2_second_moment : array
        E[phi^2] and its first two derivatives in q.
    slope_moment : array
        E[phi'^2]; infinite where phi jumps.
    sparsity : array
        P(phi = 0).
    second_moment_error, d_second_moment_error, d2_second_moment_error, slope_moment_error, sparsity_error : array
        Bounds of the absolute errors by rounding and quadrature; None unless they were asked for.
    """

    second_moment: Any
    d_second_moment: Any
    d2_second_moment: Any
    slope_moment: Any
    sparsity: Any
    second_moment_error: Any = None
    d_second_moment_error: Any = None
    d2_second_moment_error: Any = None
    slope_moment_error: Any = None
    sparsity_error: Any = None


@dataclass(frozen=True)
class LogGaussianMoments:
    """Natural logarithms of the Gaussian moments: arrays of one shape, in the library and type of the input.

    Attributes
    ----------
    log_second_moment, log_slope_moment : array
        Of E[phi^2] and E[phi'^2].
    log_d_second_moment, log_d2_second_moment : array
        Of the absolute values of the derivatives of E[phi^2] in q.
    sign_d_second_moment, sign_d2_second_moment : array
        Their signs: -1, 0 or 1.
    log_sparsity, log_density : array
        Of P(phi = 0) and of P(phi != 0).
    """

    log_second_moment: Any
    log_d_second_moment: Any
    log_d2_second_moment: Any
    log_slope_moment: Any
    log_sparsity: Any
    log_density: Any
    sign_d_second_moment: Any
    sign_d2_second_moment: Any
