"""Phase diagrams: phases as areas, contours of V', the saddle-node line, and contours of trainability scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import DomainError, DtypeError
from ..phase_diagram import Phase, PhaseDiagram, ScoreMap
from ..solve import clipping_levels
from .style import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Pale tints that also differ in lightness; what cannot be used is hatched besides.
_TINTS = {
    Phase.ORDERED: "#D6E8F5",
    Phase.CRITICAL: "#EAF4EC",
    Phase.CHAOTIC: "#F9D5BD",
    Phase.SEVERAL_STABLE: "#F1E495",
    Phase.REPELLING: "#DCC8E0",
    Phase.DIVERGING: "#A98BB5",
    Phase.COLLAPSING: "#C9C9C9",
    Phase.INFEASIBLE: "#FFFFFF",
    Phase.UNRESOLVED: "#8F8F8F",
}
_NAMES = {
    Phase.ORDERED: r"ordered, $\chi_1 < 1$",
    Phase.CRITICAL: r"$q^*$ alone, $\chi_1 = 1$",
    Phase.CHAOTIC: r"chaotic, $\chi_1 > 1$",
    Phase.SEVERAL_STABLE: "several stable variances",
    Phase.REPELLING: "fixed point repels",
    Phase.DIVERGING: "variance diverges",
    Phase.COLLAPSING: "variance goes to 0",
    Phase.INFEASIBLE: "no edge of chaos at $q^*$",
    Phase.UNRESOLVED: "not told by float64",
}
_AXIS_LABELS = {
    "sparsity": r"sparsity $P(\phi = 0)$",
    "sigma_w": r"$\sigma_w$ (standard deviation of the weights, times $\sqrt{n}$)",
    "sigma_b": r"$\sigma_b$ (standard deviation of the biases)",
}
_HATCH = "////"
_SLOPES = (0.25, 0.5, 0.7, 0.9, 0.97)
_SCORES = (1.0, 2.0, 3.0, 5.0)
_DEAD = 0.05  # share of nets
_LINE_POINTS = 200  # sparsities at which the saddle-node line is solved for


def plot_phase_diagram(
    diagram: PhaseDiagram, *, slopes: Sequence[float] = _SLOPES, scores: Sequence[float] = _SCORES
) -> Figure:
    """Draw a phase diagram.

    Areas are phases; hatched is what has no edge of chaos.  Thin lines are contours of V' at the fixed point.  On an
    edge of chaos a thick black line is the clipping level at which a second fixed point appears (saddle-node); over
    sigma_w and sigma_b it is the edge of chaos, chi_1 = 1, and a dotted line is the border of the cells with several
    stable fixed points.  If the diagram has scores, contours of the first `ScoreMap` follow: by the exact chain solid,
    by small-noise theory dashed; a dotted grey line is where a twentieth of the nets lose all active units of a layer.

    Parameters
    ----------
    diagram : PhaseDiagram
        At least 2 by 2 cells.
    slopes : sequence of float
        Values of V' that get a contour.
    scores : sequence of float
        Values of the score that get a contour.

    Raises
    ------
    DomainError, DtypeError
        The diagram has a single row or column, or is none.
    MissingExtraError
        Matplotlib is not installed.
    """
    if not isinstance(diagram, PhaseDiagram):
        raise DtypeError(
            f"{type(diagram).__name__} is no PhaseDiagram: give one of clipping_phase_diagram, for instance."
        )
    if min(diagram.shape) < 2:
        raise DomainError(f"the diagram has {diagram.shape} cells: a picture needs at least 2 along each axis.")
    figure: Figure
    figure, axes = new_figure(_axis_label(diagram.x_name), _axis_label(diagram.y_name))
    figure.set_size_inches(7.2, 5.6)
    handles = _draw_phases(axes, diagram)
    handles += _draw_contours(axes, diagram, slopes)
    handles += _draw_boundary(axes, diagram)
    for score_map in diagram.scores[:1]:
        handles += _draw_scores(axes, diagram, score_map, scores)
    axes.set_xlim(diagram.x[0], diagram.x[-1])
    axes.set_ylim(diagram.y[0], diagram.y[-1])
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    axes.set_title(_title(diagram))
    return figure


def _axis_label(name: str) -> str:
    return _AXIS_LABELS.get(name, f"clipping level ${name}$")


def _title(diagram: PhaseDiagram) -> str:
    if diagram.q_star is None:
        return diagram.activation.label
    return f"{diagram.activation.label} on its edge of chaos, $q^* = {diagram.q_star:g}$"


def _draw_phases(axes: Axes, diagram: PhaseDiagram) -> list[Any]:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colours = ListedColormap([_TINTS[phase] for phase in Phase])
    axes.pcolormesh(
        diagram.x,
        diagram.y,
        diagram.phase.T,
        cmap=colours,
        vmin=-0.5,
        vmax=len(Phase) - 0.5,
        shading="nearest",
        rasterized=True,
    )
    infeasible = diagram.phase == Phase.INFEASIBLE
    if infeasible.any():
        drawn = axes.contourf(diagram.x, diagram.y, infeasible.T.astype(float), [0.5, 1.5], colors="none")
        drawn.set(hatch=_HATCH, edgecolor="0.6", linewidth=0)
    return [
        Patch(
            facecolor=_TINTS[phase],
            edgecolor="0.6",
            hatch=_HATCH if phase == Phase.INFEASIBLE else None,
            label=_NAMES[phase],
        )
        for phase in Phase
        if (diagram.phase == phase).any()
    ]


def _draw_contours(axes: Axes, diagram: PhaseDiagram, slopes: Sequence[float]) -> list[Any]:
    """Contours of V' at the fixed point that each cell is about."""
    handles = []
    for values in _by_branch(diagram, diagram.slope):
        handles += _lines(axes, values, slopes, "$V'$ at the fixed point", COLOURS[0], width=1.0)
    return handles[:1]


def _by_branch(diagram: PhaseDiagram, values: Any) -> list[tuple[Any, Any, Any]]:
    """Grids of values where one fixed point is stable, and where several are: between the two q and the values jump."""
    several = diagram.phase == Phase.SEVERAL_STABLE
    if diagram.q_star is not None:
        return [(diagram.x, diagram.y, values)]
    return [(diagram.x, diagram.y, np.where(here, values, np.nan)) for here in (several, ~several)]


def _draw_boundary(axes: Axes, diagram: PhaseDiagram) -> list[Any]:
    """The saddle-node line, solved for by itself on the edge of chaos; else chi_1 = 1 and the border between cells."""
    if diagram.q_star is None:
        handles = []
        for grid in _by_branch(diagram, diagram.chi_1):
            handles += _lines(axes, grid, [1.0], r"edge of chaos, $\chi_1 = 1$", "black", width=2.2, labelled=False)
        several = (diagram.x, diagram.y, (diagram.stable_count > 1).astype(float))
        border = _lines(axes, several, [0.5], "saddle-node", "black", style="dotted", labelled=False)
        return handles[:1] + border
    sparsities = np.linspace(diagram.x[0], diagram.x[-1], _LINE_POINTS)
    found = clipping_levels(diagram.activation, sparsities, diagram.q_star, criterion="saddle-node")
    if not found.feasible.any():
        return []
    return axes.plot(sparsities, found.m, color="black", linewidth=2.2, label="saddle-node: a second fixed point above")


def _draw_scores(axes: Axes, diagram: PhaseDiagram, scores: ScoreMap, levels: Sequence[float]) -> list[Any]:
    quantile = f"$g_{{{100 * scores.level:g}}}$ at width {scores.width}, depth {scores.depth}"
    handles = _lines(
        axes,
        (diagram.x, diagram.y, scores.small_noise),
        levels,
        f"{quantile}: small noise",
        COLOURS[3],
        style="dashed",
        labelled=min(scores.score.shape) < 2,  # else the solid lines have the numbers
    )
    if min(scores.score.shape) < 2:
        return handles
    grid = (diagram.x[scores.x_index], diagram.y[scores.y_index], scores.score)
    handles += _lines(axes, grid, levels, f"{quantile}: exact chain", COLOURS[1])
    dead = (*grid[:2], scores.dead)
    words = f"{100 * _DEAD:g} % of the nets lose all active units"
    return handles + _lines(axes, dead, [_DEAD], words, "0.35", style="dotted", labelled=False)


def _lines(
    axes: Axes,
    grid: tuple[Any, Any, Any],
    levels: Sequence[float],
    label: str,
    colour: str,
    *,
    style: Literal["solid", "dashed", "dotted"] = "solid",
    width: float = 1.6,
    labelled: bool = True,
) -> list[Any]:
    """Contours of values on a grid, where there are any; what stands for them in the legend."""
    from matplotlib.lines import Line2D

    x, y, values = grid
    known = values[np.isfinite(values)]
    shown = [level for level in sorted(levels) if known.size and known.min() < level < known.max()]
    if not shown:
        return []
    drawn = axes.contour(
        x, y, np.ma.masked_invalid(values).T, levels=shown, colors=colour, linewidths=width, linestyles=style
    )
    if labelled:
        axes.clabel(drawn, fmt="%g", fontsize=8)
    return [Line2D([], [], color=colour, linewidth=width, linestyle=style, label=label)]
