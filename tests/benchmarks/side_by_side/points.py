"""The points on which every method is measured; the same in every run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

SEED = 20240607
THRESHOLDS = (0.0, 36.0)
"""tau / sqrt(q), uniform."""
LEVELS = (1e-6, 100.0)
"""m / sqrt(q), log-uniform."""
VARIANCES = (1e-3, 1e3)
"""q, log-uniform."""
DEFAULT_COUNT = 1000
FAMILIES = ("crelu", "cst", "relu_tau", "relu")
"""relu_tau has no level and relu no threshold: there these columns are not used."""
SHARE_OF_OTHERS = 5
"""All points are for the first family; the others take one in five, from the front."""
MODERATE_THRESHOLD = 3.0
MODERATE_LEVEL = 1e-2
"""Where nets are trained: tau / sqrt(q) at most 3 (sparsity up to 0.9987), m / sqrt(q) at least 0.01."""


@dataclass(frozen=True)
class Points:
    """Variances, thresholds and levels, float64 arrays of one length."""

    q: np.ndarray
    tau: np.ndarray
    m: np.ndarray

    def __len__(self) -> int:
        return len(self.q)

    def first(self, count: int) -> Points:
        """The first `count` of them."""
        return Points(self.q[:count], self.tau[:count], self.m[:count])

    def moderate(self) -> np.ndarray:
        """Which of them are where nets are trained."""
        scale = np.sqrt(self.q)
        return (self.tau <= MODERATE_THRESHOLD * scale) & (self.m >= MODERATE_LEVEL * scale)

    def sha256(self) -> str:
        """Names the points: equal exactly when every bit is."""
        columns = np.stack([self.q, self.tau, self.m]).astype("<f8")
        return hashlib.sha256(columns.tobytes()).hexdigest()


def make_points(count: int) -> Points:
    """Draw `count` points; a smaller count gives the first of a larger one's.  The first four are the corners."""
    drawn = np.random.default_rng(SEED).random((count, 3))
    drawn[:4, :2] = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:count]
    ratio = THRESHOLDS[0] + drawn[:, 0] * (THRESHOLDS[1] - THRESHOLDS[0])
    level = _log_uniform(LEVELS, drawn[:, 1])
    q = _log_uniform(VARIANCES, drawn[:, 2])
    scale = np.sqrt(q)
    return Points(q, ratio * scale, level * scale)


def counts(points: Points) -> dict[str, int]:
    """How many of the points each family takes."""
    others = max(1, len(points) // SHARE_OF_OTHERS)
    return {family: len(points) if family == FAMILIES[0] else others for family in FAMILIES}


def _log_uniform(ends: tuple[float, float], share: np.ndarray) -> np.ndarray:
    low, high = np.log(ends)
    return np.asarray(np.exp(low + share * (high - low)))
