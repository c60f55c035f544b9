"""The edge of chaos of a net of finite width: where the mean logarithm of the gradient factor vanishes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq

from ..activations import Activation, as_activation
from ..checks import integer_between, positive
from ..errors import InfeasibleError, NoEdgeOfChaosError, PrecisionError
from ..kernels import gaussian_moments
from ..variance_map import VarianceMap
from .arguments import checked_chains, checked_depth, checked_width, require_slopes
from .chain import simulate_chain
from .log_mean import LogMean, log_mean_of_slopes

_ROUNDING = 4.5e-16
_STEP = 0.04  # of log sigma_w2
_MOST_STEPS = 60
_CLOSE = 1e-6


@dataclass(frozen=True)
class WidthCorrectedEdge:
    """Variances of weights and biases at which gradients neither grow nor shrink in the mean of their logarithm.

    Attributes
    ----------
    sigma_w2, sigma_b2 : float
        Variance of the weights times fan-in, and of the biases; V(q_star) = q_star.
    q_star : float
        The fixed point of V, a variance.
    width : int
        Units per layer.
    depth : int or None
        Layers; None: one layer at Q = q_star.
    error : float
        Of `sigma_w2`: the error of quadrature for one layer, a standard error for a depth.
    probability_dead : float
        Share of the layers (with a depth: of the chains) without an active unit, which are left out of the mean.
    variance_map : VarianceMap
        The map with these variances.
    """

    sigma_w2: float
    sigma_b2: float
    q_star: float
    width: int
    depth: int | None
    error: float
    probability_dead: float
    variance_map: VarianceMap


def width_corrected_edge(
    act: Activation | str,
    q_star: float = 1.0,
    *,
    width: int,
    depth: int | None = None,
    chains: int = 4000,
    seed: int = 0,
) -> WidthCorrectedEdge:
    r"""Return the sigma_w2 for which E[log gradient factor] = 0 at a width, with V(q_star) = q_star kept by sigma_b2.

    At infinite width ``sigma_w2 = 1 / E[phi'^2]``.  At width n the logarithm of the factor has mean 0 at a larger one:
    for phi' in {0, 1} and p = E[phi'^2],

    .. math:: \sigma_w^2 = \exp(-E[\log(K/n) \mid K > 0]) = \frac1p \Bigl(1 + \frac{1 - p}{2 n p} + O(n^{-2})\Bigr),
        \quad K \sim \mathrm{Bin}(n, p).

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry; with a number for every parameter.
    q_star : float
        Variance that is to be the fixed point of V, > 0.
    width : int
        Units per layer, >= 2.
    depth : int, optional
        Layers.  Without it the mean is that of one layer at Q = q_star, exact to quadrature.  With it, that of a chain
        of so many layers started at q_star, fluctuations of Q included, by simulation with fixed random numbers.
    chains, seed : int
        Of that simulation.

    Raises
    ------
    InfeasibleError
        sigma_b2 would be negative; the message gives the sigma_w2.  With a depth: no sigma_w2 is found.
    NoEdgeOfChaosError
        phi jumps, or its slope is 0 as good as everywhere.
    PrecisionError
        With a depth: all chains lose their gradient.
    DomainError, DtypeError
        A number is outside its domain.

    Notes
    -----
    Where a layer has no active unit the logarithm is -inf; such layers (chains) are left out, and
    ``probability_dead`` is their share.

    Examples
    --------
    >>> from vmap_theory import activation
    >>> act = activation("crelu", tau=1.0, m=1.0)
    >>> edge = width_corrected_edge(act, width=100)
    >>> p = 1 / width_corrected_edge(act, width=10_000_000).sigma_w2  # E[phi'^2], as good as
    >>> round(edge.sigma_w2 * p, 4), round(1 + (1 - p) / (200 * p), 4)
    (1.0346, 1.0318)
    """
    act = as_activation(act)
    act.require_numbers("the edge of chaos at finite width")
    require_slopes(act, "the edge of chaos")
    q, units = positive("q_star", q_star), checked_width(width)
    slope_moment = float(gaussian_moments(act, q).slope_moment)
    if slope_moment < 1e-300 or units * slope_moment < 1e-12:
        raise NoEdgeOfChaosError(
            f"E[phi'^2] = {slope_moment:g} for {act.label} at q_star = {q:g}: as good as no unit of {units} is ever "
            "active. Lower the threshold or raise q_star."
        )
    layer = log_mean_of_slopes(act, q, units)
    if depth is None:
        sigma_w2 = math.exp(-layer.value)
        return _edge(act, q, units, None, (sigma_w2, layer.error * sigma_w2, layer.probability_dead))
    layers, wanted, start = checked_depth(depth), checked_chains(chains), integer_between("seed", seed, 0, 2**63 - 1)
    return _edge(act, q, units, layers, _of_chains(act, q, (units, layers, wanted, start), layer))


def _edge(
    act: Activation, q: float, width: int, depth: int | None, found: tuple[float, float, float]
) -> WidthCorrectedEdge:
    sigma_w2, error, dead = found
    vm = VarianceMap(act, sigma_w2=sigma_w2, sigma_b2=_bias(act, q, sigma_w2))
    return WidthCorrectedEdge(sigma_w2, vm.sigma_b2, q, width, depth, error, dead, vm)


def _bias(act: Activation, q: float, sigma_w2: float) -> float:
    """sigma_b2 that keeps V(q) = q."""
    sigma_b2 = q - sigma_w2 * float(gaussian_moments(act, q).second_moment)
    if sigma_b2 < -_ROUNDING * q:
        raise InfeasibleError(
            f"the edge of chaos of {act.label} at this width has sigma_w2 = {sigma_w2:.8g}, and V(q_star) = q_star = "
            f"{q:g} would need sigma_b2 = {sigma_b2:.6g}, below the least possible value 0: choose another q_star or a "
            "larger width."
        )
    return max(sigma_b2, 0.0)


def _of_chains(act: Activation, q: float, net: tuple[int, int, int, int], layer: LogMean) -> tuple[float, float, float]:
    """Find sigma_w2 where the mean changes its sign; the chains see the same random numbers at every step."""
    width, depth, chains, seed = net
    limit = math.log(q / float(gaussian_moments(act, q).second_moment))  # beyond, sigma_b2 would be negative

    @cache
    def statistics(log_w2: float) -> tuple[float, float, float]:
        weights = math.exp(log_w2)
        vm = VarianceMap(act, sigma_w2=weights, sigma_b2=_bias(act, q, weights))
        sample = simulate_chain(vm, width=width, depth=depth, chains=chains, seed=seed, q_0=q)
        logs = sample.log10_gradient[:, -1] if sample.log10_gradient is not None else np.empty(0)
        alive = logs[np.isfinite(logs)]
        if alive.size < 2:
            raise PrecisionError(
                f"fewer than two of {chains} chains of {act.label} keep a gradient through {depth} layers of width "
                f"{width}: raise the width, or lower the depth or the threshold."
            )
        return float(alive.mean()), float(alive.std(ddof=1) / math.sqrt(alive.size)), 1 - alive.size / chains

    low, high = _bracket(lambda at: statistics(at)[0], min(-layer.value, limit), limit)
    if not statistics(low)[0] <= 0 <= statistics(high)[0]:
        raise InfeasibleError(
            f"no sigma_w2 from {math.exp(low):.6g} to {math.exp(high):.6g} makes the mean log gradient of {act.label} "
            f"vanish over {depth} layers of width {width} with sigma_b2 >= 0: choose another q_star or a larger width."
        )
    at = float(brentq(lambda at: statistics(at)[0], low, high, xtol=_CLOSE, rtol=_CLOSE))
    steepness = (statistics(high)[0] - statistics(low)[0]) / (high - low)
    _, deviation, dead = statistics(at)
    return math.exp(at), math.exp(at) * deviation / steepness, dead


def _bracket(mean: Callable[[float], float], start: float, limit: float) -> tuple[float, float]:
    """Two logarithms of sigma_w2, `_STEP` apart, between which the mean becomes positive, if there are."""
    low = high = start
    for _ in range(_MOST_STEPS):
        if mean(high) < 0 and high < limit:
            low, high = high, min(high + _STEP, limit)
        elif mean(low) > 0:
            low, high = low - _STEP, low
        elif low == high:
            low, high = start - _STEP, min(start + _STEP, limit)
        else:
            break
    return low, high
