"""Edges of chaos as curves in the plane of standard deviations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from ..checks import positive
from ..errors import DomainError, InfeasibleError, NoEdgeOfChaosError
from ..solve import edge_of_chaos
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
    InfeasibleError
        An activation has no edge of chaos anywhere in the range.
    """
    require_some("activations", activations)
    low, high = positive("q_min", q_min), positive("q_max", q_max)
    if not low < high:
        raise DomainError(f"q_min = {low:g} is not below q_max = {high:g}: give an ascending range.")
    figure: Figure
    figure, axes = new_figure(
        r"$\sigma_b$ (standard deviation of the biases)", r"$\sigma_w$ (of the weights, times $\sqrt{n}$)"
    )
    for index, (act, colour) in enumerate(zip(activations, colour_cycle(len(activations)), strict=True)):
        curve = _edge_points(act, np.geomspace(low, high, points))
        if not curve:
            raise InfeasibleError(f"{act.label} has no edge of chaos for q* from {low:g} to {high:g}: widen the range.")
        sigma_b, sigma_w, _ = np.array(curve).T
        axes.plot(sigma_b, sigma_w, color=colour, label=act.label)
        if np.ptp(sigma_b) > 0:
            marked = [q for q in _MARKED_VARIANCES if low <= q <= high]
            _mark_variances(axes, _edge_points(act, marked), colour, above=index % 2 == 0)
        else:  # homogeneous: one point serves every q*
            axes.plot(sigma_b[0], sigma_w[0], marker="o", color=colour)
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize="small")
    written = ", ".join(f"{q:g}" for q in _MARKED_VARIANCES if low <= q <= high)
    axes.set_title(f"Edge of chaos; dots at $q^* = {written}$" if written else "Edge of chaos")
    return figure


def _edge_points(act: Activation, variances: Iterable[float]) -> list[tuple[float, float, float]]:
    """(sigma_b, sigma_w, q*) on the edge of chaos, for those variances at which it exists."""
    found = []
    for q in variances:
        try:
            eoc = edge_of_chaos(act, q)
        except (InfeasibleError, NoEdgeOfChaosError):
            if act.jumps:  # then there is none anywhere, and the error says why
                raise
            continue
        found.append((math.sqrt(eoc.sigma_b2), math.sqrt(eoc.sigma_w2), float(q)))
    return found


def _mark_variances(axes: Axes, marks: Sequence[tuple[float, float, float]], colour: str, above: bool) -> None:
    offset = (3, 5) if above else (-3, -11)  # neighbouring curves write on different sides
    for sigma_b, sigma_w, q in marks:
        axes.plot(sigma_b, sigma_w, marker="o", markersize=5, color=colour)
        axes.annotate(f"{q:g}", (sigma_b, sigma_w), xytext=offset, textcoords="offset points", fontsize=8)
