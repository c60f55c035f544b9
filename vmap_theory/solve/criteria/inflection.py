r"""Criterion ``inflection``: the clipping level at which V''(q*) = 0, so that V bends equally to both sides of q*.

For ramps, with a = tau/sqrt(q*), c = m/sqrt(q*), b = a + c,

.. math:: V''(q^*) \propto a (n(a) - n(b)) - c b^2 n(b) = \int_0^c t\, b_t\, (b_t^2 - 3)\, n(b_t)\, dt, \quad b_t = a+t.

So V'' is positive at every level if a >= sqrt(3), negative at every level if a <= 0, and in between there is one root.
Near a = sqrt(3) the root goes to 0 as c, while the difference in the first form has size c^3 and terms of size c; the
second form, the integral over the level of the exact derivative of V'' in it, has terms of size c^3 as well.  It is
taken, for any activation with polynomial pieces, wherever its error is the smaller one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...kernels.cases import is_polynomial
from ...kernels.computation import Computation
from ...kernels.functionals import moment_functionals
from ...kernels.libraries import NUMPY
from ..threshold import thresholds_for_sparsity
from .family import MOST, ClippedFamily, ratio_at_root

if TYPE_CHECKING:
    from .family import Array

LEAST_INFLECTION = 1e-6
"""The smallest m / sqrt(q_star) that is told from 0."""

_NEAR_ZERO = 1e-8  # a level at which phi has vanished, if it does so with the level
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_INTEGRAND_ERROR = 3e-15  # relative to the integral of the absolute integrand: rounding of the kernel
_HALVINGS = 40


def inflection_ratios(family: ClippedFamily, tau: Array, q: Array) -> Array:
    """Return m / sqrt(q_star) where V''(q_star) changes from negative to positive; NaN where it surely does nowhere."""
    low, low_error = curvatures_at(family, np.full(q.shape, LEAST_INFLECTION), tau, q)
    high, high_error = curvatures_at(family, np.full(q.shape, MOST), tau, q)
    inside = (low < -low_error) & (high > high_error)
    ratios = np.full(q.shape, np.nan)
    if inside.any():
        ratios[inside] = ratio_at_root(
            lambda ratio, tau, q: curvatures_at(family, ratio, tau, q)[0],
            LEAST_INFLECTION,
            MOST,
            tau[inside],
            q[inside],
        )
    return ratios


def curvatures_at(family: ClippedFamily, ratio: Array, tau: Array, q: Array) -> tuple[Array, Array]:
    """q_star d2E/dq2 at m = ratio sqrt(q_star), and bounds of the errors: the better of two forms, point by point."""
    moments = family.moments(ratio, tau, q, bounds=True)
    value, error = moments.d2_second_moment, moments.d2_second_moment_error
    if is_polynomial(family.act):
        integral, integral_error = _integrated(family, ratio, tau, q)
        better = integral_error < error
        value, error = np.where(better, integral, value), np.where(better, integral_error, error)
    return q * value, q * error


def _integrated(family: ClippedFamily, ratio: Array, tau: Array, q: Array) -> tuple[Array, Array]:
    """d2E/dq2 as the integral over the level, from 0 on, of its derivative in the level.

    The error is infinite if phi does not vanish with the level.  The level goes first in the derivatives: E[phi^2]
    rises by 2 m P(clipped) alone, whose derivatives in q are single terms; nothing cancels but b^2 against 3.
    """
    parameters = family.act.free_parameters
    place = next(index for index, parameter in enumerate(parameters) if parameter.name == family.level)
    square = Computation(family.act, (moment_functionals(family.act).moments["second_moment"],))
    growth = square.derivative(1 + place).derivative(0).derivative(0)
    levels = np.multiply.outer((1 + _NODES) / 2, ratio * np.sqrt(q))
    arrays = [levels if index == place else np.broadcast_to(tau, levels.shape) for index in range(len(parameters))]
    with np.errstate(all="ignore"):
        flat = [np.ravel(array) for array in (np.broadcast_to(q, levels.shape), *arrays)]  # as the kernels take them
        rise = growth.values(flat[0], flat[1:], NUMPY)[0].reshape(levels.shape)
    terms = np.multiply.outer(_WEIGHTS / 2, ratio * np.sqrt(q)) * rise
    vanishing = family.moments(_NEAR_ZERO, tau, q).second_moment <= 1.001 * _NEAR_ZERO**2 * q  # phi^2 <= m^2
    error = _INTEGRAND_ERROR * np.abs(terms).sum(axis=0)
    return terms.sum(axis=0), np.where(vanishing, error, np.inf)


def sparsity_limit(family: ClippedFamily, q: float) -> float:
    """The sparsity from which on V''(q_star) is positive at every level, found by halving; NaN if there is none."""
    low, high = 0.0, 1.0
    seen = {-1.0: False, 1.0: False}
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        tau = thresholds_for_sparsity(family.act, np.array([middle]), q)
        sign = -1.0  # thresholds outside the parameter's domain lie below it
        if not np.isnan(tau[0]):
            value, _ = curvatures_at(family, np.array([LEAST_INFLECTION]), tau, np.array([q]))
            sign = math.copysign(1.0, value[0])
            seen[sign] = True
        low, high = (middle, high) if sign < 0 else (low, middle)
    return high if all(seen.values()) else math.nan


def why_no_inflection(family: ClippedFamily, sparsity: float, tau: float, q: float) -> str:
    """The reason that `inflection_ratios` found none."""
    limit = sparsity_limit(family, q)
    sign = np.sign(curvatures_at(family, np.array([MOST]), np.array([tau]), np.array([q]))[0][0])
    start = f"no clipping level of {family.act.name} at sparsity {sparsity:g} gives V''(q_star) = 0: "
    if sparsity >= limit - 1e-9:
        edge = float(thresholds_for_sparsity(family.act, limit, q)) / math.sqrt(q)
        return (
            f"{start}it is positive at every level, since sparsity {sparsity:.10g} is not below {limit:.6f} "
            f"(tau = {tau:g} is not below {edge:.6f} sqrt(q_star)). Choose a sparsity below {limit:.6f}, or the "
            "criterion 'slope' or 'saddle-node', which have a level there."
        )
    if sign <= 0 and tau <= 0:
        return (
            f"{start}at tau = {tau:g} it is negative at every level, V is concave at q_star. Choose a sparsity that "
            "needs a threshold above 0, or the criterion 'slope'."
        )
    return (
        f"{start}V'' does not change from negative to positive between {LEAST_INFLECTION:g} and {MOST:g} "
        "sqrt(q_star) as far as float64 can tell. Choose another sparsity, or the criterion 'slope'."
    )
