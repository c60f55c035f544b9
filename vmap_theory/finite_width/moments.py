"""Gaussian moments of fourth order: the noise that a layer of finite width makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, as_activation
from ..checks import positive_array
from ..kernels import gaussian_moments
from .arguments import require_slopes
from .derived import derived
from .nodes import unit_nodes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NoiseMoments:
    """Gaussian moments of an activation at variance q that small-noise theory needs; arrays of one shape.

    Attributes
    ----------
    second_moment, d_second_moment, d2_second_moment : array
        E[phi^2] and its derivatives in q.
    slope_moment, d_slope_moment, d2_slope_moment : array
        E[phi'^2] and its derivatives in q, kinks of phi included.
    square_variance : array
        Var[phi^2] = E[phi^4] - E[phi^2]^2.
    slope_variance : array
        Var[phi'^2].
    covariance : array
        Cov(phi^2, phi'^2).
    """

    second_moment: Any
    d_second_moment: Any
    d2_second_moment: Any
    slope_moment: Any
    d_slope_moment: Any
    d2_slope_moment: Any
    square_variance: Any
    slope_variance: Any
    covariance: Any


def noise_moments(act: Activation | str, q: ArrayLike, /, **parameters: ArrayLike) -> NoiseMoments:
    """Return the moments of second and fourth order of phi and phi'.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry; parameters may stay free if they are given here.
    q : array_like
        Variances (not standard deviations), > 0.
    **parameters : array_like
        Values of the free parameters, broadcast against `q`.

    Returns
    -------
    NoiseMoments
        Polynomial pieces: every raw moment to 1e-13 relative.  Others by certified quadrature; a Python function, by
        quadrature of fixed order with numeric slopes, to some 1e-10 if it is smooth on the scale of sqrt(q) / 2 between
        its breaks.  A variance loses digits where it is far below the square of its mean.

    Raises
    ------
    NoEdgeOfChaosError
        phi jumps or is infinitely steep somewhere.
    DomainError, DtypeError, SymbolicParameterError, PrecisionError
        As `gaussian_moments`.

    Examples
    --------
    >>> moments = noise_moments("relu", 1.0)
    >>> float(moments.square_variance), float(moments.slope_variance), float(moments.covariance)
    (1.25, 0.25, 0.25)
    """
    act = as_activation(act)
    require_slopes(act, "the noise of gradients")
    if act.function is not None:
        return _of_function(act, positive_array("q", q, nan=True))
    given: dict[str, Any] = parameters
    plain = gaussian_moments(act, q, **given)
    slope = gaussian_moments(derived(act, "slope"), q, **given)
    fourth, slope_fourth, mixed = (
        gaussian_moments(derived(act, kind), q, **given).second_moment
        for kind in ("square", "squared slope", "product")
    )
    return NoiseMoments(
        plain.second_moment,
        plain.d_second_moment,
        plain.d2_second_moment,
        slope.second_moment,
        slope.d_second_moment,
        slope.d2_second_moment,
        np.maximum(fourth - plain.second_moment**2, 0.0),
        np.maximum(slope_fourth - slope.second_moment**2, 0.0),
        mixed - plain.second_moment * slope.second_moment,
    )


def _of_function(act: Activation, q: Array) -> NoiseMoments:
    """The same for a Python function; derivatives in q by ``2 q d/dq E[f] = E[f (Z^2 - 1)]``, free of slopes of f."""
    rows = np.array([_function_row(act, float(one)) for one in q.ravel()]).reshape((*q.shape, 9))
    return NoiseMoments(*(rows[..., column][()] for column in range(9)))


def _function_row(act: Activation, q: float) -> list[float]:
    if np.isnan(q):
        return [np.nan] * 9
    at = unit_nodes(act, q)
    squares, slopes = at.phi**2, at.slope**2
    first, second = (at.z**2 - 1) / (2 * q), (at.z**4 - 6 * at.z**2 + 3) / (4 * q * q)
    means = [float(at.weights @ (f * g)) for f in (squares, slopes) for g in (np.ones_like(first), first, second)]
    away, slopes_away = squares - means[0], slopes - means[3]
    pairs = ((away, away), (slopes_away, slopes_away), (away, slopes_away))
    return means + [float(at.weights @ (f * g)) for f, g in pairs]


def square_noise(act: Activation, q: Array) -> tuple[Array, Array, Array]:
    """E[phi^2], its derivative in q, and Var[phi^2]; phi may jump."""
    plain = gaussian_moments(act, q)
    if act.function is None:
        fourth = gaussian_moments(derived(act, "square"), q).second_moment
        variance = np.maximum(fourth - plain.second_moment**2, 0.0)
    else:
        variance = np.array([_function_row(act, float(one))[6] for one in q.ravel()]).reshape(q.shape)
    return plain.second_moment, plain.d_second_moment, variance
