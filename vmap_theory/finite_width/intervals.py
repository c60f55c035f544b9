"""Confidence intervals without assumptions about the distribution: of quantiles and of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An estimate from a sample, with a confidence interval.

    Attributes
    ----------
    value : float
        The estimate.
    lower, upper : float
        Ends of the interval.
    level : float
        The probability, at least, with which such an interval holds the true value.
    """

    value: float
    lower: float
    upper: float
    level: float


def quantile_estimate(sample: Array, p: float, level: float) -> Estimate:
    """The p quantile of a sample, with the order statistics that hold it with probability `level`.

    The number of sample values below the true quantile is binomial (size, p), whatever the distribution.  An end is
    infinite where the sample is too small for one.  nan sorts as the largest.
    """
    ordered = np.sort(sample)
    size = ordered.size
    miss = (1 - level) / 2
    # P(K < low) <= miss and P(K >= high) <= miss, K the count below the quantile.
    low = int(stats.binom.ppf(miss, size, p))
    high = int(stats.binom.isf(miss, size, p)) + 1
    return Estimate(
        float(ordered[min(int(np.ceil(p * size)), size) - 1]),
        float(ordered[low - 1]) if low > 0 else -np.inf,
        float(ordered[high - 1]) if high <= size else np.inf,
        level,
    )


def probability_estimate(count: int, size: int, level: float) -> Estimate:
    """Share of `count` in `size`, with Clopper and Pearson's exact interval."""
    miss = (1 - level) / 2
    lower = float(stats.beta.ppf(miss, count, size - count + 1)) if count else 0.0
    upper = float(stats.beta.isf(miss, count + 1, size - count)) if count < size else 1.0
    return Estimate(count / size, lower, upper, level)
