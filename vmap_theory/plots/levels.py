"""The clipping level against the sparsity by all four criteria: the map of what can be trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..activations import as_activation
from ..checks import integer_between, positive
from ..solve import clipping_levels
from .style import COLOURS, new_figure, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ..activations import Activation

    Array = NDArray[np.float64]

_SPARSITIES = (0.51, 0.98)
_POINTS = 120
_MOST_CHAINED = 12  # sparsities for which chains are simulated, some seconds each
_STYLES = ("-", "--", "-.", ":")


def plot_clipping_levels(
    act: str | Activation,
    sparsities: Sequence[float] | None = None,
    q_star: float = 1.0,
    *,
    targets: Sequence[float] = (0.5, 0.7, 0.9),
    width: int | None = 300,
    depth: int = 100,
    risk: float = 0.05,
    chains: int = 300,
    seed: int = 0,
) -> Figure:
    """Draw the clipping level against the sparsity by every criterion, and shade what the levels mean.

    Red: V has further fixed points beside q* (above the saddle-node curve).  Green: nets of this width and depth stay
    in range with probability 1 - risk (between the two finite-width curves).  In between, q* is alone, and nets of this
    width and depth leave the range all the same.

    Parameters
    ----------
    act : str or Activation
        A clipped family (``crelu``, ``cst``), or an activation with two free parameters, threshold and level.
    sparsities : sequence of float, optional
        P(phi = 0) at q_star, ascending; by default 120 from 0.51 to 0.98.  Chains are simulated at 12 of them at most.
    q_star : float
        Variance, > 0.
    targets : sequence of float
        The slopes V'(q*) of criterion ``slope``.
    width, depth, risk, chains, seed : number
        Of criterion ``finite-width``, as in `clipping_level`; it takes a minute at the defaults.  ``width=None`` leaves
        it out.

    Raises
    ------
    DomainError, DtypeError, InfeasibleError, NoEdgeOfChaosError, UnknownNameError
        As in `clipping_levels`.
    """
    require_some("targets", targets)
    s = np.linspace(*_SPARSITIES, _POINTS) if sparsities is None else np.asarray(sparsities, dtype=np.float64)
    require_some("sparsities", s.tolist())
    unbound, q = as_activation(act), positive("q_star", q_star)
    slopes = clipping_levels(unbound, s, q, target=np.asarray(targets, dtype=np.float64)[:, None])
    saddle = clipping_levels(unbound, s, q, criterion="saddle-node").m
    bend = clipping_levels(unbound, s, q, criterion="inflection").m
    figure: Figure
    figure, axes = new_figure("sparsity $s$ at $q^*$", "clipping level $m$")
    figure.set_size_inches(6.4, 5.2)  # room for the legend below
    axes.set_yscale("log")
    _plain_ticks(axes)
    axes.set_xlim(s[0], s[-1])
    shown = np.concatenate([slopes.m.ravel(), saddle])
    axes.set_ylim(0.4 * np.nanmin(shown), 1.25 * np.nanmax(shown))
    axes.fill_between(s, saddle, 10 * np.nanmax(shown), color=COLOURS[1], alpha=0.16, linewidth=0)
    for m, target, style in zip(
        slopes.m, targets, [_STYLES[i % len(_STYLES)] for i in range(len(targets))], strict=True
    ):
        axes.plot(s, m, color=COLOURS[0], linestyle=style, label=f"slope $V'(q^*) = {target:g}$")
    axes.plot(s, bend, color=COLOURS[3], label="inflection, $V''(q^*) = 0$")
    axes.plot(s, saddle, color=COLOURS[1], linewidth=2, label="saddle-node: above, a second stable $q$")
    if width is not None:
        chained = s[:: -(-s.size // _MOST_CHAINED)]
        net = {"width": width, "depth": depth, "risk": risk, "chains": integer_between("chains", chains, 2, 10**8)}
        _draw_finite_width(axes, unbound, chained, q, net, seed)
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    axes.set_title(f"Clipping levels of {unbound.name}, $q^* = {q:g}$")
    return figure


def _draw_finite_width(axes: Axes, act: Activation, s: Array, q: float, net: dict[str, float], seed: int) -> None:
    """Draw the island of levels that suffice, and the confidence interval of its upper shore."""
    found = clipping_levels(act, s, q, criterion="finite-width", seed=seed, **net)  # type: ignore[arg-type]
    label = f"width {net['width']}, depth {net['depth']}: in range with probability {1 - net['risk']:g}"
    top = np.where(np.isnan(found.m) & ~np.isnan(found.m_least), axes.get_ylim()[1], found.m)  # no clipping is needed
    axes.fill_between(s, found.m_least, top, color=COLOURS[2], alpha=0.22, linewidth=0, label=label)
    axes.plot(s, found.m_least, color=COLOURS[2], linewidth=1)
    inside = found.feasible
    high = np.where(np.isfinite(found.m_high), found.m_high, found.m)
    below, above = (found.m - found.m_low)[inside], (high - found.m)[inside]
    axes.errorbar(
        s[inside], found.m[inside], yerr=(below, above), color=COLOURS[2], marker="o", markersize=3, linewidth=1
    )


def _plain_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
