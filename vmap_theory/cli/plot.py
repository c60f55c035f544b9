"""``vmap-theory plot``: one command a kind of picture."""

from __future__ import annotations

import typer

from .level_plots import clipping_levels_picture, phase_diagram_picture, q_star_picture, slope_picture
from .map_plots import activations_picture, chains_picture, eoc_picture, variance_map_picture

plot_app = typer.Typer(no_args_is_help=True, help="Draw a picture and write it to a PNG, SVG or PDF file.")

plot_app.command("activations")(activations_picture)
plot_app.command("variance-map")(variance_map_picture)
plot_app.command("eoc")(eoc_picture)
plot_app.command("chains")(chains_picture)
plot_app.command("slope")(slope_picture)
plot_app.command("clipping-levels")(clipping_levels_picture)
plot_app.command("q-star")(q_star_picture)
plot_app.command("phase-diagram")(phase_diagram_picture)
