"""Small-noise theory of whole nets: variances and gradients layer by layer, and the score on arrays of maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation
from ..variance_map import VarianceMap
from .arguments import checked_depth, checked_map, checked_width, starting_variance
from .layer_noise import ROUNDING, LayerNoise, accumulated_path, layer_noise
from .moments import square_noise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

_LARGEST_Q = 1e50  # the moments of phi^2 hold q^4


def layers_from(vm: VarianceMap, q_0: float, depth: int) -> list[LayerNoise]:
    """The statistics of each layer along the variances of infinite width, from `q_0` on; none where these diverge."""
    path = variance_path(vm, depth - 1, q_0)
    if not np.all((path > 0) & (path < _LARGEST_Q)):
        return []
    if np.ptp(path) <= 1e-9 * q_0:  # a fixed point: its rounding errors are not a path
        return [layer_noise(vm.activation, vm.sigma_w2, vm.sigma_b2, q_0)] * depth
    whole = layer_noise(vm.activation, vm.sigma_w2, vm.sigma_b2, path)
    return [whole.at(layer) for layer in range(depth)]


def variance_path(vm: VarianceMap, depth: int, q_0: float) -> Array:
    """Variances q_0, V(q_0), V(V(q_0)), ... of `depth` layers of infinite width; inf from where they exceed 1e50 on."""
    path = np.full(depth + 1, np.inf)
    path[0] = q_0
    for layer in range(depth):
        following = float(vm(path[layer]))
        if following >= _LARGEST_Q:
            break
        if following == 0:
            path[layer + 1 :] = 0.0
            break
        path[layer + 1] = following
    return path


def variance_recursion(vm: VarianceMap, width: int, depth: int, q_0: float | None = None) -> Array:
    """Return Var Q_l by small-noise theory, ``kappa_4' = sigma_w^4 Var[phi^2] / n + V'(q)^2 kappa_4``.

    Parameters
    ----------
    vm : VarianceMap
        The map of a layer of infinite width; phi may jump.
    width, depth : int
        Units per layer, layers.
    q_0 : float, optional
        Variance of the first layer; by default the q* of the map.

    Returns
    -------
    array of shape (depth + 1,)
        In units of q^2; the first element is 0; inf where the variance itself diverges.

    Examples
    --------
    >>> from vmap_theory import edge_of_chaos
    >>> edge = edge_of_chaos("relu")
    >>> variance_recursion(edge.variance_map, width=100, depth=3, q_0=1.0)
    array([0.  , 0.05, 0.1 , 0.15])
    """
    chain, units, layers = checked_map(vm), checked_width(width), checked_depth(depth)
    q = starting_variance(chain, q_0)
    path = variance_path(chain, layers, q)[:-1]
    known = np.isfinite(path) & (path > 0)
    _, d_second, variance = square_noise(chain.activation, path[known])
    gains, noises = (chain.sigma_w2 * d_second) ** 2, chain.sigma_w2**2 * variance / units
    out = np.full(layers + 1, np.inf)
    out[0] = 0.0
    for layer, (gain, noise) in enumerate(zip(gains, noises, strict=True)):
        out[layer + 1] = noise + gain * out[layer]
    if not known.all() and path[-1] == 0:
        out[known.sum() + 1 :] = 0.0
    return out


def log_gradient_path(vm: VarianceMap, width: int, depth: int, q_0: float | None = None) -> tuple[Array, Array]:
    """Return mean and variance of the natural log of the gradient factor up to each layer, by small-noise theory.

    Parameters
    ----------
    vm : VarianceMap
        The map of a layer of infinite width.
    width, depth : int
        Units per layer, layers.
    q_0 : float, optional
        Variance of the first layer; by default the q* of the map.

    Returns
    -------
    two arrays of shape (depth + 1,)
        nan where the variances of infinite width leave float64; the first elements are 0.

    Examples
    --------
    >>> from vmap_theory import edge_of_chaos
    >>> mean, variance = log_gradient_path(edge_of_chaos("relu").variance_map, width=100, depth=2, q_0=1.0)
    >>> mean, variance  # -1 / (2 n) and 1 / n a layer: half of the units are active
    (array([ 0.   , -0.005, -0.01 ]), array([0.  , 0.01, 0.02]))
    """
    chain, units = checked_map(vm), checked_width(width)
    layers = layers_from(chain, starting_variance(chain, q_0), checked_depth(depth))
    if not layers:
        unknown = np.append(0.0, np.full(depth, np.nan))
        return unknown, unknown.copy()
    steps = list(accumulated_path(layers, units))
    return np.array([0.0] + [float(mean) for mean, _ in steps]), np.array([0.0] + [float(one) for _, one in steps])


def stationary_variance(vm: VarianceMap, width: int, q_star: float | None = None) -> float:
    """Return the variance of Q deep inside a net, ``sigma_w^4 Var[phi^2] / (n (1 - V'(q*)^2))``.

    Infinite where ``|V'(q*)| >= 1``: there the variance grows with depth, see `variance_recursion`.

    Parameters
    ----------
    vm : VarianceMap
        The map.
    width : int
        Units per layer.
    q_star : float, optional
        A stable fixed point; by default the q* of the map.

    Examples
    --------
    >>> from vmap_theory import clipping_level
    >>> clip = clipping_level("crelu", sparsity=0.85, target=0.5)
    >>> round(stationary_variance(clip.variance_map, width=300), 5)
    0.00606
    """
    chain, units = checked_map(vm), checked_width(width)
    q = starting_variance(chain, q_star)
    _, d_second, variance = (float(one) for one in square_noise(chain.activation, np.array(q)))
    slope = chain.sigma_w2 * d_second
    return chain.sigma_w2**2 * variance / (units * (1 - slope**2)) if 1 - abs(slope) > ROUNDING else float("inf")


def small_noise_score(
    act: Activation | str,
    sigma_w2: ArrayLike,
    sigma_b2: ArrayLike,
    q_star: ArrayLike,
    /,
    width: int,
    depth: int,
    *,
    level: float = 0.95,
    **parameters: ArrayLike,
) -> Any:
    """Return the score of `trainability` by small-noise theory, for arrays of maps.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry; parameters may stay free if they are given here.
    sigma_w2, sigma_b2, q_star : array_like
        Variances; `q_star` a fixed point of the map.  NaN gives NaN.
    width, depth : int
        Units per layer, layers.
    level : float
        Of the quantile.
    **parameters : array_like
        Values of the free parameters.

    Returns
    -------
    array
        ``(mean + z sd) / log(10)``, of the broadcast shape.  It knows one fixed point: where noise carries chains over
        an unstable one it is far too low (see docs/finite_width.md).

    Raises
    ------
    NoEdgeOfChaosError
        phi jumps.
    DomainError, DtypeError
        A value is outside its domain.

    Examples
    --------
    >>> from vmap_theory import clipping_levels
    >>> found = clipping_levels("crelu", 0.85, target=[0.5, 0.7])
    >>> small_noise_score(
    ...     "crelu", found.sigma_w2, found.sigma_b2, 1.0, width=300, depth=100, tau=found.tau, m=found.m
    ... ).round(1)
    array([0.6, 1. ])
    """
    return layer_noise(act, sigma_w2, sigma_b2, q_star, **parameters).score(width, depth, level)
