"""Pictures of single activations: the functions themselves, their maps, edges of chaos, chains of finite width."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import (
    ChainsOption,
    DepthOption,
    JsonOption,
    NamesInOneWord,
    OutOption,
    QStarOption,
    SeedOption,
    SparsityOption,
    StartOption,
    TargetsOption,
    WidthOption,
)
from .printing import progress, save_picture
from .reading import activation_in_one_word, maps_on_edge


def activations_picture(
    names: Annotated[list[str], typer.Argument(metavar="NAME[:P=V,...]...", help="Such as crelu:tau=1,m=0.5 relu.")],
    out: OutOption,
    as_json: JsonOption = False,
) -> None:
    """Draw activations over one axis."""
    from ..plots import plot_activations

    save_picture(plot_activations([activation_in_one_word(name) for name in names]), out, as_json)


def variance_map_picture(
    names: NamesInOneWord,
    out: OutOption,
    sparsity: SparsityOption = None,
    target: TargetsOption = None,
    q_star: QStarOption = 1.0,
    q_max: Annotated[float | None, typer.Option("--q-max", help="Right end of the axis.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw variance maps on the edge of chaos, with the identity and all fixed points."""
    from ..plots import plot_variance_maps

    maps, labels = maps_on_edge(names, q_star, sparsity, target)
    save_picture(plot_variance_maps(maps, labels=[", ".join(words) for words in labels], q_max=q_max), out, as_json)


def eoc_picture(
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

    acts = [activation_in_one_word(name) for name in names]
    save_picture(plot_edge_of_chaos(acts, q_min=q_min, q_max=q_max), out, as_json)


def chains_picture(
    names: NamesInOneWord,
    out: OutOption,
    *,
    width: WidthOption,
    depth: DepthOption,
    sparsity: SparsityOption = None,
    target: TargetsOption = None,
    q_star: QStarOption = 1.0,
    q_0: StartOption = None,
    chains: ChainsOption = 2000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw how variances and gradients of nets of finite width spread over the layers, a column for each map."""
    from ..plots import plot_chains

    maps, labels = maps_on_edge(names, q_star, sparsity, target)
    titles = ["\n".join(words) for words in labels]  # columns are narrow
    with progress("simulating nets"):
        figure = plot_chains(maps, labels=titles, width=width, depth=depth, q_0=q_0, chains=chains, seed=seed)
    save_picture(figure, out, as_json)
