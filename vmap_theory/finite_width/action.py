"""The noise of a layer to its third cumulant, and the least cost of a path through it out of a basin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..kernels import gaussian_moments
from ..variance_map import VarianceMap
from .derived import derived
from .moments import square_noise
from .nodes import unit_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_VARIANCE = 1e-200
"""Far down the tail no unit is active, and a layer makes noise too small to move anything; never 0 in a quotient."""

_ACTION_CELLS = 800


def cumulants(vm: VarianceMap, q: Array) -> tuple[Array, Array, Array]:
    """Mean, n Var and n^2 kappa_3 of the next Q."""
    second, _, variance = square_noise(vm.activation, q)
    act = vm.activation
    if act.function is None:
        fourth = variance + second**2
        sixth = gaussian_moments(derived(act, "cube"), q).second_moment
        third = sixth - 3 * second * fourth + 2 * second**3
    else:
        third = np.array([_third_cumulant(vm, float(one)) for one in q])
    return vm.sigma_w2 * second + vm.sigma_b2, vm.sigma_w2**2 * variance, vm.sigma_w2**3 * third


def _third_cumulant(vm: VarianceMap, q: float) -> float:
    at = unit_nodes(vm.activation, q)
    away = at.phi**2 - at.weights @ at.phi**2
    return float(at.weights @ away**3)


def least_action(
    vm: VarianceMap, q_star: float, basin: tuple[float, float], *, open_bottom: bool, open_top: bool
) -> float:
    """The least cost of a path from q* to an end of the basin, in units of 1 / n."""
    low, high = basin
    q = np.unique(np.append(np.linspace(low, high, _ACTION_CELLS + 1)[1:-1], q_star))
    mean, variance, _ = cumulants(vm, q)
    variance = np.maximum(variance, LEAST_VARIANCE)
    with np.errstate(over="ignore"):
        cost = (q - mean[:, None]) ** 2 / (2 * variance[:, None])  # [from, to]
        exits = np.maximum(mean - low, 0.0) ** 2 if open_bottom else np.full_like(q, np.inf)
        if open_top:
            exits = np.minimum(exits, np.maximum(high - mean, 0.0) ** 2)
        exits = exits / (2 * variance)
    least = np.where(q == q_star, 0.0, np.inf)
    for _ in range(10 * _ACTION_CELLS):
        following = np.minimum(least, (least[:, None] + cost).min(axis=0))
        if np.array_equal(following, least):
            break
        least = following
    return float((least + exits).min())
