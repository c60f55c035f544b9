"""An activation, and beside it its variance map on the edge of chaos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from ..checks import positive
from ..errors import DegenerateMapError, InfeasibleError, NoEdgeOfChaosError, PrecisionError
from ..fixed_point_search import FixedPoint, fixed_points
from ..kernels import gaussian_moments
from ..solve import edge_of_chaos
from .activations import draw_activation
from .style import COLOURS, axes_lines, new_figure
from .variance_maps import draw_variance_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OVERVIEW = 4.0  # standard deviations of the pre-activations that are shown


def plot_overview(act: Activation, q_star: float = 1.0) -> Figure:
    """Draw an activation, and beside it its variance map on the edge of chaos.

    Where it has no edge of chaos at `q_star`, E[phi^2] stands in place of the variance map.

    Parameters
    ----------
    act : Activation
        With numbers for all parameters.
    q_star : float
        Variance that is to be the fixed point, > 0.
    """
    act.require_numbers("a picture")
    q = positive("q_star", q_star)
    try:
        eoc = edge_of_chaos(act, q)
    except (InfeasibleError, NoEdgeOfChaosError):
        eoc = None
    figure: Figure
    figure, (left, right) = new_figure("x", r"$\phi(x)$", columns=2)
    axes_lines(left)
    breaks = [abs(float(point.at)) for point in act.breaks]
    draw_activation(left, act, max(1.5 * max(breaks, default=0.0), _OVERVIEW * math.sqrt(q)), COLOURS[0])
    left.set_title(act.label, fontsize="medium")
    if eoc is None:
        variances = np.linspace(0, 3 * q, 200)[1:]
        right.plot(variances, gaussian_moments(act, variances).second_moment, color=COLOURS[0])
        right.set_title(f"no edge of chaos at $q^* = {q:g}$", fontsize="medium")
        right.set_ylim(0, None)
    else:
        try:
            found: Sequence[FixedPoint] = fixed_points(eoc.variance_map)
        except (DegenerateMapError, PrecisionError):  # every q is a fixed point, or far ones cannot be told
            found = ()
        draw_variance_maps(right, [eoc.variance_map], [found], ["$V$"], None if found else 3 * q)
        right.set_title(f"edge of chaos at $q^* = {q:g}$", fontsize="medium")
    right.set_xlabel("variance $q$")
    right.set_ylabel(r"$E[\phi^2]$" if eoc is None else "$V(q)$")
    return figure
