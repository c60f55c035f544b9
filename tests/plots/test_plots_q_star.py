"""The picture of q* as a knob: curves that meet at one map, and what they show."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import vmap_theory as vt
from vmap_theory.errors import DomainError, InfeasibleError, UnknownNameError
from vmap_theory.plots import save_figure
from vmap_theory.plots.q_star import plot_q_star_effects
from vmap_theory.solve.q_star import vary_q_star

PANELS = ("sparsity", "slope", "relative_sensitivity", "asymmetry", "stationary_variance", "mean_shift")


def curves_of(axes: Any) -> list[Any]:
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 10]


@pytest.fixture(scope="module")
def figure() -> Figure:
    return plot_q_star_effects("cst", sparsity=0.8, slope=0.6, q_ref=2.0)


def test_six_panels_of_four_curves_that_meet(figure: Figure) -> None:
    assert len(figure.axes) == 6
    titles = [axes.get_title() for axes in figure.axes]
    assert len(set(titles)) == 6
    for axes in figure.axes:
        lines = curves_of(axes)
        assert len(lines) == 4
        assert len({line.get_color() for line in lines}) == len({line.get_linestyle() for line in lines}) == 4
        assert axes.get_xscale() == "log"
        assert axes.get_xlim() == pytest.approx((0.2, 20.0))
        middle = [np.interp(np.log(2.0), np.log(line.get_xdata()), line.get_ydata()) for line in lines]
        assert middle == pytest.approx([middle[0]] * 4, rel=1e-9)


def test_curves_are_what_the_solver_says(figure: Figure) -> None:
    clip = vt.clipping_level("cst", 0.8, 2.0, target=0.6)
    for axes, name in zip(figure.axes, PANELS, strict=True):
        levels, _, _, both = curves_of(axes)
        q = np.asarray(levels.get_xdata())
        np.testing.assert_allclose(levels.get_ydata(), getattr(vary_q_star("cst", q, tau=clip.tau, m=clip.m), name))
        constant = np.asarray(both.get_ydata())
        np.testing.assert_allclose(constant, constant[0], rtol=1e-9, atol=1e-12, err_msg="a choice of unit")


def test_the_legend_says_what_is_held(figure: Figure) -> None:
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "held fixed"
    assert [text.get_text() for text in legend.get_texts()] == [
        "threshold and level",
        "threshold and slope",
        "level and sparsity",
        "sparsity and slope",
    ]
    assert "cst" in figure.get_suptitle()
    assert "0.6" in figure.get_suptitle()


def test_it_can_be_written(figure: Figure, tmp_path: Path) -> None:
    path = save_figure(figure, tmp_path / "q_star.png")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_range_can_be_chosen() -> None:
    axes = plot_q_star_effects("crelu", q_min=0.5, q_max=3.0).axes[0]
    assert axes.get_xlim() == pytest.approx((0.5, 3.0))


def test_bad_input() -> None:
    with pytest.raises(DomainError, match="ascending"):
        plot_q_star_effects("crelu", q_min=2.0, q_max=1.0)
    with pytest.raises(DomainError, match="q_ref"):
        plot_q_star_effects("crelu", q_ref=0.0)
    with pytest.raises(InfeasibleError, match="clipping level"):
        plot_q_star_effects("relu_tau")
    with pytest.raises(UnknownNameError, match="crelu"):
        plot_q_star_effects("crelo")
