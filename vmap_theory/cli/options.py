"""Arguments and options that several commands have, and refusals of options that do not go together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UnknownNameError

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A name of the registry, or an expression in x, quoted.")
]
FamilyArgument = Annotated[
    str,
    typer.Argument(
        metavar="FAMILY", help="A clipped family (crelu, cst), or an expression in x with a threshold and a level."
    ),
]
WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PARAMETER=NUMBER]...",
        help="Values of parameters, such as tau=1 m=0.5; for an expression domains too, in quotes: 'tau>=0' '0<a<1' "
        "'m in (0, oo)' 'degree in 1..8'.",
    ),
]
FamilyInOneWord = Annotated[
    str, typer.Argument(metavar="FAMILY[:P=V,...]", help="A clipped family: crelu or cst, or an expression.")
]
NamesInOneWord = Annotated[
    list[str],
    typer.Argument(metavar="NAME[:P=V,...]...", help="With --sparsity: families with a threshold. Else in full."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
QStarOption = Annotated[float, typer.Option("--q-star", help="The fixed point q*, a variance.")]
QStarOrNone = Annotated[float | None, typer.Option("--q-star", help="The fixed point q*, a variance. [1]")]
DigitsOption = Annotated[int, typer.Option("--digits", help="Decimal digits of agreement asked for.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="The file to write (.png, .svg or .pdf).")]
SparsityOption = Annotated[
    float | None, typer.Option("--sparsity", help="Choose the threshold for this fraction of zero outputs at q*.")
]
TargetsOption = Annotated[
    list[float] | None,
    typer.Option("--target", help="Slope V'(q*) of clipped families; repeat for more. [0.5 0.7 0.9]"),
]
WidthOption = Annotated[int, typer.Option("--width", help="Units per layer.")]
DepthOption = Annotated[int, typer.Option("--depth", help="Layers.")]
ChainsOption = Annotated[int, typer.Option("--chains", help="How many nets are simulated.")]
SeedOption = Annotated[int, typer.Option("--seed", help="What their random numbers come from.")]
StartOption = Annotated[
    float | None, typer.Option("--q-0", help="Variance of the first layer; by default q* of the edge of chaos.")
]

# Ranges of axes.
Range = tuple[float, float, int]
SparsityRange = Annotated[
    Range | None,
    typer.Option("--sparsity", metavar="LOW HIGH COUNT", help="Fractions of zero outputs at q*. [0.5 0.95 100]"),
]
LevelRange = Annotated[
    Range | None,
    typer.Option(
        "--m",
        metavar="LOW HIGH COUNT",
        help="Clipping levels, whatever their parameter is called. [0.1 3 100, ends times sqrt(q*)]",
    ),
]
WeightRange = Annotated[
    Range | None,
    typer.Option(
        "--sigma-w",
        metavar="LOW HIGH COUNT",
        help="With --variances: standard deviations of the weights times sqrt(fan-in). [0.5 4 100]",
    ),
]
BiasRange = Annotated[
    Range | None,
    typer.Option(
        "--sigma-b",
        metavar="LOW HIGH COUNT",
        help="With --variances: standard deviations of the biases. [0 1 100]",
    ),
]
VariancesOption = Annotated[
    bool, typer.Option("--variances", help="Over sigma_w and sigma_b, in place of sparsity and clipping level.")
]
ScoreWidthOption = Annotated[
    int | None, typer.Option("--width", help="Add trainability scores of nets of this many units per layer ...")
]
ScoreDepthOption = Annotated[int | None, typer.Option("--depth", help="... and this many layers.")]


def refuse_without(needed: str, given: Mapping[str, object]) -> None:
    """Raise `UnknownNameError` for an option that is given, though `needed`, to which it belongs, is not."""
    for option, value in given.items():
        if value is not None and value is not False:
            raise UnknownNameError(f"{option} goes with {needed}: give that too, or leave {option} out.")


def refuse_with(taken: str, given: Mapping[str, object]) -> None:
    """Raise `UnknownNameError` for an option that is given beside one, `taken`, that rules it out."""
    for option, value in given.items():
        if value is not None and value is not False:
            raise UnknownNameError(f"{option} does not go with {taken}: leave one of the two out.")
