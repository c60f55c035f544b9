"""The threshold that gives a wanted sparsity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from scipy.special import erfinv, ndtri

from ..activations import Activation, Parameter, as_activation
from ..checks import inside_open_interval, positive
from ..errors import InfeasibleError
from .arguments import broadcast, checked_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


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
    s = probability("sparsity", sparsity)
    q = positive("q_star", q_star)
    name, two_sided = threshold_parameter(unbound)
    tau = float(_quantile(np.asarray(s), np.asarray(q), two_sided))
    parameter = _named(unbound, name)
    if not _holds(parameter, np.asarray(tau)):
        least = "above" if parameter.domain.left_open else "at least"
        raise InfeasibleError(
            f"sparsity = {s:g} would need {name} = {tau:.6g}, outside its domain {parameter.domain_text}: "
            f"the sparsity of {unbound.name} is {least} 0.5, since every negative input gives zero."
        )
    return tau


def thresholds_for_sparsity(act: str | Activation, sparsity: ArrayLike, q_star: ArrayLike = 1.0) -> Array:
    """Return the thresholds of `threshold_for_sparsity` for arrays, broadcast against each other.

    Parameters
    ----------
    act : str or Activation
        A family of the registry, or an activation whose threshold is symbolic.
    sparsity : array_like
        P(phi(X) = 0) for X ~ N(0, q_star), strictly between 0 and 1.
    q_star : array_like
        Variances, > 0.

    Returns
    -------
    float64 array of the broadcast shape
        NaN where an argument is NaN, and where no threshold of the parameter's domain gives the sparsity.

    Raises
    ------
    InfeasibleError
        The family has no threshold.
    DomainError, DtypeError
        An element of sparsity or q_star is outside its domain or no real number, or the shapes do not broadcast.
    UnknownNameError
        No such family.

    Examples
    --------
    >>> thresholds_for_sparsity("crelu", [0.4, 0.5, 0.85])
    array([       nan, 0.        , 1.03643339])
    """
    unbound = as_activation(act)
    given = {
        "sparsity": checked_array("sparsity", sparsity, probability),
        "q_star": checked_array("q_star", q_star, positive),
    }
    name, two_sided = threshold_parameter(unbound)
    shape, flat = broadcast(given)
    tau = _quantile(flat["sparsity"], flat["q_star"], two_sided)
    found: Array = np.where(_holds(_named(unbound, name), tau), tau, np.nan).reshape(shape)[()]
    return found


def probability(name: str, value: object) -> float:
    """Return `value` as a sparsity, strictly between 0 and 1, or raise `DomainError`."""
    return inside_open_interval(name, value, 0, 1, "0.85 means that 85 % of the outputs are zero.")


def _quantile(s: Array, q: Array, two_sided: bool) -> Array:
    """The tau at which P(X < tau), two-sided P(|X| < tau), is s for X ~ N(0, q)."""
    root = np.sqrt(q)
    if not two_sided:
        tau: Array = root * ndtri(s)
        return tau
    # From s = 0.5 on 1 - s is exact, so no digits are lost near s = 1.  2 sqrt(q / 2) is sqrt(2 q) without overflow.
    return np.where(s < 0.5, 2 * np.sqrt(q / 2) * erfinv(s), -root * ndtri((1 - s) / 2))


def _named(act: Activation, name: str) -> Parameter:
    return next(parameter for parameter in act.parameters if parameter.name == name)


def _holds(parameter: Parameter, values: Array) -> NDArray[np.bool_]:
    """Where the domain of `parameter` holds the values; nowhere for NaN."""
    low, high = float(parameter.domain.inf), float(parameter.domain.sup)
    above = values > low if parameter.domain.left_open else values >= low
    below = values < high if parameter.domain.right_open else values <= high
    inside: NDArray[np.bool_] = above & below
    return inside


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
