"""Draw every picture of the docs and the README into ``docs/pictures``: ``python docs/make_pictures.py [NAME...]``."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import vmap_theory as vt  # noqa: E402
from vmap_theory import plots  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPARSITY = 0.85
Q_STAR = 1.0


def activations() -> Figure:
    """The four families, with thresholds that keep the curves apart."""
    return plots.plot_activations(
        [
            vt.activation("relu_tau", tau=0.4),
            vt.activation("crelu", tau=0.8, m=1.0),
            vt.activation("soft_threshold", tau=1.2),
            vt.activation("cst", tau=1.6, m=0.6),
        ],
        half_width=3.0,
    )


def variance_maps() -> Figure:
    """Clipped at three slopes, and not clipped, all on the edge of chaos at one q*."""
    clips = [vt.clipping_level("cst", SPARSITY, Q_STAR, target=target) for target in (0.5, 0.7, 0.9)]
    tau = vt.threshold_for_sparsity("soft_threshold", SPARSITY, Q_STAR)
    unclipped = vt.edge_of_chaos(vt.activation("soft_threshold", tau=tau), Q_STAR)
    return plots.plot_variance_maps(
        [*(clip.variance_map for clip in clips), unclipped.variance_map],
        labels=[*(f"clipped at $m = {clip.m:.3g}$, $V'(q^*) = {clip.target:g}$" for clip in clips), "not clipped"],
        q_max=6.0,
    )


def slope_against_level() -> Figure:
    """V'(q*) and V''(q*) of crelu."""
    return plots.plot_slope_against_level("crelu", q_star=Q_STAR)


def edges_of_chaos() -> Figure:
    """Curves of a sparse family, clipped and not, beside two dense ones."""
    tau = vt.threshold_for_sparsity("cst", SPARSITY, Q_STAR)
    figure = plots.plot_edge_of_chaos(
        [
            vt.activation("cst", tau=tau, m=0.7),
            vt.activation("relu_tau", tau=0.5),
            vt.activation("hardtanh"),
            vt.activation("relu"),
        ],
        q_min=0.3,
    )
    figure.axes[0].set_title("Edge of chaos; dots at $q^* = 1, 10$")
    return figure


def clipping_levels() -> Figure:
    """The level by four criteria."""
    return plots.plot_clipping_levels("crelu")


def finite_width() -> Figure:
    """Variances and gradients of nets, layer by layer."""
    clips = [vt.clipping_level("cst", SPARSITY, Q_STAR, target=target) for target in (0.5, 0.7, 0.9)]
    maps = [*(clip.variance_map for clip in clips), vt.edge_of_chaos("tanh", Q_STAR).variance_map]
    labels = [*(f"cst, $V'(q^*) = {clip.target:g}$" for clip in clips), "tanh"]
    return plots.plot_chains(maps, labels=labels, width=300, depth=100)


def phase_diagram() -> Figure:
    """Fixed points over sparsity and level, with the score of nets of width 100 and depth 20."""
    diagram = vt.clipping_phase_diagram("cst", np.linspace(0.3, 0.95, 100), np.linspace(0.05, 3, 100), Q_STAR)
    return plots.plot_phase_diagram(diagram.with_scores(width=100, depth=20, chains=2000))


def accuracy() -> Figure:
    """Relative error of E[phi^2] against the threshold, one curve a method."""
    from accuracy_measurement import METHODS, relative_errors
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    ratios = np.linspace(0.0, 12.0, 49)
    for method, colour in zip(METHODS, ("#0072B2", "#D55E00", "#E69F00", "#009E73", "#CC79A7"), strict=True):
        errors = [relative_errors(method, float(ratio))["second_moment"] for ratio in ratios]
        axes.semilogy(ratios, np.clip(errors, 1e-17, 10.0), color=colour, label=method)
    axes.axhline(1.0, color="0.55", linestyle="--", linewidth=1)
    axes.set_xlim(0, 12)
    axes.set_ylim(1e-17, 30)
    axes.set_xlabel(r"threshold $\tau / \sqrt{q}$")
    axes.set_ylabel(r"relative error of $E[\phi^2]$ (above 10: drawn at 10)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.2))
    return figure


def accuracy_map() -> Figure:
    """Relative errors over the plane of threshold and level, a panel a method."""
    from accuracy_map import draw_accuracy_map

    return draw_accuracy_map()


PICTURES = {
    "activations": activations,
    "variance-maps": variance_maps,
    "slope-against-level": slope_against_level,
    "edges-of-chaos": edges_of_chaos,
    "clipping-levels": clipping_levels,
    "finite-width": finite_width,
    "phase-diagram": phase_diagram,
    "q-star-effects": plots.plot_q_star_effects,
    "accuracy": accuracy,
    "accuracy-map": accuracy_map,
}


def main() -> None:
    """Draw all of them, or those named on the command line."""
    for name in sys.argv[1:] or PICTURES:
        draw = PICTURES[name]
        path = HERE / "pictures" / f"{name}.png"
        path.write_bytes(small_png(draw()))
        sys.stdout.write(f"{path.relative_to(HERE.parent)}\n")


def small_png(figure: Figure) -> bytes:
    """The figure as a PNG with a palette, a third of the size of full colour and no different to the eye."""
    from PIL import Image

    picture = Image.open(io.BytesIO(plots.figure_bytes(figure, "png"))).convert("RGB")
    stream = io.BytesIO()
    picture.quantize(96, dither=Image.Dither.NONE).save(stream, format="png", optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    main()
