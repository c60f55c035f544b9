"""The clipping level: how far the magnitude may grow before the variance map repels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq

from ..activations import Activation, as_activation
from ..checks import inside_open_interval, positive
from ..errors import InfeasibleError, UnknownNameError
from ..kernels import gaussian_moments
from ..variance_map import VarianceMap
from .edge_of_chaos import edge_of_chaos
from .threshold import threshold_for_sparsity, threshold_parameter

CRITERIA = ("slope",)
"""The criteria that `clipping_level` knows."""

_LEAST, _MOST = 1e-6, 40.0
"""Range of m / sqrt(q_star) that is searched; at 40 the clipped share of a Gaussian underflows."""


@dataclass(frozen=True)
class ClippingLevel:
    """A clipped activation on its edge of chaos.

    Attributes
    ----------
    m, tau : float
        Clipping level and threshold.
    sigma_w2, sigma_b2 : float
        Variance of the weights times fan-in, and of the biases, on the edge of chaos.
    q_star, sparsity : float
        The fixed point (a variance) and P(phi = 0) there.
    criterion, target : str, float
        How m was chosen.
    slope, curvature : float
        V'(q_star) and V''(q_star) that are reached.
    variance_map : VarianceMap
        The map with all these numbers.
    """

    m: float
    tau: float
    sigma_w2: float
    sigma_b2: float
    q_star: float
    sparsity: float
    criterion: str
    target: float
    slope: float
    curvature: float
    variance_map: VarianceMap


def clipping_level(
    act: str | Activation,
    sparsity: float,
    q_star: float = 1.0,
    *,
    criterion: str = "slope",
    target: float = 0.5,
) -> ClippingLevel:
    """Return the clipping level at which V'(q_star) on the edge of chaos equals `target`.

    On the edge of chaos ``V'(q_star) = E[phi^2]' / E[phi'^2]``.  For crelu and cst it rises from 0 to 1 as m grows, so
    there is one level for each target; for an activation of your own the level found is one at which it is reached.

    Parameters
    ----------
    act : str or Activation
        A clipped family of the registry (``crelu``, ``cst``), or an activation with two free parameters, threshold and
        level.
    sparsity : float
        P(phi = 0) at q_star, strictly between 0 and 1.
    q_star : float
        Variance of the fixed point, > 0.
    criterion : str
        ``"slope"``.
    target : float
        The slope V'(q_star) wanted, strictly between 0 and 1; 0.5 and 0.7 are customary.

    Raises
    ------
    InfeasibleError
        The family has no threshold or no clipping level, the sparsity is out of reach, or the target so near 1 (or 0)
        that float64 cannot tell the level.
    UnknownNameError
        Unknown family or criterion.
    DomainError, DtypeError
        A number is outside its domain.

    Examples
    --------
    >>> clip = clipping_level("crelu", sparsity=0.85, target=0.5)
    >>> round(clip.m, 4), round(clip.sigma_w2, 4), round(clip.sigma_b2, 4)
    (0.8095, 8.5069, 0.6605)
    """
    if criterion not in CRITERIA:
        raise UnknownNameError.among("criterion", criterion, CRITERIA)
    wanted = inside_open_interval("target", target, 0, 1, "It is the slope V'(q_star); 0.5 and 0.7 are customary.")
    q = positive("q_star", q_star)
    unbound = as_activation(act)
    threshold, _ = threshold_parameter(unbound)
    level = level_parameter(unbound, threshold)
    tau = threshold_for_sparsity(unbound, sparsity, q)
    thresholded = unbound.bind(**{threshold: tau})

    def excess(log_ratio: float) -> tuple[float, float]:
        """V'(q_star) - target at m = exp(log_ratio) sqrt(q_star), and a bound of its error."""
        moments = gaussian_moments(thresholded, q, **{level: math.exp(log_ratio) * math.sqrt(q)})
        slope = float(moments.d_second_moment / moments.slope_moment)
        error = float((moments.d_second_moment_error + slope * moments.slope_moment_error) / moments.slope_moment)
        return slope - wanted, error

    low, high = math.log(_LEAST), math.log(_MOST)
    (at_low, error_low), (at_high, error_high) = excess(low), excess(high)
    if not (at_low < -error_low and at_high > error_high):
        raise InfeasibleError(
            f"no clipping level of {unbound.name} between {_LEAST:g} and {_MOST:g} sqrt(q_star) gives V'(q_star) = "
            f"{wanted!r} at sparsity {sparsity:g} in float64: there it runs from {at_low + wanted:.4g} to "
            f"{at_high + wanted:.4g}. Choose a target well inside."
        )
    m = math.sqrt(q) * math.exp(brentq(lambda log_ratio: excess(log_ratio)[0], low, high, xtol=1e-15, rtol=1e-15))
    clipped = thresholded.bind(**{level: m})
    eoc = edge_of_chaos(clipped, q)
    return ClippingLevel(
        m=m,
        tau=tau,
        sigma_w2=eoc.sigma_w2,
        sigma_b2=eoc.sigma_b2,
        q_star=q,
        sparsity=float(sparsity),
        criterion=criterion,
        target=wanted,
        slope=eoc.slope,
        curvature=eoc.curvature,
        variance_map=eoc.variance_map,
    )


def level_parameter(act: Activation, threshold: str) -> str:
    """Name of the one free parameter beside the threshold.

    Raises
    ------
    InfeasibleError
        There is none, or more than one.
    """
    others = [parameter.name for parameter in act.free_parameters if parameter.name != threshold]
    if len(others) != 1:
        raise InfeasibleError(
            f"{act.label} has no single clipping level: its free parameters beside {threshold} are "
            f"{', '.join(others) or 'none'}. Use a clipped family, crelu or cst, and leave its level out."
        )
    return others[0]
