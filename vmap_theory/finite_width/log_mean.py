r"""E[log S] for the mean S of n independent squared slopes, exactly for one layer.

With r = S / E[S] and its Laplace transform ``M(t) = E[exp(-t r)] = E[exp(-t phi'^2 / (n E[phi'^2]))]^n``,

.. math:: E[\log r; r > 0] = \int_0^\infty \frac{e^{-t} P(r > 0) - (M(t) - P(r = 0))}{t} dt,

because log r = int (e^{-t} - e^{-t r}) / t dt.  In log t the integrand falls off at both ends, so that the trapezoid
rule converges geometrically.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from .nodes import PANEL, UnitNodes, unit_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FIRST = -45.0  # log t; exp(-45) = 3e-20
_REACH = 45.0  # beyond log(1/r) for the least r
_STEP = 0.2  # the integrand is analytic for |Im log t| < pi/2, so the rule errs by exp(-pi^2 / 0.2)
_NEGLIGIBLE = 1e-19
_SCALE, _LEAST_PANEL = 8.0, 0.05
_HUGE = 7.0  # exp(-exp(7)) is 0 in float64


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
    # phi is taken to be smooth on a scale of 1 in x, as far as the number of nodes stays reasonable.
    widest = min(PANEL, max(_SCALE / math.sqrt(q), _LEAST_PANEL))
    coarse, fine = (_with(unit_nodes(act, q, widest * part), width, _STEP * part) for part in (1.0, 0.5))
    return LogMean(fine[0], abs(fine[0] - coarse[0]) + 1e-14 * abs(fine[0]), fine[1])


def _with(at: UnitNodes, width: int, step: float) -> tuple[float, float]:
    mean = float(at.weights @ at.slope**2)
    active = at.slope != 0
    share = float(at.weights @ active)
    dead = math.exp(width * math.log1p(-share)) if share < 1 and not active.all() else 0.0
    # In logarithms, for far out the squares underflow.
    log_relative, weights = 2 * np.log(np.abs(at.slope[active])) - math.log(mean * width), at.weights[active]
    total = 0.0
    for log_t in np.arange(_FIRST, _REACH + max(0.0, -float(log_relative.min())), step):
        # log E[exp(-t r)] through 1 - exp: for small t it is -t / n to all digits.
        missing = float(weights @ -np.expm1(-np.exp(np.minimum(log_t + log_relative, _HUGE))))
        transform = math.exp(width * math.log1p(-missing)) if missing < 1 else 0.0
        term = math.exp(-math.exp(min(log_t, _HUGE))) * (1 - dead) - (transform - dead)
        total += term * step
        if log_t > 0 and abs(term) < _NEGLIGIBLE:
            break
    return float(np.log(mean)) + total / (1 - dead), dead
