r"""Variance maps over arrays, as ratios V(q)/q, with bounds that hold on whole intervals.

For every activation and every k, ``E[phi^2 Z^(2k)] q^(k+1/2)`` is the integral of ``phi(x)^2 x^(2k) exp(-x^2/(2q))``
over x (up to a constant), so it never decreases with q.  That alone encloses the moments between two variances by their
values at both, whatever phi does.  With

.. math:: A_k(q) = \sigma_w^2\, E[\phi^2 Z^{2k}] / q, \qquad B(q) = \sigma_b^2 / q, \qquad R = A_0 + B - 1 = V/q - 1

and D = d/d log q one has ``D A_k = A_(k+1)/2 - (k + 3/2) A_k``, hence

.. math:: D R = A_1/2 - 3 A_0/2 - B, \qquad D^2 R = A_2/4 - 2 A_1 + 9 A_0/4 + B .
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation
from ..kernels import gaussian_moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.intp]

_EPSILON = float(np.finfo(np.float64).eps)
_LARGE = 1e300  # stands for what overflows


@dataclass(frozen=True)
class Jets:
    """The ratio of maps and their variances, and what bounds them, at one q each.

    Attributes
    ----------
    q : (n,) array
        The variances.
    ratio, error : (n,) array
        R = V(q)/q - 1 and a bound of its error.
    slope_low, slope_high : (n,) array
        Bounds of D R.
    low, high : (3, n) array
        Bounds of A_0, A_1, A_2.
    bias : (n,) array
        B.
    """

    q: Array
    ratio: Array
    error: Array
    slope_low: Array
    slope_high: Array
    low: Array
    high: Array
    bias: Array

    @property
    def sign(self) -> NDArray[np.int8]:
        """Sign of V(q) - q where it is certain, else 0."""
        return np.where(np.abs(self.ratio) > self.error, np.sign(self.ratio), 0).astype(np.int8)

    def at(self, chosen: Any) -> Jets:
        """Those at some indices."""
        return Jets(*(getattr(self, name)[..., chosen] for name in Jets.__dataclass_fields__))


def joined(*jets: Jets) -> Jets:
    """One after the other."""
    return Jets(*(np.concatenate([getattr(one, name) for one in jets], axis=-1) for name in Jets.__dataclass_fields__))


@dataclass(frozen=True)
class MapArray:
    """Variance maps of one activation, one-dimensional arrays of one length, without NaN.

    Attributes
    ----------
    act : Activation
        Its free parameters are those in `parameters`.
    sigma_w2, sigma_b2 : array
        Variances.
    parameters : mapping of str to array
        Values of the free parameters.
    uncertainty : float
        Relative error of the two variances: 0 where they are meant as they are.
    """

    act: Activation
    sigma_w2: Array
    sigma_b2: Array
    parameters: Mapping[str, Array]
    uncertainty: float = 0.0

    def chosen(self, which: Any) -> MapArray:
        """Some of the maps."""
        values = {name: value[which] for name, value in self.parameters.items()}
        return MapArray(self.act, self.sigma_w2[which], self.sigma_b2[which], values, self.uncertainty)

    def jets(self, which: Indices, q: Array) -> Jets:
        """The maps `which` at variances q."""
        values: dict[str, Any] = {name: value[which] for name, value in self.parameters.items()}
        moments = gaussian_moments(self.act, q, bounds=True, **values)
        with np.errstate(all="ignore"):
            weight = self.sigma_w2[which]
            bias = self.sigma_b2[which] / q
            zeroth, zeroth_error = moments.second_moment / q, moments.second_moment_error / q
            first, first_error = moments.d_second_moment, moments.d_second_moment_error
            second, second_error = moments.d2_second_moment * q, moments.d2_second_moment_error * q
            sums = np.stack([zeroth, zeroth + 2 * first, 3 * zeroth + 12 * first + 4 * second])
            errors = np.stack(
                [
                    zeroth_error,
                    zeroth_error + 2 * first_error,
                    3 * zeroth_error + 12 * first_error + 4 * second_error,
                ]
            )
            sizes = np.stack([zeroth, zeroth + 2 * np.abs(first), 3 * zeroth + 12 * np.abs(first) + 4 * np.abs(second)])
            errors = np.where(weight > 0, weight * (errors + 4 * _EPSILON * sizes), 0.0)
            sums = np.where(weight > 0, weight * sums, 0.0)
            ratio = sums[0] + bias - 1
            error = errors[0] + (2 * _EPSILON + self.uncertainty) * (sums[0] + bias + 1)
            known = np.isfinite(ratio) & np.isfinite(error)
            low, high = np.maximum(sums - errors, 0), sums + errors
            rounding = 8 * _EPSILON * (high[1] + 3 * high[0] + bias) + self.uncertainty * (high[1] + high[0] + bias)
            # What overflows is above q, by how much is not known; of a value without a bound nothing is.
            return Jets(
                q=q,
                ratio=np.where(np.isfinite(ratio), ratio, _LARGE),
                error=np.where(known | (ratio == np.inf), np.where(known, error, 0.0), np.inf),
                slope_low=np.where(known, low[1] / 2 - 1.5 * high[0] - bias - rounding, -np.inf),
                slope_high=np.where(known, high[1] / 2 - 1.5 * low[0] - bias + rounding, np.inf),
                low=np.where(np.isfinite(low), low, 0.0),
                high=np.where(np.isfinite(high), high, np.inf),
                bias=bias,
            )
