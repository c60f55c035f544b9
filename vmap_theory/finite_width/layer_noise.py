r"""Small-noise theory: what a layer of width n adds to first order in 1/n, on arrays of maps.

With x_l = Q_l - q_l the distance from the variance q_l = V(q_{l-1}) of infinite width,

.. math::
    x_{l+1} = V' x_l + \tfrac12 V'' x_l^2 + \xi_l, \qquad
    \log\Gamma_l = \log\chi_1 + \kappa x_l + \tfrac12 \kappa_2 x_l^2 + \eta_l,

kappa and kappa_2 being the derivatives of log chi_1 in q.  The noises of different layers are independent; those of one
layer come from the same units, with n Var xi = sigma_w^4 Var[phi^2], n Var eta = Var[phi'^2] / E[phi'^2]^2,
n Cov(xi, eta) = sigma_w^2 Cov(phi^2, phi'^2) / E[phi'^2] and n E[eta] = -n Var eta / 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from ..activations import Activation, as_activation
from ..checks import inside_open_interval, positive_array, real_array
from ..errors import DomainError
from .arguments import checked_depth, checked_width
from .moments import noise_moments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LN_10 = float(np.log(10.0))


ROUNDING = 1e-14
"""V' is known to about 6e-15: a slope this near 1 is that of an unclipped activation."""


@dataclass(frozen=True, eq=False)
class LayerNoise:
    """First-order statistics of layers whose variance is near q; arrays of one shape.

    Attributes
    ----------
    q : array
        The variance.
    slope, curvature : array
        V'(q) and V''(q).
    noise : array
        n Var[Q'] of one layer, sigma_w^4 Var[phi^2].
    log_chi_1, sensitivity, bend : array
        log chi_1(q) and its first two derivatives in q.
    gradient_noise : array
        n Var of the log gradient factor (natural logarithm) of one layer at given Q.
    joint_noise : array
        n Cov of the next Q and of the log gradient factor.
    """

    q: Any
    slope: Any
    curvature: Any
    noise: Any
    log_chi_1: Any
    sensitivity: Any
    bend: Any
    gradient_noise: Any
    joint_noise: Any

    def at(self, place: Any) -> LayerNoise:
        """The same for some elements."""
        return LayerNoise(**{name: getattr(self, name)[place] for name in self.__dataclass_fields__})

    def stationary_variance(self, width: int) -> Any:
        """Var Q deep inside, ``noise / (n (1 - V'^2))``; infinite where ``|V'| >= 1``: there it grows with depth."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(
                1 - np.abs(self.slope) > ROUNDING, self.noise / (checked_width(width) * (1 - self.slope**2)), np.inf
            )[()]

    def log_gradient(self, width: int, depth: int) -> tuple[Any, Any]:
        """Mean and variance of the natural log of the gradient factor of `depth` layers, started at a fixed point q."""
        return accumulated([self] * checked_depth(depth), checked_width(width))

    def score(self, width: int, depth: int, level: float = 0.95) -> Any:
        """The `level` quantile of the log10 gradient factor if it were normal: (mean + z sd) / log 10."""
        share = inside_open_interval("level", level, 0, 1)
        return score_of(*self.log_gradient(width, depth), share)


def layer_noise(
    act: Activation | str, sigma_w2: ArrayLike, sigma_b2: ArrayLike, q: ArrayLike, /, **parameters: ArrayLike
) -> LayerNoise:
    """Return the first-order statistics of layers with variance near q.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.
    sigma_w2, sigma_b2, q : array_like
        Variances, > 0, >= 0 and > 0, broadcast; NaN gives NaN.  None of the results depends on `sigma_b2` alone.
    **parameters : array_like
        Values of the free parameters.

    Raises
    ------
    NoEdgeOfChaosError
        phi jumps.
    DomainError, DtypeError
        A value is outside its domain.
    """
    act = as_activation(act)
    weights = positive_array("sigma_w2", sigma_w2, nan=True)
    biases = real_array("sigma_b2", sigma_b2, finite=False)
    if bool((biases < 0).any()):
        raise DomainError(f"sigma_b2 = {biases.min():g} is outside its domain: it must hold numbers >= 0.")
    variances, weights, _ = np.broadcast_arrays(positive_array("q", q, nan=True), weights, biases)
    m = noise_moments(act, variances, **parameters)
    with np.errstate(divide="ignore", invalid="ignore"):
        sensitivity = m.d_slope_moment / m.slope_moment
        return LayerNoise(
            q=variances[()],
            slope=weights * m.d_second_moment,
            curvature=weights * m.d2_second_moment,
            noise=weights**2 * m.square_variance,
            log_chi_1=np.log(weights * m.slope_moment),
            sensitivity=sensitivity,
            bend=m.d2_slope_moment / m.slope_moment - sensitivity**2,
            gradient_noise=m.slope_variance / m.slope_moment**2,
            joint_noise=weights * m.covariance / m.slope_moment,
        )


def accumulated(layers: Sequence[LayerNoise], width: int) -> tuple[Any, Any]:
    """Mean and variance of the natural log of the gradient factor through layers, the last of `accumulated_path`."""
    found: tuple[Any, Any] = (0.0, 0.0)
    for found in accumulated_path(layers, width):  # noqa: B007
        pass
    return found


def accumulated_path(layers: Iterable[LayerNoise], width: int) -> Iterator[tuple[Any, Any]]:
    """Mean and variance of the natural log of the gradient factor up to each layer, to first order in 1/n.

    In one pass, with the covariance of x_l and the logarithm so far: ``x' = V' x + xi`` and ``s' = s + kappa x + eta``.
    The mean of x_l feels the curvature of V.
    """
    mean: Any = 0.0
    variance: Any = 0.0
    drift: Any = 0.0
    spread: Any = 0.0
    joint: Any = 0.0
    for layer in layers:
        mean = mean + width * layer.log_chi_1
        mean = mean + layer.sensitivity * drift + layer.bend * spread / 2 - layer.gradient_noise / 2
        kappa = layer.sensitivity
        variance = variance + 2 * kappa * joint + kappa**2 * spread + layer.gradient_noise
        joint = layer.slope * (joint + kappa * spread) + layer.joint_noise
        drift = layer.slope * drift + layer.curvature * spread / 2
        spread = layer.noise + layer.slope**2 * spread
        yield mean / width, np.maximum(variance, 0.0) / width


def score_of(mean: Any, variance: Any, level: float) -> Any:
    """The `level` quantile of a normal logarithm, as a decimal logarithm."""
    with np.errstate(invalid="ignore"):
        return (mean + special.ndtri(level) * np.sqrt(variance)) / _LN_10
