r"""E[log S] for the mean S of n independent squared slopes, exactly for one layer.

With r = S / E[S] and its Laplace transform ``M(t) = E[exp(-t r)] = E[exp(-t phi'^2 / (n E[phi'^2]))]^n``,

.. math:: E[\log r; r > 0] = \int_0^\infty \frac{e^{-t} P(r > 0) - (M(t) - P(r = 0))}{t} dt,

because log r = int (e^{-t} - e^{-t r}) / t dt.  In log t the integrand falls off at both ends, so that the trapezoid
rule converges geometrically.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from .nodes import PANEL, UnitNodes, unit_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FIRST, _LAST = -45.0, 90.0  # log t; exp(-45) = 3e-20
_STEP = 0.05
_NEGLIGIBLE = 1e-19


@dataclass(frozen=True)
class LogMean:
    """Mean logarithm of a layer's mean squared slope.

    Attributes
    ----------
    value : float
        E[log(sum phi'^2 / n)], given that the sum is not 0.
    error : float
        Estimate of the error of quadrature, from a second one with half the steps.
    probability_dead : float
        P(sum phi'^2 = 0).
    """

    value: float
    error: float
    probability_dead: float


def log_mean_of_slopes(act: Activation, q: float, width: int) -> LogMean:
    """Return the mean logarithm at variance `q` for `width` units; phi' must not vanish everywhere."""
    coarse, fine = (_with(unit_nodes(act, q, panel), width, step) for panel, step in ((PANEL, _STEP), _FINE))
    return LogMean(fine[0], abs(fine[0] - coarse[0]) + 1e-14 * abs(fine[0]), fine[1])


_FINE = (PANEL / 2, _STEP / 2)


def _with(at: UnitNodes, width: int, step: float) -> tuple[float, float]:
    squares = at.slope**2
    mean = float(at.weights @ squares)
    active = squares > 0
    log_dead = width * np.log1p(-min(float(at.weights @ active), 1.0)) if not active.all() else -np.inf
    dead = float(np.exp(log_dead))
    relative, weights = squares[active] / (mean * width), at.weights[active]
    total = 0.0
    for log_t in np.arange(_FIRST, _LAST, step):
        t = np.exp(log_t)
        # log E[exp(-t r)] through 1 - exp: for small t it is -t / n to all digits.
        missing = min(float(weights @ -np.expm1(-t * relative)), 1.0)
        transform = float(np.exp(width * np.log1p(-missing))) if missing < 1 else 0.0
        term = float(np.exp(-t)) * (1 - dead) - (transform - dead)
        total += term * step
        if log_t > 0 and abs(term) < _NEGLIGIBLE:
            break
    return float(np.log(mean)) + total / (1 - dead), dead
