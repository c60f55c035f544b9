"""Pictures: what is drawn, valid files, and no trace in Matplotlib's global state."""

import struct
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import vmap_theory as vt
from vmap_theory.errors import DomainError, FileOutputError, InfeasibleError, NoEdgeOfChaosError, SymbolicParameterError
from vmap_theory.plots import (
    plot_activations,
    plot_edge_of_chaos,
    plot_overview,
    plot_slope_against_level,
    plot_variance_maps,
    save_figure,
)

CRELU = vt.activation("crelu", tau=1, m=0.5)


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def curves_of(figure: Figure, axes: int = 0) -> list[Any]:
    """The lines of many points; the axes' lines and markers have few."""
    return [line for line in figure.axes[axes].get_lines() if len(line.get_xdata()) > 10]


def test_activations() -> None:
    figure = plot_activations([CRELU, vt.activation("relu")])
    assert isinstance(figure, Figure)
    assert legend_of(figure) == ["crelu(tau=1, m=0.5)", "relu"]
    crelu, relu = curves_of(figure)
    np.testing.assert_allclose(crelu.get_ydata(), np.clip(crelu.get_xdata() - 1, 0, 0.5), atol=1e-12)
    assert crelu.get_color() != relu.get_color()
    assert crelu.get_xdata()[-1] >= 1.5, "every break point is shown"


def test_no_line_is_drawn_across_a_jump() -> None:
    figure = plot_activations([vt.activation("hard_threshold", tau=1)])
    curves = curves_of(figure)
    assert len(curves) == 3
    assert [(c.get_xdata()[0], c.get_xdata()[-1]) for c in curves[:2]] == [(-2.0, -1.0), (-1.0, 1.0)]
    assert curves[0].get_ydata()[-1] == pytest.approx(-1)
    assert curves[1].get_ydata()[0] == 0
    assert legend_of(figure) == ["hard_threshold(tau=1)"]


def test_variance_maps_show_every_fixed_point() -> None:
    vm = vt.clipping_level("cst", 0.85, target=0.9).variance_map
    figure = plot_variance_maps([vm], labels=["mine"])
    axes = figure.axes[0]
    assert legend_of(figure) == ["identity", "mine", "stable fixed point", "unstable fixed point"]
    marked = [line for line in axes.get_lines() if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    assert [float(np.ravel(line.get_xdata())[0]) for line in marked] == pytest.approx(
        [p.q for p in vt.fixed_points(vm)]
    )
    filled = [line.get_markerfacecolor() != "white" for line in marked]
    assert filled == [True, False, True]
    identity, curve = curves_of(figure)
    np.testing.assert_array_equal(identity.get_ydata(), identity.get_xdata())
    np.testing.assert_allclose(curve.get_ydata(), vm(curve.get_xdata()))
    assert axes.get_xlim()[1] > 5.34


def test_fixed_points_far_apart_get_logarithmic_axes() -> None:
    vm = vt.clipping_level("cst", 0.999, target=0.7).variance_map
    axes = plot_variance_maps([vm]).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlim()[0] < 1 < vt.fixed_points(vm)[-1].q < axes.get_xlim()[1]


def test_semi_stable_points_have_a_marker_of_their_own() -> None:
    figure = plot_variance_maps([vt.edge_of_chaos(vt.activation("relu_tau", tau=1)).variance_map])
    assert "semi-stable fixed point" in legend_of(figure)
    assert any(line.get_marker() == "D" for line in figure.axes[0].get_lines())


def test_right_end_can_be_chosen() -> None:
    assert plot_variance_maps([vt.clipping_level("crelu", 0.85).variance_map], q_max=3).axes[0].get_xlim() == (0, 3)


def test_slope_against_level() -> None:
    figure = plot_slope_against_level("crelu", [0.5, 0.85])
    assert len(figure.axes) == 2
    assert len(curves_of(figure, 0)) == len(curves_of(figure, 1)) == 2
    assert legend_of(figure) == ["sparsity 0.5", "sparsity 0.85"]
    m, slope = curves_of(figure)[1].get_data()
    # The curve passes through the level that the solver gives for slope 0.5.
    assert np.interp(vt.clipping_level("crelu", 0.85, target=0.5).m, m, slope) == pytest.approx(0.5, abs=1e-3)
    assert "crelu" in figure.axes[0].get_title()


def test_edge_of_chaos_curves() -> None:
    figure = plot_edge_of_chaos([CRELU, vt.activation("relu")])
    assert legend_of(figure) == ["crelu(tau=1, m=0.5)", "relu"]
    curve = curves_of(figure)[0]
    sigma_b, sigma_w = (np.asarray(data) for data in curve.get_data())
    eoc = vt.edge_of_chaos(CRELU, 0.05)
    assert (sigma_b[0], sigma_w[0]) == pytest.approx((eoc.sigma_b2**0.5, eoc.sigma_w2**0.5))
    assert {text.get_text() for text in figure.axes[0].texts} == {"0.1", "1", "10"}


@pytest.mark.parametrize("figure_of", [lambda: plot_activations([CRELU]), lambda: plot_edge_of_chaos([CRELU])])
def test_axes_are_labelled(figure_of: Any) -> None:
    axes = figure_of().axes[0]
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert axes.get_title()


def test_files_are_valid(tmp_path: Path) -> None:
    figure = plot_activations([CRELU])
    png = save_figure(figure, tmp_path / "new" / "a.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.rstrip().endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (1024, 672)  # 6.4 by 4.2 inches at 160 dots an inch
    root = ET.fromstring(save_figure(figure, tmp_path / "a.svg").read_text())  # noqa: S314 (our own file)
    assert root.tag.endswith("svg")
    assert save_figure(figure, tmp_path / "a.PDF").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", ["a.jpg", "a", "png", "a.png.txt"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileOutputError, match=r"\.png") as caught:
        save_figure(plot_activations([CRELU]), tmp_path / name)
    assert isinstance(caught.value, OSError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_failed_write_leaves_nothing(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vmap_theory.files.os.replace", refuse)
    with pytest.raises(FileOutputError, match="No space left"):
        save_figure(plot_activations([CRELU]), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_global_state_is_left_alone(tmp_path: Path) -> None:
    from matplotlib import pyplot

    settings, backend = dict(mpl.rcParams), mpl.get_backend()
    for figure in (
        plot_activations([CRELU]),
        plot_variance_maps([vt.clipping_level("crelu", 0.85).variance_map]),
        plot_slope_against_level("cst", [0.7]),
        plot_edge_of_chaos([CRELU], points=20),
    ):
        save_figure(figure, tmp_path / "a.png")
    assert pyplot.get_fignums() == []
    assert dict(mpl.rcParams) == settings
    assert mpl.get_backend() == backend


def test_refusals() -> None:
    vm = vt.clipping_level("crelu", 0.85).variance_map
    for empty in (plot_activations, plot_variance_maps, plot_edge_of_chaos):
        with pytest.raises(DomainError, match="empty"):
            empty([])
    with pytest.raises(DomainError, match="empty"):
        plot_slope_against_level("crelu", [])
    with pytest.raises(DomainError, match="half_width"):
        plot_activations([CRELU], half_width=-1)
    with pytest.raises(DomainError, match="q_max"):
        plot_variance_maps([vm], q_max=0)
    with pytest.raises(DomainError, match="ascending"):
        plot_edge_of_chaos([CRELU], q_min=2, q_max=1)
    with pytest.raises(SymbolicParameterError):
        plot_activations([vt.activation("crelu")])
    with pytest.raises(NoEdgeOfChaosError, match="jumps"):
        plot_edge_of_chaos([vt.activation("hard_threshold", tau=1)])
    with pytest.raises(InfeasibleError, match="level"):
        plot_slope_against_level("relu_tau", [0.7])
    with pytest.raises(InfeasibleError, match="widen the range"):
        plot_edge_of_chaos([vt.parse_activation("x + 100")])


def test_as_many_labels_as_maps() -> None:
    vm = vt.clipping_level("crelu", 0.85).variance_map
    for labels in ([], ["a", "b"]):
        with pytest.raises(vt.VmapTheoryError):
            plot_variance_maps([vm], labels=labels)


def test_overview_shows_the_activation_and_its_variance_map() -> None:
    figure = plot_overview(CRELU)
    left, right = figure.axes
    assert left.get_title() == "crelu(tau=1, m=0.5)"
    assert right.get_title() == "edge of chaos at $q^* = 1$"
    (phi,) = curves_of(figure)
    np.testing.assert_allclose(phi.get_ydata(), np.clip(phi.get_xdata() - 1, 0, 0.5), atol=1e-12)
    identity, curve = curves_of(figure, 1)
    np.testing.assert_array_equal(identity.get_ydata(), identity.get_xdata())
    np.testing.assert_allclose(curve.get_ydata(), vt.edge_of_chaos(CRELU).variance_map(curve.get_xdata()))
    assert "stable fixed point" in [text.get_text() for text in right.get_legend().get_texts()]


def test_overview_without_an_edge_of_chaos_shows_the_second_moment() -> None:
    act = vt.activation("hard_threshold", tau=1)
    figure = plot_overview(act, q_star=2)
    _, right = figure.axes
    assert right.get_title() == "no edge of chaos at $q^* = 2$"
    (curve,) = curves_of(figure, 1)
    np.testing.assert_allclose(curve.get_ydata(), vt.gaussian_moments(act, curve.get_xdata()).second_moment)


def test_overview_of_a_map_whose_every_variance_is_kept() -> None:
    identity, curve = curves_of(plot_overview(vt.activation("relu")), 1)
    np.testing.assert_allclose(curve.get_ydata(), identity.get_ydata())


def test_overview_needs_numbers() -> None:
    with pytest.raises(SymbolicParameterError, match="picture"):
        plot_overview(vt.family("crelu"))
