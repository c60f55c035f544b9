"""q* as a knob: what changes with it under the four ways of holding things fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, as_activation
from ..checks import positive
from ..errors import DomainError
from ..solve import clipping_level
from ..solve.criteria.family import ClippedFamily
from ..solve.q_star import QStarEffects, vary_q_star
from .style import colour_cycle, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 121
_DISTANCE = 0.5
_PANELS = (
    ("sparsity", r"sparsity $P(\phi = 0)$", "linear"),
    ("slope", r"slope $V'(q^*)$", "linear"),
    ("relative_sensitivity", r"sensitivity $q^*\, d\chi_1/dq$", "linear"),
    ("asymmetry", rf"asymmetry of $V$ at $(1 \pm {_DISTANCE})\, q^*$", "linear"),
    ("stationary_variance", r"width $\times$ variance of $Q/q^*$", "log"),
    ("mean_shift", r"width $\times$ shift of the mean of $Q/q^*$", "asinh"),
)
"""Attribute of `QStarEffects`, what stands over its panel, and the scale of its axis."""

_WORDS = {
    "parameters": "threshold and level",
    "threshold-and-slope": "threshold and slope",
    "level-and-sparsity": "level and sparsity",
    "sparsity-and-slope": "sparsity and slope",
}
_STYLES = ("-", "--", "-.", ":")
_MOST_VARIANCE, _LEAST_VARIANCE = 1e3, 0.1  # beyond, first-order theory says no more than: far too much noise
_SHIFTS = (-10, -1, 0, 1, 10, 100)


def plot_q_star_effects(
    act: str | Activation = "crelu",
    *,
    sparsity: float = 0.85,
    slope: float = 0.7,
    q_ref: float = 1.0,
    q_min: float | None = None,
    q_max: float | None = None,
) -> Figure:
    """Draw what changes with q*, a curve for each thing that can be held fixed; all meet at one map.

    Parameters
    ----------
    act : str or Activation
        A clipped family (``crelu``, ``cst``).
    sparsity, slope : float
        P(phi = 0) and V'(q*) of the map at which the curves meet.
    q_ref : float
        Its q*, a variance.
    q_min, q_max : float, optional
        Range of q*; by default a tenth to ten times `q_ref`.

    Raises
    ------
    DomainError, DtypeError, InfeasibleError, UnknownNameError
        As `clipping_level`; or the range is not ascending.
    """
    q = positive("q_ref", q_ref)
    low = q / 10 if q_min is None else positive("q_min", q_min)
    high = 10 * q if q_max is None else positive("q_max", q_max)
    if not low < high:
        raise DomainError(f"q_min = {low:g} is not below q_max = {high:g}: give an ascending range.")
    unbound = as_activation(act)
    found = _four_ways(unbound, sparsity, slope, q, np.geomspace(low, high, _POINTS))
    figure: Figure
    figure, _ = new_figure("", "")
    figure.clear()
    figure.set_size_inches(10.4, 6.2)
    for axes, (name, title, scale) in zip(figure.subplots(2, 3, sharex=True).flat, _PANELS, strict=True):
        _draw_panel(axes, found, name, scale)
        axes.set_title(title, fontsize="medium")
        axes.axvline(q, color="0.85", linewidth=1, zorder=0)
        axes.set_xlim(low, high)
    for axes in figure.axes[3:]:
        axes.set_xlabel("fixed point $q^*$ (a variance)")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, title="held fixed")
    figure.suptitle(f"{unbound.name} on its edge of chaos; sparsity {sparsity:g}, slope {slope:g} at $q^* = {q:g}$")
    return figure


def _four_ways(
    act: Activation, sparsity: float, slope: float, q_ref: float, q_stars: Any
) -> Mapping[str, QStarEffects]:
    """The effects for everything that can be held, through the map of this sparsity and slope at q_ref."""
    family = ClippedFamily.of(act)
    clip = clipping_level(act, sparsity, q_ref, target=slope)
    threshold, level = {family.threshold: clip.tau}, {family.level: clip.m}
    held: dict[str, dict[str, float]] = {
        "parameters": {**threshold, **level},
        "threshold-and-slope": {**threshold, "slope": slope},
        "level-and-sparsity": {**level, "sparsity": sparsity},
        "sparsity-and-slope": {"sparsity": sparsity, "slope": slope},
    }
    return {hold: _effects(act, q_stars, hold, values) for hold, values in held.items()}


def _effects(act: Activation, q_stars: Any, hold: str, held: Mapping[str, Any]) -> QStarEffects:
    return vary_q_star(act, q_stars, hold=hold, distance=_DISTANCE, **held)


def _draw_panel(axes: Axes, found: Mapping[str, QStarEffects], name: str, scale: str) -> None:
    for (hold, effects), colour, style in zip(found.items(), colour_cycle(len(found)), _STYLES, strict=True):
        axes.plot(effects.q_star, getattr(effects, name), color=colour, linestyle=style, label=_WORDS[hold])
    axes.set_xscale("log")
    axes.spines[["top", "right"]].set_visible(False)
    if scale == "linear":
        axes.axhline(0, color="0.85", linewidth=1, zorder=0)
    elif scale == "log":
        axes.set_yscale("log")
        axes.set_ylim(_LEAST_VARIANCE, _MOST_VARIANCE)
    else:
        axes.axhline(0, color="0.85", linewidth=1, zorder=0)
        axes.set_yscale("asinh", linear_width=0.5)
        axes.set_yticks(_SHIFTS, labels=[f"{shift:g}" for shift in _SHIFTS], minor=False)
        axes.set_yticks([], minor=True)
        axes.set_ylim(_SHIFTS[0], _SHIFTS[-1])
