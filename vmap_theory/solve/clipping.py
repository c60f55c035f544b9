"""The clipping level: how far the magnitude may grow before the variance map repels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..activations import Activation, as_activation
from ..checks import positive
from ..errors import InfeasibleError, PrecisionError
from ..variance_map import VarianceMap
from .clipping_array import CRITERIA as CRITERIA
from .clipping_array import ClippingLevels, clipping_levels
from .criteria.family import ClippedFamily
from .criteria.family import level_parameter as level_parameter
from .criteria.finite_width import finite_width_level, why_no_finite_width
from .criteria.inflection import why_no_inflection
from .criteria.options import finite_width_options, require_criterion
from .criteria.saddle_node import why_no_saddle_node
from .criteria.slope import slope_target, why_no_slope
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
    criterion : str
        How m was chosen.
    target : float or None
        The slope asked for; None for other criteria than ``slope``.
    slope, curvature : float
        V'(q_star) and V''(q_star) that are reached.
    variance_map : VarianceMap
        The map with all these numbers.
    tangency : float or None
        For ``saddle-node`` the variance q at which V touches the identity, V(q) = q and V'(q) = 1.
    m_interval : tuple of float, or None
        For ``finite-width`` the interval in which the level lies with 95 % confidence.  Its lower end is 0 where no
        level is shown to suffice, its upper end infinite where none is shown to fail.
    m_least : float or None
        For ``finite-width`` the smallest level that suffices: below it too few units are active.
    probability : float or None
        For ``finite-width`` the share of the simulated nets that stay in range.
    """

    m: float
    tau: float
    sigma_w2: float
    sigma_b2: float
    q_star: float
    sparsity: float
    criterion: str
    target: float | None
    slope: float
    curvature: float
    variance_map: VarianceMap
    tangency: float | None = None
    m_interval: tuple[float, float] | None = None
    m_least: float | None = None
    probability: float | None = None


def clipping_level(
    act: str | Activation,
    sparsity: float,
    q_star: float = 1.0,
    *,
    criterion: str = "slope",
    target: float | None = None,
    width: int | None = None,
    depth: int | None = None,
    risk: float | None = None,
    variance_range: float | None = None,
    gradient_range: float | None = None,
    chains: int | None = None,
    seed: int | None = None,
) -> ClippingLevel:
    """Return the clipping level of an activation on its edge of chaos, chosen by one of four criteria.

    ``slope``: V'(q_star) equals `target`.  ``inflection``: V''(q_star) = 0.  ``saddle-node``: the largest level up to
    which q_star is the only fixed point; there V(q) = q and V'(q) = 1 at the ``tangency`` q.  ``finite-width``: the
    largest level at which a net of `width` and `depth`, started at q_star, keeps every layer's variance between
    q_star/variance_range and q_star variance_range, and its gradient factor within `gradient_range` decades of 1, with
    probability 1 - risk.

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
        ``"slope"``, ``"inflection"``, ``"saddle-node"`` or ``"finite-width"``.
    target : float, optional
        For ``slope``: the slope V'(q_star) wanted, strictly between 0 and 1; 0.5 if left out; 0.7 is customary too.
    width, depth : int, optional
        For ``finite-width``: units of a layer (2 or more) and layers (1 or more).
    risk : float, optional
        For ``finite-width``: probability of leaving the range that is accepted, strictly between 0 and 1.
    variance_range : float, optional
        For ``finite-width``: a factor > 1; 10 if left out.
    gradient_range : float, optional
        For ``finite-width``: decades, > 0; 3 if left out.
    chains, seed : int, optional
        For ``finite-width``: size of the simulation, 2000 and 0 if left out.

    Raises
    ------
    InfeasibleError
        The family has no threshold or no clipping level, the sparsity is out of reach, or no level meets the
        criterion; the message says why.
    PrecisionError
        There is a level, and float64 cannot tell it (``saddle-node`` at thresholds very near 0).
    NoEdgeOfChaosError
        The activation jumps or has an infinite slope.
    UnknownNameError
        Unknown family or criterion.
    DomainError, DtypeError
        A number is outside its domain, missing, or does not belong to the criterion.

    Examples
    --------
    >>> clip = clipping_level("crelu", sparsity=0.85, target=0.5)
    >>> round(clip.m, 4), round(clip.sigma_w2, 4), round(clip.sigma_b2, 4)
    (0.8095, 8.5069, 0.6605)
    >>> round(clipping_level("crelu", sparsity=0.9, criterion="inflection").m, 10)
    0.7111381142
    >>> clip = clipping_level("crelu", sparsity=0.85, criterion="saddle-node")
    >>> round(clip.m, 10), round(clip.tangency, 10)
    (1.8386317907, 1.8516876589)
    """
    require_criterion(criterion)
    if target is not None and criterion == "slope":
        target = slope_target("target", target)
    q = positive("q_star", q_star)
    unbound = as_activation(act)
    net: dict[str, object] = {"width": width, "depth": depth, "risk": risk, "variance_range": variance_range}
    net |= {"gradient_range": gradient_range, "chains": chains, "seed": seed}
    given: dict[str, Any] = {"criterion": criterion, "target": target, **net}
    if criterion == "finite-width":
        finite_width_options(net)  # a missing width is told before a sparsity out of reach
    family = ClippedFamily.of(unbound)
    tau = threshold_for_sparsity(unbound, sparsity, q)
    found = clipping_levels(unbound, sparsity, q, **given)
    _require_level(family, found, tau, net)
    m = float(found.m)
    level = {family.threshold: tau, family.level: m}
    clipped = unbound.bind(**level)
    if not found.feasible:
        require_edge(clipped, edges_of_chaos(unbound, q, **level))
    sigma_w2, sigma_b2 = float(found.sigma_w2), float(found.sigma_b2)
    interval = None if found.m_low is None else (float(found.m_low), float(found.m_high))
    return ClippingLevel(
        m=m,
        tau=tau,
        sigma_w2=sigma_w2,
        sigma_b2=sigma_b2,
        q_star=q,
        sparsity=float(sparsity),
        criterion=criterion,
        target=_number(found.target),
        slope=float(found.slope),
        curvature=float(found.curvature),
        variance_map=VarianceMap(clipped, sigma_w2=sigma_w2, sigma_b2=sigma_b2, q_star=q),
        tangency=_number(found.tangency),
        m_interval=interval,
        m_least=_number(found.m_least),
        probability=_number(found.probability),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _require_level(family: ClippedFamily, found: ClippingLevels, tau: float, net: dict[str, object]) -> None:
    """Raise the error that says why there is no level, unless there is one."""
    sparsity, q = float(found.sparsity), float(found.q_star)
    if found.status == SolveStatus.UNRESOLVED:
        raise PrecisionError(why_no_saddle_node(family, sparsity, tau, q, unresolved=True))
    if found.status != SolveStatus.NO_LEVEL:
        return
    if found.criterion == "slope":
        raise InfeasibleError(why_no_slope(family, sparsity, tau, q, float(found.target)))
    if found.criterion == "inflection":
        raise InfeasibleError(why_no_inflection(family, sparsity, tau, q))
    if found.criterion == "saddle-node":
        raise InfeasibleError(why_no_saddle_node(family, sparsity, tau, q, unresolved=False))
    options = finite_width_options(net)
    level = finite_width_level(family, float(found.tau), q, options)
    raise InfeasibleError(why_no_finite_width(family, sparsity, level, options))
