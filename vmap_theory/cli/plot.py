"""``vmap-theory plot``: one command a kind of picture."""

from __future__ import annotations

from typing import Annotated

import typer

from .shared import JsonOption, OutOption, QStarOption, activation_in_one_word, save_picture

plot_app = typer.Typer(no_args_is_help=True, help="Draw a picture and write it to a PNG, SVG or PDF file.")


@plot_app.command("activations")
def plot_activations_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME[:P=V,...]...", help="Such as crelu:tau=1,m=0.5 relu.")],
    out: OutOption,
    as_json: JsonOption = False,
) -> None:
    """Draw activations over one axis."""
    from ..plots import plot_activations

    save_picture(plot_activations([activation_in_one_word(name) for name in names]), out, as_json)


@plot_app.command("variance-map")
def plot_variance_map_command(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME[:P=V,...]...", help="With --sparsity: families with a threshold. Else in full."),
    ],
    out: OutOption,
    sparsity: Annotated[float | None, typer.Option("--sparsity", help="Fraction of zero outputs at q*.")] = None,
    target: Annotated[
        list[float] | None,
        typer.Option("--target", help="Slope V'(q*) of clipped families; a curve each. [0.5 0.7 0.9]"),
    ] = None,
    q_star: QStarOption = 1.0,
    q_max: Annotated[float | None, typer.Option("--q-max", help="Right end of the axis.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw variance maps on the edge of chaos, with the identity and all fixed points."""
    from ..plots import plot_variance_maps
    from ..solve import clipping_level, edge_of_chaos, threshold_for_sparsity
    from ..solve.threshold import threshold_parameter

    maps, labels = [], []
    for name in names:
        act = activation_in_one_word(name)
        if sparsity is None:
            maps.append(edge_of_chaos(act, q_star).variance_map)
            labels.append(act.label)
            continue
        threshold, _ = threshold_parameter(act)
        if len(act.free_parameters) == 1:
            tau = threshold_for_sparsity(act, sparsity, q_star)
            maps.append(edge_of_chaos(act.bind(**{threshold: tau}), q_star).variance_map)
            labels.append(f"{act.name}, sparsity {sparsity:g}, not clipped")
            continue
        for found in (clipping_level(act, sparsity, q_star, target=slope) for slope in target or (0.5, 0.7, 0.9)):
            maps.append(found.variance_map)
            labels.append(f"{act.name}, sparsity {sparsity:g}, $V'(q^*) = {found.target:g}$, $m = {found.m:.4g}$")
    save_picture(plot_variance_maps(maps, labels=labels, q_max=q_max), out, as_json)


@plot_app.command("slope")
def plot_slope_command(
    name: Annotated[str, typer.Argument(metavar="FAMILY[:P=V,...]", help="A clipped family: crelu or cst.")],
    out: OutOption,
    sparsity: Annotated[
        list[float] | None, typer.Option("--sparsity", help="One curve each. [0.5 0.7 0.85 0.9]")
    ] = None,
    q_star: QStarOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Draw V'(q*) and V''(q*) against the clipping level m."""
    from ..plots import plot_slope_against_level

    save_picture(
        plot_slope_against_level(activation_in_one_word(name), sparsity or (0.5, 0.7, 0.85, 0.9), q_star), out, as_json
    )


@plot_app.command("eoc")
def plot_eoc_command(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME[:P=V,...]...", help="Such as crelu:tau=1,m=0.5 hardtanh.")
    ],
    out: OutOption,
    q_min: Annotated[float, typer.Option("--q-min", help="Least q* on the curve.")] = 0.05,
    q_max: Annotated[float, typer.Option("--q-max", help="Largest q* on the curve.")] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Draw the edge of chaos in the plane of sigma_b and sigma_w."""
    from ..plots import plot_edge_of_chaos

    save_picture(
        plot_edge_of_chaos([activation_in_one_word(n) for n in names], q_min=q_min, q_max=q_max),
        out,
        as_json,
    )
