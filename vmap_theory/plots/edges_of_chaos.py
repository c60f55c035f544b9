"""Edges of chaos as curves in the plane of standard deviations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from ..checks import positive
from ..solve import EdgesOfChaos, edges_of_chaos
from ..solve.edge_curves import edge_curve
from .style import colour_cycle, new_figure, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKED_VARIANCES = (0.1, 1.0, 10.0)


def plot_edge_of_chaos(
    activations: Sequence[Activation], *, q_min: float = 0.05, q_max: float = 20.0, points: int = 200
) -> Figure:
    """Draw the edge of chaos in the plane of standard deviations (sigma_b, sigma_w), a curve traced by q*.

    Parameters
    ----------
    activations : sequence of Activation
        With numbers for all parameters; without jumps.
    q_min, q_max : float
        Range of q*, variances; parts where no edge of chaos exists are left out.
    points : int
        Points on each curve, spaced evenly in log q*.

    Raises
    ------
    InfeasibleError, NoEdgeOfChaosError
        An activation has no edge of chaos anywhere in the range.
    """
    require_some("activations", activations)
    low, high = positive("q_min", q_min), positive("q_max", q_max)
    figure: Figure
    figure, axes = new_figure(
        r"$\sigma_b$ (standard deviation of the biases)", r"$\sigma_w$ (of the weights, times $\sqrt{n}$)"
    )
    for index, (act, colour) in enumerate(zip(activations, colour_cycle(len(activations)), strict=True)):
        curve = edge_curve(act, low, high, points)
        axes.plot(curve.sigma_b, curve.sigma_w, color=colour, label=act.label)
        if curve.is_point:  # homogeneous: one point serves every q*
            axes.plot(curve.sigma_b[0], curve.sigma_w[0], marker="o", color=colour)
        else:
            marked = edges_of_chaos(act, [q for q in _MARKED_VARIANCES if low <= q <= high])
            _mark_variances(axes, marked, colour, above=index % 2 == 0)
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize="small")
    written = ", ".join(f"{q:g}" for q in _MARKED_VARIANCES if low <= q <= high)
    axes.set_title(f"Edge of chaos; dots at $q^* = {written}$" if written else "Edge of chaos")
    return figure


def _mark_variances(axes: Axes, marks: EdgesOfChaos, colour: str, above: bool) -> None:
    offset = (3, 5) if above else (-3, -11)  # neighbouring curves write on different sides
    rows = np.stack([np.sqrt(marks.sigma_b2), np.sqrt(marks.sigma_w2), marks.q_star], axis=-1)
    for sigma_b, sigma_w, q in rows[marks.feasible]:
        axes.plot(sigma_b, sigma_w, marker="o", markersize=5, color=colour)
        axes.annotate(f"{q:g}", (sigma_b, sigma_w), xytext=offset, textcoords="offset points", fontsize=8)
