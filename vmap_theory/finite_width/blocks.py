"""Blocks of chains: what one worker does at a time; the recursion itself is the same for NumPy and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..activations import Activation
from ..variance_map import VarianceMap
from .units import Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

GRADIENTS = ("mean", "tangent", "none")
"""What a chain can accumulate beside its variances."""

_BLOCK_UNITS = 32768  # normals of a layer at a time: 256 kB, which a core's cache holds with what is made of them
_MOST_CHAINS = 256
_LN_10 = float(np.log(10.0))


@dataclass(frozen=True)
class Net:
    """What chains are simulated of."""

    vm: VarianceMap
    width: int
    depth: int
    q_0: float
    gradient: str


@dataclass(frozen=True)
class ChainBlock:
    """Variances and log10 gradient factors of some chains, shape (chains, depth + 1) each."""

    q: Array
    log10_gradient: Array | None


class UnitFunctions(Protocol):
    """phi and phi' on arrays of some library, shape (chains, width)."""

    def values(self, x: Any) -> Any:
        """phi(x)."""

    def slopes(self, x: Any) -> Any:
        """phi'(x)."""

    def log_mean_squared_slope(self, x: Any) -> Any:
        """Natural logarithm of the mean of phi'^2 over the last axis, also where the mean underflows."""


def block_size(width: int) -> int:
    """Chains in a block: a function of the width alone, for the random numbers depend on it."""
    return max(1, min(_MOST_CHAINS, _BLOCK_UNITS // width))


def simulate_block(net: Net, seed: int, number: int) -> ChainBlock:
    """Simulate block `number`; its random numbers depend on the seed and the number alone, not on the width."""
    size = block_size(net.width)
    streams = [np.random.SeedSequence(seed, spawn_key=(number, stream)) for stream in (0, 1)]
    generators = [np.random.Generator(np.random.PCG64(stream)) for stream in streams]
    z = np.empty((size, net.width))

    def normals(stream: int) -> Array:
        return generators[stream].standard_normal(out=z)

    with np.errstate(all="ignore"):
        q, logs = layers(net, np, _units(net.vm.activation), normals, np.full(size, net.q_0))
        return ChainBlock(np.stack(q, axis=1), np.stack(logs, axis=1) if logs else None)


def layers(
    net: Net, xp: Any, units: UnitFunctions, normals: Callable[[int], Any], q_0: Any
) -> tuple[list[Any], list[Any]]:
    """Variances and log10 gradient factors layer by layer, a list of arrays of shape (chains,) each.

    Parameters
    ----------
    net : Net
        The net.
    xp : module
        ``numpy`` or ``torch``.
    units : UnitFunctions
        Its activation.
    normals : callable
        New standard normals of shape (chains, width), of stream 0 for pre-activations or 1 for tangents; the array may
        be overwritten by the next call.
    q_0 : array
        The variances of the first layer.
    """
    q, logs = [q_0], [] if net.gradient == "none" else [xp.zeros_like(q_0)]
    log_weights = float(np.log(net.vm.sigma_w2))
    tangent = xp.zeros_like(q_0)  # a direction that is independent of the pre-activations of the first layer
    for _ in range(net.depth):
        known = xp.isfinite(q[-1])
        now = xp.where(known, q[-1], 1.0)
        x = normals(0) * xp.sqrt(now)[:, None]
        phi = units.values(x)
        following = net.vm.sigma_b2 + net.vm.sigma_w2 * _mean(xp, phi, phi)
        q.append(xp.where(known & ~xp.isnan(following), following, xp.inf))
        if net.gradient == "mean":
            log_factor = log_weights + units.log_mean_squared_slope(x)
        elif net.gradient == "tangent":
            moved = units.slopes(x) * _directions(xp, x, tangent, now, normals)
            largest = xp.abs(moved).max(1)
            largest = largest if xp is np else largest.values
            scale = xp.where(largest > 0, largest, 1.0)  # so that no square underflows
            moved = moved / scale[:, None]
            factor = net.vm.sigma_w2 * _mean(xp, moved, moved)
            log_factor = xp.log(factor) + 2 * xp.log(scale)
            covariance = net.vm.sigma_w2 * _mean(xp, moved, phi)
            tangent = xp.where(factor > 0, covariance / xp.sqrt(factor), 0.0)
        if logs:
            logs.append(logs[-1] + xp.where(known, log_factor / _LN_10, xp.nan))
    return q, logs


def _directions(xp: Any, x: Any, covariance: Any, q: Any, normals: Callable[[int], Any]) -> Any:
    """Derivatives d of the pre-activations x, scaled to variance 1.

    Given layer l, the pairs (x_i, d_i) are independent and bivariate normal with variances Q and 1 and this covariance:
    d is its regression on x and an independent rest.
    """
    regression = xp.where(q > 0, covariance / q, 0.0)
    left = 1 - regression * covariance
    rest = xp.sqrt(xp.where(left > 0, left, 0.0))
    return x * regression[:, None] + normals(1) * rest[:, None]


def _mean(xp: Any, left: Any, right: Any) -> Any:
    return xp.einsum("ij,ij->i", left, right) / left.shape[1]


@lru_cache(maxsize=64)
def _units(act: Activation) -> Units:
    return Units(act)
