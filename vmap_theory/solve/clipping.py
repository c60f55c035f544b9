"""The clipping level: how far the magnitude may grow before the variance map repels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..activations import Activation, as_activation
from ..checks import positive
from ..errors import InfeasibleError
from ..variance_map import VarianceMap
from .clipping_array import CRITERIA as CRITERIA
from .clipping_array import LEAST, MOST, Search, clipping_levels, require_criterion, slope_target
from .clipping_array import level_parameter as level_parameter
from .edge_of_chaos import require_edge
from .edge_of_chaos_array import edges_of_chaos
from .status import SolveStatus
from .threshold import threshold_for_sparsity


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
    require_criterion(criterion)
    wanted = slope_target("target", target)
    q = positive("q_star", q_star)
    unbound = as_activation(act)
    search = Search(unbound)
    tau = threshold_for_sparsity(unbound, sparsity, q)
    found = clipping_levels(unbound, sparsity, q, criterion=criterion, target=wanted)
    if found.status == SolveStatus.NO_LEVEL:
        at_low, at_high = (search.slopes_at(ratio, np.asarray(tau), np.asarray(q))[0] for ratio in (LEAST, MOST))
        raise InfeasibleError(
            f"no clipping level of {unbound.name} between {LEAST:g} and {MOST:g} sqrt(q_star) gives V'(q_star) = "
            f"{wanted!r} at sparsity {sparsity:g} in float64: there it runs from {at_low:.4g} to "
            f"{at_high:.4g}. Choose a target well inside."
        )
    m = float(found.m)
    level = {search.threshold: tau, search.level: m}
    clipped = unbound.bind(**level)
    if not found.feasible:
        require_edge(clipped, edges_of_chaos(unbound, q, **level))
    sigma_w2, sigma_b2 = float(found.sigma_w2), float(found.sigma_b2)
    return ClippingLevel(
        m=m,
        tau=tau,
        sigma_w2=sigma_w2,
        sigma_b2=sigma_b2,
        q_star=q,
        sparsity=float(sparsity),
        criterion=criterion,
        target=wanted,
        slope=float(found.slope),
        curvature=float(found.curvature),
        variance_map=VarianceMap(clipped, sigma_w2=sigma_w2, sigma_b2=sigma_b2),
    )
