"""The trainability score: a quantile of the gradient's growth through a net of finite width, before any training."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from ..checks import inside_open_interval
from ..errors import DomainError
from ..variance_map import VarianceMap
from .arguments import checked_basin, checked_map, require_slopes
from .chain import simulate_chain
from .intervals import Estimate
from .layer_noise import accumulated, score_of
from .small_noise import layers_from

_RANGE = 10.0


@dataclass(frozen=True)
class Trainability:
    """The score of one net.

    Attributes
    ----------
    score : float
        The `level` quantile of the log10 gradient factor at the last layer (g95 at 0.95).  NaN where so many chains
        diverge that the quantile is among them: a chain whose variance leaves float64 has no gradient.
    lower, upper : float
        Its confidence interval, from order statistics.
    small_noise : float
        The same by small-noise theory, which knows one fixed point alone.
    probability_left : Estimate
        Probability that Q has left `basin` by the last layer.
    basin : (float, float)
        The variances between which Q is to stay.
    dead, diverged : int
        Chains that lost all active units in a layer, and whose variance left float64.
    width, depth, chains, seed : int
        As asked for.
    level, confidence : float
        Of the quantile, and of the intervals.
    """

    score: float
    lower: float
    upper: float
    small_noise: float
    probability_left: Estimate
    basin: tuple[float, float]
    dead: int
    diverged: int
    width: int
    depth: int
    chains: int
    seed: int
    level: float
    confidence: float


def trainability(
    vm: VarianceMap,
    *,
    width: int,
    depth: int,
    chains: int = 2000,
    seed: int = 0,
    q_0: float | None = None,
    level: float = 0.95,
    confidence: float = 0.95,
    basin: tuple[float, float] | None = None,
    gradient: str = "mean",
    library: str = "numpy",
    device: str | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Trainability:
    """Return the score of a net: the `level` quantile of its log10 gradient factor, by the exact chain.

    That a score below 2 to 3 tells nets that train is a hypothesis with first evidence alone, 11 sparse nets of width
    100 to 128 and 20 layers: see docs/finite_width.md.

    Parameters
    ----------
    vm : VarianceMap
        The map of a layer of infinite width.
    width, depth : int
        Units per layer, layers.
    chains, seed : int
        Independent nets, and what their random numbers come from.
    q_0 : float, optional
        Variance of the first layer; by default the q* of the map.
    level : float
        Of the quantile, strictly between 0 and 1.
    confidence : float
        Of the intervals, strictly between 0 and 1.
    basin : (low, high), optional
        Variances between which Q is to stay; by default from q_0 / 10 to 10 q_0.
    gradient : str
        ``"mean"`` or ``"tangent"``, as in `simulate_chain`.  The small-noise estimate is that of ``"mean"``.
    library, device, executor, on_progress
        As in `simulate_chain`.

    Raises
    ------
    DomainError, DtypeError
        A number is outside its domain.
    NoEdgeOfChaosError
        phi jumps, so that gradients are undefined.
    UnknownNameError
        `gradient`, `library` or `device` is not known.

    Examples
    --------
    >>> from vmap_theory import clipping_level
    >>> clip = clipping_level("cst", sparsity=0.85, target=0.7)
    >>> found = trainability(clip.variance_map, width=100, depth=20)
    >>> 1.1 < found.lower < found.score < found.upper < 1.6
    True
    """
    share = inside_open_interval("level", level, 0, 1, "It is the probability below the quantile.")
    sure = inside_open_interval("confidence", confidence, 0, 1)
    chain = checked_map(vm)
    require_slopes(chain.activation, "trainability")
    if gradient == "none":
        raise DomainError("gradient = 'none' has no score: choose 'mean' or 'tangent'.")
    ends = checked_basin(basin) if basin is not None else None
    sample = simulate_chain(
        chain,
        width=width,
        depth=depth,
        chains=chains,
        q_0=q_0,
        seed=seed,
        gradient=gradient,
        library=library,
        device=device,
        executor=executor,
        on_progress=on_progress,
    )
    low, high = ends if ends is not None else (sample.q_0 / _RANGE, sample.q_0 * _RANGE)
    quantile = sample.gradient_quantile(share, level=sure)
    return Trainability(
        score=quantile.value,
        lower=quantile.lower,
        upper=quantile.upper,
        small_noise=_small_noise(chain, sample.q_0, width, depth, share),
        probability_left=sample.probability_outside(low, high, level=sure),
        basin=(low, high),
        dead=sample.dead,
        diverged=sample.diverged,
        width=sample.width,
        depth=sample.depth,
        chains=sample.chains,
        seed=sample.seed,
        level=share,
        confidence=sure,
    )


def _small_noise(vm: VarianceMap, q_0: float, width: int, depth: int, level: float) -> float:
    """The estimate along the variances of infinite width; nan where these leave float64."""
    with np.errstate(all="ignore"):
        layers = layers_from(vm, q_0, depth)
        return float(score_of(*accumulated(layers, width), level)) if layers else float("nan")
