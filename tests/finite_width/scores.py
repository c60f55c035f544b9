"""Differences in standard errors."""

import numpy as np


def z_of_means(left: np.ndarray, right: np.ndarray) -> float:
    """Difference of the means of two samples."""
    error = np.sqrt(left.var() / left.size + right.var() / right.size)
    return float((left.mean() - right.mean()) / error)


def z_of_mean(sample: np.ndarray, expected: float) -> float:
    """Mean of a sample less the expected one."""
    return float((sample.mean() - expected) / (sample.std() / np.sqrt(sample.size)))


def z_of_variances(left: np.ndarray, right: np.ndarray) -> float:
    """Difference of the variances of two samples, with the errors that their fourth moments give them."""
    return z_of_means((left - left.mean()) ** 2, (right - right.mean()) ** 2)


def z_of_variance(sample: np.ndarray, expected: float) -> float:
    """Variance of a sample less the expected one."""
    return z_of_mean((sample - sample.mean()) ** 2, expected)
