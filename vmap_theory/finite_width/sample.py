"""What a simulation of chains returns, and the statistics of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..checks import inside_open_interval, integer_between
from ..errors import DomainError
from ..variance_map import VarianceMap
from .arguments import checked_interval
from .intervals import Estimate, probability_estimate, quantile_estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChainSample:
    """Independent chains of one net.

    Attributes
    ----------
    vm : VarianceMap
        The map of a layer of infinite width.
    width, depth : int
        Units per layer, layers.
    q_0 : float
        Variance of the first layer.
    seed : int
        Of the random numbers.
    gradient, library : str
        As asked for.
    q : array of shape (chains, depth + 1)
        Pre-activation variances; column 0 holds `q_0`.
    log10_gradient : array of shape (chains, depth + 1), or None
        Decimal logarithms of the factors that squared gradients have gathered since the first layer; column 0 holds 0.
    """

    vm: VarianceMap
    width: int
    depth: int
    q_0: float
    seed: int
    gradient: str
    library: str
    q: Array
    log10_gradient: Array | None

    @property
    def chains(self) -> int:
        """How many chains."""
        return int(self.q.shape[0])

    @property
    def dead(self) -> int:
        """Chains whose gradient became 0, in a layer without an active unit."""
        return int(np.count_nonzero(np.isneginf(self._gradients()[:, -1])))

    @property
    def diverged(self) -> int:
        """Chains whose variance left the range of float64."""
        return int(np.count_nonzero(np.isinf(self.q[:, -1])))

    def quantile(self, p: float, layer: int = -1, level: float = 0.95) -> Estimate:
        """The p quantile of Q in a layer (-1: the last), with a confidence interval from order statistics.

        Raises
        ------
        DomainError, DtypeError
            `p` or `level` is not in (0, 1), or there is no such layer.
        """
        return quantile_estimate(self.q[:, self._layer(layer)], *_shares(p, level))

    def gradient_quantile(self, p: float, layer: int = -1, level: float = 0.95) -> Estimate:
        """The p quantile of the log10 gradient factor up to a layer (-1: the last), as `quantile` does it."""
        return quantile_estimate(self._gradients()[:, self._layer(layer)], *_shares(p, level))

    def probability_outside(self, low: float, high: float, layer: int = -1, level: float = 0.95) -> Estimate:
        """Probability that Q has left (low, high) in some layer up to this one (-1: the last).

        Parameters
        ----------
        low, high : float
            Variances; `high` may be infinite.
        layer : int
            Counted from 0, the first.
        level : float
            Of the confidence interval, which is Clopper and Pearson's.

        Raises
        ------
        DomainError, DtypeError
            Not 0 <= low < high, `level` is not in (0, 1), or there is no such layer.
        """
        bottom, top = checked_interval(low, high)
        _, share = _shares(0.5, level)
        past = self.q[:, : self._layer(layer) + 1]
        return probability_estimate(int(np.count_nonzero(_leaves(past, bottom, top))), self.chains, share)

    def left_by(self, low: float, high: float) -> NDArray[np.int64]:
        """How many chains have left (low, high) by each layer, shape (depth + 1,).

        Raises
        ------
        DomainError, DtypeError
            Not 0 <= low < high.
        """
        bottom, top = checked_interval(low, high)
        outside = ~((self.q > bottom) & (self.q < top))
        count: NDArray[np.int64] = np.logical_or.accumulate(outside, axis=1).sum(axis=0)
        return count

    def _gradients(self) -> Array:
        if self.log10_gradient is None:
            raise DomainError("gradient = 'none': these chains have no gradients. Simulate with gradient='mean'.")
        return self.log10_gradient

    def _layer(self, layer: int) -> int:
        index = integer_between("layer", layer, -self.depth - 1, self.depth)
        return index % (self.depth + 1)


def _leaves(past: Array, low: float, high: float) -> NDArray[np.bool_]:
    stays: NDArray[np.bool_] = np.all((past > low) & (past < high), axis=1)
    return ~stays


def _shares(p: float, level: float) -> tuple[float, float]:
    share = inside_open_interval("p", p, 0, 1, "It is the probability below the quantile.")
    return share, inside_open_interval("level", level, 0, 1, "It is the probability of the confidence interval.")
