r"""How fast noise carries the variance of a net out of a basin, by small-noise theory.

The chain is replaced by ``Q' = V(Q) + xi`` with noise of the first moments that a layer makes: Var xi = sigma_w^4
Var[phi^2] / n and, unless it is to be Gaussian, the third cumulant sigma_w^6 kappa_3[phi^2] / n^2 (Pearson's type III
distribution, a shifted gamma).  On a grid of cells this is a matrix of transition probabilities between the cells of
the basin, with the exits left out.  Its largest eigenvalue lambda is the share of chains that a layer keeps once the
start is forgotten: the escape rate is -log lambda.

For Gaussian noise and large n the rate falls as exp(-n A) (Freidlin and Wentzell; Kramers' law for maps).  The action A
is the least cost of a path from q* to the edge,

.. math:: A = \min \sum_k \frac{(q_{k+1} - V(q_k))^2}{2 \sigma_w^4 Var[\phi^2](q_k)},

found by Bellman's iteration on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from ..errors import DomainError, UnknownNameError
from ..variance_map import VarianceMap
from .action import LEAST_VARIANCE, cumulants, least_action
from .arguments import checked_basin, checked_map, checked_width, starting_variance
from .small_noise import stationary_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NOISES = ("gamma", "gaussian")
"""Distributions of the noise of a layer."""

_CELLS_PER_DEVIATION = 6  # of the noise of a layer; the width h of a cell adds h^2 / 12 to its variance: 0.2 %
_FEWEST_CELLS, _MOST_CELLS = 300, 1500
_MOST_SKEW = 100.0
_FAR = (12.0, 24.0, 48.0, 96.0)  # standard deviations, where an infinite basin is cut
_NEGLIGIBLE = 1e-7  # share of the chains in the highest cell that is as good as none
_FIXED = 1e-6  # relative
_TOLERANCE = 1e-13
_MOST_STEPS = 200_000


@dataclass(frozen=True)
class EscapeRate:
    """The escape from a basin in the long run.

    Attributes
    ----------
    rate : float
        Probability per layer to leave, as -log of the share that stays; 1 / rate is the mean number of layers.
    upward : float
        Share of the escapes that leave at the upper end; NaN where there are none.
    action : float
        A of ``rate ~ exp(-n A)`` for large n; inf where no end can be left.
    basin : (float, float)
        As given.
    width : int
        Units per layer.
    noise : str
        ``"gamma"`` or ``"gaussian"``.
    q, density : array
        Variances, and the distribution over them of the chains that are still in the basin.
    """

    rate: float
    upward: float
    action: float
    basin: tuple[float, float]
    width: int
    noise: str
    q: Array
    density: Array


def escape_rate(
    vm: VarianceMap,
    width: int,
    basin: tuple[float, float],
    *,
    q_star: float | None = None,
    noise: str = "gamma",
) -> EscapeRate:
    """Return the probability per layer with which noise carries Q out of `basin`.

    Parameters
    ----------
    vm : VarianceMap
        The map of a layer of infinite width.
    width : int
        Units per layer.
    basin : (low, high)
        Variances, 0 <= low < q* < high; ``high`` may be infinite.  The ends are unstable fixed points as a rule.
        A low end at or below sigma_b2 is never left downwards, for no Q is smaller than sigma_b2.
    q_star : float, optional
        The stable fixed point inside; by default the q* of the map.
    noise : str
        ``"gamma"`` has the skewness of a layer's noise too; ``"gaussian"``.

    Raises
    ------
    DomainError, DtypeError
        The basin does not hold q*, q* is no fixed point, V repels from it, or the basin is infinite and does not hold
        the chains.
    UnknownNameError
        `noise` is not known.

    Notes
    -----
    Assumed: the noise of a layer has the distribution named.  Rates from 1e-3 to 0.07 at widths from 50 to 1500 agree
    with the exact chain to 5 % with gamma noise, to 15 % with Gaussian noise (docs/finite_width.md).  It fails at very
    small rates, where the tail of the noise beyond its third cumulant counts (1.3 times too high at 4e-5), and where an
    edge is reached in one layer by a few units.

    Examples
    --------
    >>> from vmap_theory import clipping_level
    >>> clip = clipping_level("cst", sparsity=0.85, target=0.9)  # fixed points 1, 1.2633 (unstable) and 5.34
    >>> found = escape_rate(clip.variance_map, 300, (0.0, 1.2633), q_star=1.0)
    >>> 0.01 < found.rate < 0.1, found.upward
    (True, 1.0)
    """
    chain, units = checked_map(vm), checked_width(width)
    if noise not in NOISES:
        raise UnknownNameError.among("noise", noise, NOISES)
    q = starting_variance(chain, q_star)
    low, high = checked_basin(basin)
    if not low < q < high:
        raise DomainError(f"basin = {basin} does not hold q_star = {q:g}: give low < q_star < high.")
    if abs(float(chain(q)) - q) > _FIXED * q:
        raise DomainError(
            f"q_star = {q:g} is no fixed point, V(q_star) = {float(chain(q)):.9g}: give a q of fixed_points(vm)."
        )
    spread = float(np.sqrt(stationary_variance(chain, units, q)))
    if not np.isfinite(spread):
        raise DomainError(f"q_star = {q:g} does not attract, |V'| >= 1: there is no basin to escape from.")
    bottom = max(low, chain.sigma_b2)  # no variance is smaller
    if np.isfinite(high):
        top = high
        edges, kept, density, falls, rises = _solved(chain, units, (low, bottom, top), noise, q, open_top=True)
    else:
        for reach in _FAR:
            top = q + reach * spread
            edges, kept, density, falls, rises = _solved(chain, units, (low, bottom, top), noise, q, open_top=False)
            if density[-1] < _NEGLIGIBLE:
                break
        else:
            raise DomainError(f"basin = {basin}: chains reach Q = {top:g} within it. Give a finite high end.")
    down, up = float(density @ falls), float(density @ rises)
    out = down + up
    return EscapeRate(
        rate=float(-np.log1p(-out)) if out < 0.5 else float(-np.log(kept)),
        upward=up / out if out > 0 else float("nan"),
        action=least_action(chain, q, (bottom, top), open_bottom=low > chain.sigma_b2, open_top=np.isfinite(high)),
        basin=(low, high),
        width=units,
        noise=noise,
        q=(edges[1:] + edges[:-1]) / 2,
        density=density / np.diff(edges),
    )


def _solved(
    vm: VarianceMap, width: int, ends: tuple[float, float, float], noise: str, q_star: float, *, open_top: bool
) -> tuple[Array, float, Array, Array, Array]:
    """Edges of the cells, the share kept, the distribution, and the probabilities to leave downwards and upwards.

    `ends` are the low end of the basin, the least variance that is possible in it, and the high end.
    """
    low, bottom, top = ends
    _, variance, _ = cumulants(vm, np.array([q_star]))
    edges = np.linspace(bottom, top, _cells(top - bottom, float(np.sqrt(variance[0] / width))) + 1)
    moves, falls, rises = _transitions(vm, width, edges, noise)
    if low <= vm.sigma_b2:  # what the noise that is assumed puts below sigma_b2 belongs there
        moves[:, 0] += falls
        falls = np.zeros_like(falls)
    if not open_top:
        moves[:, -1] += rises
        rises = np.zeros_like(rises)
    kept, density = _quasi_stationary(moves)
    return edges, kept, density, falls, rises


def _cells(length: float, deviation: float) -> int:
    return int(np.clip(np.ceil(_CELLS_PER_DEVIATION * length / deviation), _FEWEST_CELLS, _MOST_CELLS))


def _transitions(vm: VarianceMap, width: int, edges: Array, noise: str) -> tuple[Array, Array, Array]:
    """Probabilities from each cell to each cell, below the first and above the last."""
    q = (edges[1:] + edges[:-1]) / 2
    mean, variance, third = cumulants(vm, q)
    # Far down the tail no unit is active and the next variance is sigma_b2 as good as surely: noise too small to move.
    variance = np.maximum(variance, LEAST_VARIANCE)
    skew = np.minimum(third / variance**1.5 / np.sqrt(width), _MOST_SKEW) if noise == "gamma" else np.zeros_like(q)
    z = (edges - mean[:, None]) / np.sqrt(variance / width)[:, None]
    # From either side, for small probabilities are to keep their digits.
    below, above = (_tail(side * z, side * skew) for side in (1.0, -1.0))
    near_top = z[:, 1:] + z[:, :-1] > 0
    moves = np.where(near_top, above[:, :-1] - above[:, 1:], below[:, 1:] - below[:, :-1])
    return np.maximum(moves, 0.0), below[:, 0], above[:, -1]


def _tail(z: Array, skew: Array) -> Array:
    """P(X < z) for standardised noise of this skewness, one for each row."""
    if not skew.any():
        result: Array = special.ndtr(z)
        return result
    return np.asarray(stats.pearson3.cdf(z, skew[:, None]))


def _quasi_stationary(moves: Array) -> tuple[float, Array]:
    """The largest eigenvalue and the distribution that it keeps in shape, by powers of the matrix."""
    density = np.full(moves.shape[0], 1 / moves.shape[0])
    kept = 0.0
    for _ in range(_MOST_STEPS):
        following = density @ moves
        total = float(following.sum())
        if total == 0:
            break
        following /= total
        settled = np.abs(following - density).sum() < _TOLERANCE
        density, kept = following, total
        if settled:
            break
    return kept, density
