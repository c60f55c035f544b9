"""Activations over one axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from ..checks import positive
from .style import axes_lines, colour_cycle, new_figure, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_activations(activations: Sequence[Activation], *, half_width: float | None = None) -> Figure:
    """Draw activations over one axis.

    Parameters
    ----------
    activations : sequence of Activation
        With numbers for all parameters.
    half_width : float, optional
        x runs over (-half_width, half_width); by default half as far again as the outermost break point.
    """
    require_some("activations", activations)
    for act in activations:
        act.require_numbers("a picture")
    breaks = [abs(float(point.at)) for act in activations for point in act.breaks]
    reach = positive("half_width", half_width) if half_width is not None else max(1.5 * max(breaks, default=1.0), 2.0)
    figure: Figure
    figure, axes = new_figure("x", r"$\phi(x)$")
    axes_lines(axes)
    for act, colour in zip(activations, colour_cycle(len(activations)), strict=True):
        draw_activation(axes, act, reach, colour)
    axes.legend(frameon=False)
    axes.set_title("Activations")
    return figure


def draw_activation(axes: Axes, act: Activation, reach: float, colour: str) -> None:
    """Draw phi on (-reach, reach)."""
    for index, (low, high) in enumerate(_smooth_stretches(act, reach)):
        x = np.linspace(low, high, 200)
        inside = np.clip(x, np.nextafter(low, high), np.nextafter(high, low))
        axes.plot(x, act(inside), color=colour, label=act.label if index == 0 else None)


def _smooth_stretches(act: Activation, reach: float) -> list[tuple[float, float]]:
    """Intervals between jumps, so that no line is drawn across one."""
    cuts = [float(point.at) for point in act.jumps if abs(float(point.at)) < reach]
    ends = [-reach, *cuts, reach]
    return list(pairwise(ends))
