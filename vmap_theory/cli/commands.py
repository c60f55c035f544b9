"""``vmap-theory``: its commands, each one call of the public API and a way to show its result."""

from __future__ import annotations

from typing import Annotated

import typer

from .diagram_command import phase_diagram
from .formula_commands import derive, list_families, verify
from .net_commands import trainability
from .plot import plot_app
from .printing import print_line
from .solve_commands import clip, eoc, fixed_points, q_star_effects
from .table_commands import demo, table

app = typer.Typer(
    name="vmap-theory",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Exact variance maps, edges of chaos and stable clipping levels for sparsely activated deep networks.",
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from .. import __version__

        print_line(__version__)
        raise typer.Exit


# In this order --help lists them.
app.command("list")(list_families)
app.command()(derive)
app.command()(verify)
app.command()(eoc)
app.command("fixed-points")(fixed_points)
app.command()(clip)
app.command("q-star")(q_star_effects)
app.command()(trainability)
app.command("phase-diagram")(phase_diagram)
app.command()(table)
app.command()(demo)
app.add_typer(plot_app, name="plot")
