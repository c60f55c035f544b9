"""Bounds of R, DR and D^2 R on cells between two variances (see `map_array`), and what they decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .map_array import Jets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class CellBounds:
    """Bounds on cells.

    Attributes
    ----------
    width : array
        log of the ratio of the ends.
    ratio_low, ratio_high, slope_low, slope_high, bend_low, bend_high : array
        Bounds of R, D R and D^2 R on the cell.
    """

    width: Array
    ratio_low: Array
    ratio_high: Array
    slope_low: Array
    slope_high: Array
    bend_low: Array
    bend_high: Array

    @property
    def steepest(self) -> Array:
        """The largest |D R|."""
        return np.maximum(np.abs(self.slope_low), np.abs(self.slope_high))

    @property
    def is_monotone(self) -> Mask:
        """D R has one sign."""
        return (self.slope_low > 0) | (self.slope_high < 0)

    @property
    def is_bent_one_way(self) -> Mask:
        """D^2 R has one sign."""
        return (self.bend_low > 0) | (self.bend_high < 0)


def cell_bounds(left: Jets, right: Jets) -> CellBounds:
    """Enclose D R and D^2 R between two variances of each map."""
    with np.errstate(all="ignore"):
        width = np.log(right.q / left.q)
        # A_k q^(k+3/2) never decreases: from the left end it cannot have fallen faster, nor come from higher up.
        steps = np.exp(np.outer([1.5, 2.5, 3.5], width))
        low, high = left.low / steps, right.high * steps
        bias_low, bias_high = right.bias, left.bias
        rounding = 16 * _EPSILON * (2 * high[1] + 2.25 * high[0] + bias_high)
        slack = rounding + 4 * _EPSILON * high[2]
        bend_low = low[2] / 4 - 2 * high[1] + 2.25 * low[0] + bias_low - slack
        bend_high = high[2] / 4 - 2 * low[1] + 2.25 * high[0] + bias_high + slack
        slope_low = low[1] / 2 - 1.5 * high[0] - bias_high
        slope_high = high[1] / 2 - 1.5 * low[0] - bias_low
        # The slope at an end, moved by the bend: narrower once cells are small.
        rise, fall = width * np.maximum(bend_high, 0), width * np.minimum(bend_low, 0)
        slope_low = np.fmax.reduce([slope_low - rounding, left.slope_low + fall, right.slope_low - rise])
        slope_high = np.fmin.reduce([slope_high + rounding, left.slope_high + rise, right.slope_high - fall])
        error = np.maximum(left.error, right.error) + rounding
        ratio_low, ratio_high = low[0] + bias_low - 1 - 2 * error, high[0] + bias_high - 1 + 2 * error
    return CellBounds(width, ratio_low, ratio_high, slope_low, slope_high, bend_low, bend_high)


def holds_no_root(left: Jets, right: Jets, bounds: CellBounds) -> Mask:
    """Cells on which V(q) - q certainly keeps one sign.

    Between two points a function is at least its chord less width^2/8 times the largest second derivative; or it has
    one sign at both ends and is monotone; or it cannot move far enough from an end; or its bounds have one sign.
    """
    same = (left.sign == right.sign) & (left.sign != 0)
    with np.errstate(all="ignore"):
        left_size, right_size = np.abs(left.ratio) - left.error, np.abs(right.ratio) - right.error
        towards_zero = np.where(left.sign > 0, bounds.bend_high, -bounds.bend_low)
        sag = bounds.width**2 / 8 * np.maximum(towards_zero, 0) * (1 + 8 * _EPSILON)
        above_sag = np.minimum(left_size, right_size) > sag
        out_of_reach = left_size + right_size > bounds.width * bounds.steepest * (1 + 8 * _EPSILON)
    excluded: Mask = same & (above_sag | bounds.is_monotone | out_of_reach)
    excluded |= (bounds.ratio_low > 0) | (bounds.ratio_high < 0)
    return excluded


def holds_one_root(left: Jets, right: Jets, bounds: CellBounds) -> Mask:
    """Cells on which V(q) - q certainly has exactly one zero, a simple one.

    A monotone function with opposite signs at the ends, or one that is bent one way: strictly convex or concave.
    """
    opposite = left.sign * right.sign < 0
    return opposite & (bounds.is_monotone | bounds.is_bent_one_way)


def holds_only_noise(left: Jets, right: Jets, bounds: CellBounds) -> Mask:
    """Cells on which V(q) - q cannot rise above the error of its evaluation: halving them further tells nothing."""
    unknown = (left.sign == 0) & (right.sign == 0)
    with np.errstate(all="ignore"):
        reach = bounds.width * bounds.steepest
        flat: Mask = unknown & (reach <= 8 * np.minimum(left.error, right.error))
    return flat
