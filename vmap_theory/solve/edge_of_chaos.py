"""The edge of chaos: the weight and bias variance that keep both variance and gradients at a chosen q*."""

from __future__ import annotations

from dataclasses import dataclass

from ..activations import Activation, as_activation
from ..checks import positive
from ..errors import InfeasibleError, NoEdgeOfChaosError, PrecisionError
from ..kernels import gaussian_moments
from ..variance_map import VarianceMap
from .edge_of_chaos_array import EdgesOfChaos, edges_of_chaos
from .status import SolveStatus


@dataclass(frozen=True)
class EdgeOfChaos:
    """A point on the edge of chaos.

    Attributes
    ----------
    sigma_w2, sigma_b2 : float
        Variance of the weights times fan-in, and of the biases.
    q_star : float
        The fixed point, a variance.
    variance_map : VarianceMap
        The map with these variances; V(q_star) = q_star and chi_1(q_star) = 1.
    slope, curvature : float
        V'(q_star) and V''(q_star): the fixed point attracts if the slope is below 1; at slope 1 a positive curvature
        repels from above.
    sparsity : float
        P(phi = 0) at q_star.
    """

    sigma_w2: float
    sigma_b2: float
    q_star: float
    variance_map: VarianceMap
    slope: float
    curvature: float
    sparsity: float


def edge_of_chaos(act: Activation | str, q_star: float = 1.0) -> EdgeOfChaos:
    """Return the edge of chaos of `act` at the variance `q_star`.

    ``sigma_w2 = 1 / E[phi'^2]`` and ``sigma_b2 = q_star - sigma_w2 E[phi^2]``.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry; with a number for every parameter.
    q_star : float
        Variance (not standard deviation) that is to be the fixed point, > 0.

    Raises
    ------
    NoEdgeOfChaosError
        phi jumps (E[phi'^2] is infinite) or is flat wherever a Gaussian of this variance reaches.
    InfeasibleError
        sigma_b2 would be negative; the message says by how much.
    PrecisionError
        E[phi^2] or E[phi'^2] leaves the range of float64.
    SymbolicParameterError, DomainError, DtypeError
        A parameter has no value, or q_star is not a positive number.

    Examples
    --------
    >>> from vmap_theory import activation
    >>> eoc = edge_of_chaos(activation("leaky_relu", negative_slope=0.5))
    >>> eoc.sigma_w2, eoc.sigma_b2
    (1.6, 0.0)
    """
    act = as_activation(act)
    act.require_numbers("the edge of chaos")
    q = positive("q_star", q_star)
    require_finite_slope(act)
    edges = edges_of_chaos(act, q)
    require_edge(act, edges)
    sigma_w2, sigma_b2 = float(edges.sigma_w2), float(edges.sigma_b2)
    return EdgeOfChaos(
        sigma_w2=sigma_w2,
        sigma_b2=sigma_b2,
        q_star=q,
        variance_map=VarianceMap(act, sigma_w2=sigma_w2, sigma_b2=sigma_b2, q_star=q),
        slope=float(edges.slope),
        curvature=float(edges.curvature),
        sparsity=float(edges.sparsity),
    )


def require_finite_slope(act: Activation) -> None:
    """Raise `NoEdgeOfChaosError` if phi jumps or has an infinite slope."""
    if act.slope_is_infinite:
        places = ", ".join(f"{float(point.at):g}" for point in act.jumps)
        cause = f"jumps at x = {places}" if places else "has an infinite slope"
        raise NoEdgeOfChaosError(
            f"{act.label} {cause}, so E[phi'^2] is infinite and no weight variance gives chi_1 = 1: "
            "use a continuous activation of finite slope, for instance soft_threshold in place of hard_threshold."
        )


def require_edge(act: Activation, edges: EdgesOfChaos) -> None:
    """Raise the error that says why `act` has none, unless `edges`, a single element, is an edge of chaos."""
    q = float(edges.q_star)
    if edges.status in (SolveStatus.FLAT, SolveStatus.INFINITE_SLOPE):
        raise NoEdgeOfChaosError(
            f"E[phi'^2] = {float(gaussian_moments(act, q).slope_moment):g} for {act.label} at q_star = {q:g}: "
            "no weight variance that float64 can hold gives chi_1 = 1. Lower the threshold or raise q_star."
        )
    if edges.status == SolveStatus.OUT_OF_RANGE:
        raise PrecisionError(
            f"E[phi^2] of {act.label} at q_star = {q:g} leaves the range of float64, so sigma_b2 cannot be told: "
            "measure q_star and the activation in another unit."
        )
    if edges.status == SolveStatus.NEGATIVE_BIAS:
        raise InfeasibleError(
            f"the edge of chaos of {act.label} at q_star = {q:g} would need sigma_b2 = {-edges.shortfall:.6g}, "
            f"{edges.shortfall:.6g} below the least possible value 0: E[phi^2] exceeds q_star E[phi'^2]. "
            "Shift the activation so that its mean is nearer zero, or choose another q_star."
        )
