"""Variance maps with the identity and every fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..checks import positive
from ..errors import DomainError
from ..fixed_point_search import FixedPoint, fixed_points
from ..variance_map import VarianceMap
from .style import colour_cycle, new_figure, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = {"stable": "o", "unstable": "o", "semi-stable": "D"}
_LOG_RATIO = 20.0  # of the largest to the smallest fixed point, beyond which variance maps get logarithmic axes


def plot_variance_maps(
    maps: Sequence[VarianceMap], *, labels: Sequence[str] | None = None, q_max: float | None = None
) -> Figure:
    """Draw variance maps with the identity and every fixed point, marked by its stability.

    Parameters
    ----------
    maps : sequence of VarianceMap
        The maps.
    labels : sequence of str, optional
        One a map; by default the activation's name and parameters.
    q_max : float, optional
        Right end of the axis; by default it shows every fixed point, on logarithmic axes if they
        lie far apart.
    """
    require_some("maps", maps)
    names = list(labels) if labels is not None else [vm.activation.label for vm in maps]
    if len(names) != len(maps):
        raise DomainError(f"{len(names)} labels for {len(maps)} maps: give one label a map, or none at all.")
    found = [fixed_points(vm) for vm in maps]
    figure: Figure
    figure, axes = new_figure("variance $q$ of the pre-activations", "variance $V(q)$ in the next layer")
    draw_variance_maps(axes, maps, found, names, q_max)
    axes.set_title("Variance maps")
    return figure


def draw_variance_maps(
    axes: Axes,
    maps: Sequence[VarianceMap],
    found: Sequence[Sequence[FixedPoint]],
    names: Sequence[str],
    q_max: float | None,
) -> None:
    """Draw maps, the identity and fixed points, with a legend."""
    largest = max((point.q for points in found for point in points), default=1.0)
    end = positive("q_max", q_max) if q_max is not None else max(1.25 * largest, 2.0 * min(largest, 1.0))
    smallest = min((point.q for points in found for point in points), default=end)
    logarithmic = q_max is None and largest > _LOG_RATIO * smallest  # linear axes would squeeze the small ones together
    q = np.geomspace(smallest / 5, 3 * largest, 1000) if logarithmic else np.linspace(end / 2000, end, 1000)
    axes.plot(q, q, color="0.55", linestyle="--", linewidth=1, label="identity")
    for index, (vm, points, name, colour) in enumerate(zip(maps, found, names, colour_cycle(len(maps)), strict=True)):
        axes.plot(q, vm(q), color=colour, label=name)
        for point in points:
            filled = point.stability == "stable"
            axes.plot(
                point.q,
                point.q,
                marker=_MARKERS[point.stability],
                markersize=max(12 - 3 * index, 4),  # maps that share q* show one ring each
                color=colour,
                markerfacecolor=colour if filled else "white",
                linestyle="none",
                zorder=3 + index,
                clip_on=False,
            )
    for stability, marker in _MARKERS.items():
        if any(point.stability == stability for points in found for point in points):
            face = "0.3" if stability == "stable" else "white"
            axes.plot(
                [],
                [],
                marker=marker,
                color="0.3",
                markerfacecolor=face,
                linestyle="none",
                label=f"{stability} fixed point",
            )
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(q[0], q[-1])
    else:
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1.15 * end)
    axes.legend(frameon=False, fontsize="small")
