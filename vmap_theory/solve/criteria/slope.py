"""Criterion ``slope``: the clipping level at which V'(q*) on the edge of chaos is a wanted number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...checks import inside_open_interval
from .family import LEAST, MOST, ClippedFamily, ratio_at_root

if TYPE_CHECKING:
    from .family import Array


def slope_target(name: str, value: object) -> float:
    """Return `value` as a slope V'(q_star) that can be aimed at, strictly between 0 and 1, or raise `DomainError`."""
    return inside_open_interval(name, value, 0, 1, "It is the slope V'(q_star); 0.5 and 0.7 are customary.")


def slope_ratios(family: ClippedFamily, tau: Array, q: Array, target: Array) -> Array:
    """Return m / sqrt(q_star) where V'(q_star) is `target`; NaN where the range does not surely hold one."""
    low, low_error = slopes_at(family, LEAST, tau, q)
    high, high_error = slopes_at(family, MOST, tau, q)
    inside = (low < target - low_error) & (high > target + high_error)

    def excess(ratio: Array, tau: Array, q: Array, target: Array) -> Array:
        moments = family.moments(ratio, tau, q)
        difference: Array = moments.d_second_moment / moments.slope_moment - target
        return difference

    ratios = np.full(q.shape, np.nan)
    if inside.any():
        ratios[inside] = ratio_at_root(excess, LEAST, MOST, tau[inside], q[inside], target[inside])
    return ratios


def slopes_at(family: ClippedFamily, ratio: float, tau: Array, q: Array) -> tuple[Array, Array]:
    """V'(q_star) on the edge of chaos at m = ratio sqrt(q_star), and bounds of the errors."""
    moments = family.moments(ratio, tau, q, bounds=True)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = moments.d_second_moment / moments.slope_moment
        error = (moments.d_second_moment_error + slope * moments.slope_moment_error) / moments.slope_moment
    return slope, error


def why_no_slope(family: ClippedFamily, sparsity: float, tau: float, q: float, target: float) -> str:
    """The reason that `slope_ratios` found none."""
    at_low, at_high = (slopes_at(family, ratio, np.asarray(tau), np.asarray(q))[0] for ratio in (LEAST, MOST))
    return (
        f"no clipping level of {family.act.name} between {LEAST:g} and {MOST:g} sqrt(q_star) gives V'(q_star) = "
        f"{target!r} at sparsity {sparsity:g} in float64: there it runs from {at_low:.4g} to "
        f"{at_high:.4g}. Choose a target well inside."
    )
