"""V'(q*) and V''(q*) against the clipping level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation, as_activation
from ..checks import positive
from ..kernels import gaussian_moments
from ..solve import threshold_for_sparsity
from ..solve.clipping import level_parameter
from ..solve.threshold import threshold_parameter
from .style import colour_cycle, new_figure, require_some

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_slope_against_level(
    act: str | Activation, sparsities: Sequence[float] = (0.5, 0.7, 0.85, 0.9), q_star: float = 1.0
) -> Figure:
    """Draw V'(q*) and V''(q*) on the edge of chaos against the clipping level m, a curve for each sparsity.

    Parameters
    ----------
    act : str or Activation
        A clipped family (``crelu``, ``cst``).
    sparsities : sequence of float
        P(phi = 0) at q_star.
    q_star : float
        Variance, > 0.
    """
    require_some("sparsities", sparsities)
    unbound = as_activation(act)
    threshold, _ = threshold_parameter(unbound)
    level = level_parameter(unbound, threshold)
    q = positive("q_star", q_star)
    m = np.linspace(0.02, 4.0, 400) * np.sqrt(q)
    figure: Figure
    figure, (above, below) = new_figure("clipping level $m$", r"$V'(q^*)$", rows=2)
    above.axhline(1.0, color="0.55", linestyle="--", linewidth=1)
    below.axhline(0.0, color="0.55", linestyle="--", linewidth=1)
    for sparsity, colour in zip(sparsities, colour_cycle(len(sparsities)), strict=True):
        tau = threshold_for_sparsity(unbound, sparsity, q)
        moments = gaussian_moments(unbound, q, **{threshold: tau, level: m})
        above.plot(m, moments.d_second_moment / moments.slope_moment, color=colour, label=f"sparsity {sparsity:g}")
        below.plot(m, moments.d2_second_moment / moments.slope_moment, color=colour)
    above.set_ylim(0, 1.08)
    above.legend(frameon=False, fontsize="small")
    below.set_ylabel(r"$V''(q^*)$")
    below.set_xlabel("clipping level $m$")
    above.set_xlabel("")
    above.set_xlim(0, m[-1])
    above.set_title(f"{unbound.name} on its edge of chaos, $q^* = {q:g}$")
    return figure
