"""The threshold that gives a wanted sparsity."""

from __future__ import annotations

import math

import sympy as sp
from scipy.special import erfinv, ndtri

from ..activations import Activation, as_activation
from ..checks import inside_open_interval, positive
from ..errors import DomainError, InfeasibleError


def threshold_for_sparsity(act: str | Activation, sparsity: float, q_star: float = 1.0) -> float:
    """Return the threshold at which a fraction `sparsity` of the outputs is zero.

    One-sided dead zones (-oo, tau): ``tau = sqrt(q_star) Phi^-1(sparsity)``; symmetric ones (-tau, tau):
    ``tau = sqrt(q_star) Phi^-1((1 + sparsity)/2)``.

    Parameters
    ----------
    act : str or Activation
        A family of the registry, or an activation whose threshold is symbolic.
    sparsity : float
        P(phi(X) = 0) for X ~ N(0, q_star), strictly between 0 and 1.
    q_star : float
        Variance, > 0.

    Raises
    ------
    InfeasibleError
        No threshold of the parameter's domain gives this sparsity, or the family has no threshold.
    DomainError, DtypeError
        sparsity or q_star is not a number of its domain.
    UnknownNameError
        No such family.

    Examples
    --------
    >>> round(threshold_for_sparsity("crelu", 0.85), 10)
    1.0364333895
    """
    unbound = as_activation(act)
    s = inside_open_interval("sparsity", sparsity, 0, 1, "0.85 means that 85 % of the outputs are zero.")
    q = positive("q_star", q_star)
    name, two_sided = threshold_parameter(unbound)
    if not two_sided:
        tau = math.sqrt(q) * float(ndtri(s))
    elif s < 0.5:
        tau = math.sqrt(2 * q) * float(erfinv(s))
    else:  # 1 - s is exact here, so no digits are lost near s = 1
        tau = -math.sqrt(q) * float(ndtri((1 - s) / 2))
    parameter = next(p for p in unbound.parameters if p.name == name)
    try:
        parameter.accept(tau)
    except DomainError:
        least = "above" if parameter.domain.left_open else "at least"
        raise InfeasibleError(
            f"sparsity = {s:g} would need {name} = {tau:.6g}, outside its domain {parameter.domain_text}: "
            f"the sparsity of {unbound.name} is {least} 0.5, since every negative input gives zero."
        ) from None
    return tau


def threshold_parameter(act: Activation) -> tuple[str, bool]:
    """Name of the free parameter that ends the dead zone, and whether the dead zone is symmetric about 0.

    Raises
    ------
    InfeasibleError
        phi is zero on no interval that a free parameter ends.
    """
    free = {parameter.symbol: parameter.name for parameter in act.free_parameters}
    dead = [piece for piece in act.pieces if piece.expression == 0]
    if len(dead) == 1 and dead[0].upper in free and dead[0].lower in (-sp.oo, -dead[0].upper):
        return free[dead[0].upper], dead[0].lower != -sp.oo
    raise InfeasibleError(
        f"{act.label} has no free threshold: a threshold tau is symbolic, and phi is zero on (-oo, tau) or on "
        "(-tau, tau), and nowhere else. "
        "Use relu_tau, soft_threshold, crelu, cst or hard_threshold, and leave the threshold out."
    )
