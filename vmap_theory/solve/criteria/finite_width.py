"""Criterion ``finite-width``: the largest level at which nets of a width and depth stay in range with a probability.

The layers' variances Q_l and gradient factors are simulated as the exact Markov chain of `vmap_theory.finite_width`,
started at q*.  A net is kept if ``q*/R <= Q_l <= q* R`` and ``|log10 gradient factor| <= G`` in every layer.  All
levels see the same random numbers, so the share of nets kept changes little between near levels, and halving finds
where it falls below 1 - risk.

The share is no monotone function of the level: at very small levels sigma_w2 is large and few units are active, and
the gradient fluctuates; at large ones V' is near 1 or a second fixed point takes nets away.  So levels are looked at
from above, at given slopes V'(q*), and the first that suffices is the lower end of the search.  From there on downwards
the least level that suffices is sought as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...finite_width import simulate_chain
from ...variance_map import VarianceMap
from ..edge_of_chaos_array import edges_of_chaos
from .family import MOST, ClippedFamily
from .options import FiniteWidth, lower_limit, upper_limit
from .slope import slope_ratios

if TYPE_CHECKING:
    from .family import Array

_SLOPES = (0.999, 0.99, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02)
_TOLERANCE = 1e-4  # of m, relative: far below what the chains can tell


class FiniteWidthLevel(NamedTuple):
    """The level m / sqrt(q_star), the interval in which it lies with confidence, the least level, the share kept.

    Where no level suffices, the ratio is NaN, and `kept` the largest share, at `best`; where all do, `best` is
    infinite.
    """

    ratio: float
    low: float
    high: float
    least: float
    kept: float
    best: float


@lru_cache(maxsize=16)  # the message of a failure asks again
def finite_width_level(family: ClippedFamily, tau: float, q: float, options: FiniteWidth) -> FiniteWidthLevel:
    """Search one level."""

    @cache
    def kept(ratio: float) -> int:
        return chains_kept(family, ratio, tau, q, options)

    chains = options.chains
    wanted = [
        _least_count(lambda count: lower_limit(count, chains) >= 1 - options.risk, chains),
        _least_count(lambda count: count >= (1 - options.risk) * chains, chains),
        _least_count(lambda count: upper_limit(count, chains) >= 1 - options.risk, chains),
    ]
    ladder = _ladder(family, tau, q)
    low, ratio, high = (_largest_ratio(kept, ladder, count) for count in wanted)
    if math.isnan(ratio):
        best = max(ladder, key=kept)
        return FiniteWidthLevel(math.nan, math.nan, math.nan, math.nan, kept(best) / chains, best)
    least = _least_ratio(kept, [rung for rung in ladder if rung <= ratio], wanted[1])
    if math.isinf(ratio):
        return FiniteWidthLevel(math.nan, math.nan, math.nan, least, kept(ladder[0]) / chains, math.inf)
    return FiniteWidthLevel(ratio, 0.0 if math.isnan(low) else low, high, least, kept(ratio) / chains, ratio)


def chains_kept(family: ClippedFamily, ratio: float, tau: float, q: float, options: FiniteWidth) -> int:
    """How many chains stay in range in all layers; 0 where there is no edge of chaos."""
    values = {family.threshold: tau, family.level: ratio * math.sqrt(q)}
    edge = edges_of_chaos(family.act, q, **values)
    if not edge.feasible:
        return 0
    vm = VarianceMap(family.act.bind(**values), sigma_w2=float(edge.sigma_w2), sigma_b2=float(edge.sigma_b2))
    sample = simulate_chain(
        vm, width=options.width, depth=options.depth, chains=options.chains, q_0=q, seed=options.seed
    )
    inside = (sample.q >= q / options.variance_range) & (sample.q <= q * options.variance_range)
    assert sample.log10_gradient is not None  # noqa: S101 (asked for by default)
    inside &= np.abs(sample.log10_gradient) <= options.gradient_range
    return int(inside.all(axis=1).sum())


def _ladder(family: ClippedFamily, tau: float, q: float) -> list[float]:
    """Ratios m / sqrt(q_star) at which the share is looked at, descending."""
    slopes = np.array(_SLOPES)
    ratios: Array = slope_ratios(family, np.full(slopes.size, tau), np.full(slopes.size, q), slopes)
    return [MOST, *ratios[~np.isnan(ratios)].tolist()]


def _least_count(enough: Callable[[int], bool], chains: int) -> int:
    """The least count that is enough, by halving."""
    low, high = -1, chains
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _largest_ratio(kept: Callable[[float], int], ladder: list[float], wanted: int) -> float:
    """The largest ratio at which `wanted` chains are kept: infinite if at the largest, NaN if at none of the ladder."""
    first = next((index for index, ratio in enumerate(ladder) if kept(ratio) >= wanted), None)
    if first is None:
        return math.nan
    if first == 0:
        return math.inf
    return _border(kept, ladder[first], ladder[first - 1], wanted)


def _least_ratio(kept: Callable[[float], int], rungs: list[float], wanted: int) -> float:
    """The smallest ratio down to which `wanted` chains are kept; the rungs descend from one where they are."""
    enough = rungs[0]
    for rung in (*rungs[1:], *(rungs[-1] * 2.0**-k for k in range(1, 60))):
        if kept(rung) < wanted:
            return _border(kept, enough, rung, wanted)
        enough = rung
    return enough


def _border(kept: Callable[[float], int], enough: float, too_few: float, wanted: int) -> float:
    """The ratio between two at which the count of chains passes `wanted`, on the side where it suffices."""
    while abs(math.log(enough / too_few)) > _TOLERANCE:
        middle = math.sqrt(enough * too_few)
        enough, too_few = (middle, too_few) if kept(middle) >= wanted else (enough, middle)
    return enough


def why_no_finite_width(family: ClippedFamily, sparsity: float, found: FiniteWidthLevel, options: FiniteWidth) -> str:
    """The reason that `finite_width_level` found none."""
    net = f"a net of width {options.width} and depth {options.depth}"
    if math.isinf(found.best):
        return (
            f"every level of {family.act.name} at sparsity {sparsity:g} up to {MOST:g} sqrt(q_star) keeps {net} in "
            f"range with probability 1 - risk = {1 - options.risk:g} or more ({found.kept:.4g} of the chains at the "
            "largest): it needs no clipping. Use the family without clipping, or a smaller risk."
        )
    best = f"all of the {options.chains} chains fail at every level looked at"
    if found.kept:
        best = f"of those looked at the best, m = {found.best:.4g} sqrt(q_star), keeps {found.kept:.4g} of the chains"
    return (
        f"no level of {family.act.name} at sparsity {sparsity:g} keeps {net} in range with probability 1 - risk = "
        f"{1 - options.risk:g}: {best}. "
        "Accept a larger risk or range, or choose a wider or shallower net, or a lower sparsity."
    )
