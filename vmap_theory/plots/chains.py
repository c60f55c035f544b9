"""Chains of finite width: how variances and gradients spread over the layers, and what small-noise theory says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from ..errors import DomainError
from ..finite_width import ChainSample, log_gradient_path, simulate_chain, variance_path, variance_recursion
from ..variance_map import VarianceMap
from .style import colour_cycle, new_figure, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_BANDS = ((0.05, 0.95), (0.25, 0.75))
_LEAST, _MOST = 1e-3, 1e3  # of Q / q_0 that is shown
_LINEAR = 4.0  # of the ends of the axis, beyond which it is logarithmic
_MOST_DECADES = 1e4
_ROOM = 1.3


def plot_chains(
    maps: Sequence[VarianceMap],
    *,
    width: int,
    depth: int,
    labels: Sequence[str] | None = None,
    q_0: float | None = None,
    chains: int = 2000,
    seed: int = 0,
) -> Figure:
    """Draw the distribution of Q and of the log10 gradient factor over the layers, a column for each map.

    Shaded: 50 % and 90 % of the chains; line: the median; dashed: the 5 % and 95 % quantiles by small-noise theory.

    Parameters
    ----------
    maps : sequence of VarianceMap
        One to six.
    width, depth : int
        Units per layer, layers.
    labels : sequence of str, optional
        One a map; by default the activation's name and parameters.
    q_0 : float, optional
        Variance of the first layer; by default the q* of each map.
    chains, seed : int
        As in `simulate_chain`.

    Raises
    ------
    DomainError, DtypeError
        No map, more labels than maps, or a number outside its domain.
    NoEdgeOfChaosError
        An activation jumps.
    """
    require_some("maps", maps)
    names = list(labels) if labels is not None else [vm.activation.label for vm in maps]
    if len(names) != len(maps):
        raise DomainError(f"{len(names)} labels for {len(maps)} maps: give one label a map, or none at all.")
    samples = [simulate_chain(vm, width=width, depth=depth, q_0=q_0, chains=chains, seed=seed) for vm in maps]
    figure: Figure
    figure, _ = new_figure("", "")
    figure.clear()
    figure.set_size_inches(max(6.4, 2.9 * len(maps)), 5.6)
    panels = figure.subplots(2, len(maps), sharex=True, squeeze=False)
    for column, (sample, name, colour) in enumerate(zip(samples, names, colour_cycle(len(maps)), strict=True)):
        _draw_variances(panels[0, column], sample, colour)
        _draw_gradients(panels[1, column], sample, colour)
        _set_limits(panels[0, column], panels[1, column], sample)
        panels[0, column].set_title(name, fontsize="medium")
        panels[1, column].set_xlabel("layer")
        panels[1, column].set_xlim(0, depth)
    panels[0, 0].set_ylabel(r"variance $Q_l$ over $Q_0$")
    panels[1, 0].set_ylabel(r"$\log_{10}$ gradient factor")
    handles, words = panels[1, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=4 if len(panels[0]) > 2 else 2, frameon=False)
    figure.suptitle(f"Nets of width {sample.width}, {sample.chains} chains a map")
    return figure


def _draw_variances(axes: Axes, sample: ChainSample, colour: str) -> None:
    _draw_bands(axes, _shown(sample.q / sample.q_0), colour)
    path = variance_path(sample.vm, sample.depth, sample.q_0)
    deviation = np.sqrt(variance_recursion(sample.vm, sample.width, sample.depth, sample.q_0))
    for side in (-1, 1):
        with np.errstate(invalid="ignore"):  # inf - inf, where the map diverges
            theory = (path + side * special.ndtri(_BANDS[0][1]) * deviation) / sample.q_0
        axes.plot(_shown(theory), color="black", linestyle="--", linewidth=1)


def _draw_gradients(axes: Axes, sample: ChainSample, colour: str) -> None:
    if sample.log10_gradient is None:
        return
    _draw_bands(axes, np.clip(sample.log10_gradient, -_MOST_DECADES, _MOST_DECADES), colour)
    mean, variance = log_gradient_path(sample.vm, sample.width, sample.depth, sample.q_0)
    reach = special.ndtri(_BANDS[0][1]) * np.sqrt(variance)
    for side, label in ((-1, "5 %, 95 % by small-noise theory"), (1, None)):
        axes.plot((mean + side * reach) / np.log(10), color="black", linestyle="--", linewidth=1, label=label)


def _draw_bands(axes: Axes, values: Array, colour: str) -> None:
    """Quantiles by order statistics: of infinite values none is made of two neighbours."""
    ordered = np.sort(values, axis=0)
    last = ordered.shape[0] - 1
    layers = np.arange(values.shape[1])
    for (low, high), alpha in zip(_BANDS, (0.25, 0.4), strict=True):
        ends = (ordered[round(share * last)] for share in (low, high))
        axes.fill_between(
            layers, *ends, color=colour, alpha=alpha, linewidth=0, label=f"{100 * (high - low):.0f} % of chains"
        )
    axes.plot(layers, ordered[round(last / 2)], color=colour, linewidth=1.5, label="median")
    axes.spines[["top", "right"]].set_visible(False)


def _shown(ratio: Array) -> Array:
    """Variances over the first, none so far outside the panel that logarithmic axes overflow."""
    return np.clip(ratio, _LEAST / 10, 10 * _MOST)


def _set_limits(variances: Axes, gradients: Axes, sample: ChainSample) -> None:
    """Room for what the chains do; what theory makes of a map that it does not serve may leave the panel."""
    low, high = (_outermost(sample.q / sample.q_0, share) for share in _BANDS[0])
    bottom, top = max(low.min() / _ROOM, _LEAST), min(high.max() * _ROOM, _MOST)
    if top > _LINEAR * bottom:
        variances.set_yscale("log")
        ticks = [step * 10.0**power for power in range(-3, 4) for step in (1, 2, 5)]
        variances.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        variances.set_yticks([], minor=True)
    variances.set_ylim(bottom, top)
    if sample.log10_gradient is not None:
        low, high = (_outermost(sample.log10_gradient, share) for share in _BANDS[0])
        low, high = low[np.isfinite(low)], high[np.isfinite(high)]
        gradients.set_ylim(_ROOM * low.min() - 0.1, _ROOM * high.max() + 0.1)


def _outermost(values: Array, share: float) -> Array:
    outermost: Array = np.quantile(values, share, axis=0, method="nearest")
    return outermost
