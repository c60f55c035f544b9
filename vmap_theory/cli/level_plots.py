"""Pictures of clipped families: slopes and clipping levels, what q* changes, phase diagrams."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .diagram_command import computed_diagram, range_of_axis, scored_diagram
from .options import (
    BiasRange,
    FamilyInOneWord,
    JsonOption,
    LevelRange,
    OutOption,
    QStarOption,
    QStarOrNone,
    ScoreDepthOption,
    ScoreWidthOption,
    SparsityRange,
    TargetsOption,
    VariancesOption,
    WeightRange,
    refuse_without,
)
from .printing import progress, save_picture
from .reading import activation_in_one_word


def slope_picture(
    name: FamilyInOneWord,
    out: OutOption,
    sparsity: Annotated[
        list[float] | None, typer.Option("--sparsity", help="One curve each. [0.5 0.7 0.85 0.9]")
    ] = None,
    q_star: QStarOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Draw V'(q*) and V''(q*) against the clipping level m."""
    from ..plots import plot_slope_against_level

    act = activation_in_one_word(name)
    save_picture(plot_slope_against_level(act, sparsity or (0.5, 0.7, 0.85, 0.9), q_star), out, as_json)


def clipping_levels_picture(
    name: FamilyInOneWord,
    out: OutOption,
    sparsity: Annotated[
        tuple[float, float, int] | None,
        typer.Option("--sparsity", metavar="LOW HIGH COUNT", help="The axis. [0.51 0.98 120]"),
    ] = None,
    target: TargetsOption = None,
    q_star: QStarOption = 1.0,
    width: Annotated[
        int | None,
        typer.Option("--width", help="Add the criterion finite-width, for this many units per layer: a minute."),
    ] = None,
    depth: Annotated[int | None, typer.Option("--depth", help="With --width: layers. [100]")] = None,
    risk: Annotated[
        float | None, typer.Option("--risk", help="With --width: the probability of leaving the range. [0.05]")
    ] = None,
    chains: Annotated[
        int | None, typer.Option("--chains", help="With --width: how many nets are simulated. [300]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="With --width: what their random numbers come from. [0]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the clipping level against the sparsity by all criteria: the map of what can be trained."""
    from ..plots import plot_clipping_levels

    net = {"depth": depth, "risk": risk, "chains": chains, "seed": seed}
    if width is None:
        refuse_without("--width", {f"--{option}": value for option, value in net.items()})
    given: dict[str, Any] = {key: value for key, value in {**net, "targets": target}.items() if value is not None}
    axis = None if sparsity is None else range_of_axis("--sparsity", sparsity, 2)
    with progress("solving for clipping levels"):
        figure = plot_clipping_levels(activation_in_one_word(name), axis, q_star, width=width, **given)
    save_picture(figure, out, as_json)


def q_star_picture(
    name: FamilyInOneWord,
    out: OutOption,
    sparsity: Annotated[float, typer.Option("--sparsity", help="Of the map at which all curves meet.")] = 0.85,
    slope: Annotated[float, typer.Option("--slope", help="V'(q*) of that map.")] = 0.7,
    q_star: Annotated[float, typer.Option("--q-star", help="Its q*, a variance.")] = 1.0,
    q_min: Annotated[float | None, typer.Option("--q-min", help="Left end of the axis. [0.1 of it]")] = None,
    q_max: Annotated[float | None, typer.Option("--q-max", help="Right end of the axis. [10 of it]")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw what changes with q*, a curve for each thing that can be held fixed."""
    from ..plots import plot_q_star_effects

    figure = plot_q_star_effects(
        activation_in_one_word(name), sparsity=sparsity, slope=slope, q_ref=q_star, q_min=q_min, q_max=q_max
    )
    save_picture(figure, out, as_json)


def phase_diagram_picture(
    name: Annotated[
        str, typer.Argument(metavar="NAME[:P=V,...]", help="A clipped family; with --variances any activation.")
    ],
    out: OutOption,
    sparsity: SparsityRange = None,
    m: LevelRange = None,
    q_star: QStarOrNone = None,
    variances: VariancesOption = False,
    sigma_w: WeightRange = None,
    sigma_b: BiasRange = None,
    width: ScoreWidthOption = None,
    depth: ScoreDepthOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a phase diagram; vmap-theory phase-diagram lays the scores of simulated nets over it too."""
    from ..plots import plot_phase_diagram

    ranges = {"--sparsity": sparsity, "--m": m, "--sigma-w": sigma_w, "--sigma-b": sigma_b}
    diagram = computed_diagram(activation_in_one_word(name), ranges, q_star, variances, True)
    diagram = scored_diagram(diagram, width, depth, {"cells": (0, 0)})
    save_picture(plot_phase_diagram(diagram), out, as_json)
