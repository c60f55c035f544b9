"""Pictures of phase diagrams: what is drawn where."""

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError
from vmap_theory.phase_diagram import clipping_phase_diagram, variance_phase_diagram
from vmap_theory.plots.phase_diagram import plot_phase_diagram
from vmap_theory.plots.style import figure_bytes

pytest.importorskip("matplotlib")


def legend(figure: object) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]  # type: ignore[attr-defined]


def test_on_the_edge_of_chaos() -> None:
    diagram = clipping_phase_diagram("crelu", np.linspace(0.4, 0.9, 12), np.linspace(0.2, 3, 12))
    diagram = diagram.with_scores(width=30, depth=5, chains=50, cells=(4, 4), workers=1)
    figure = plot_phase_diagram(diagram, slopes=[0.5, 7.0], scores=[0.5])
    (axes,) = figure.axes
    words = legend(figure)
    for part in ("no edge of chaos", "several stable", "$V'$", "saddle-node", "small noise", "exact chain"):
        assert any(part in word for word in words), part
    line = next(line for line in axes.lines if "saddle-node" in str(line.get_label()))
    x, y = (np.asarray(values, dtype=float) for values in line.get_data())
    nearest = np.argmin(np.abs(x - 0.85))
    assert y[nearest] == pytest.approx(1.8386, abs=0.02)
    assert np.isnan(y[x < 0.5]).all()
    assert any(collection.get_hatch() for collection in axes.collections)
    assert axes.get_xlim() == (0.4, 0.9)
    assert "sparsity" in axes.get_xlabel()
    assert len(figure_bytes(figure, "png")) > 10_000


def test_over_variances() -> None:
    diagram = variance_phase_diagram(
        vt.activation("crelu", tau=0.5, m=2.0), np.linspace(0.5, 4, 20), [0.1, 0.3, 0.9, 1.2]
    )
    figure = plot_phase_diagram(diagram)
    words = legend(figure)
    assert "saddle-node" in words
    assert sum("edge of chaos" in word for word in words) == 1
    assert "standard deviation" in figure.axes[0].get_ylabel()
    assert figure.axes[0].get_title() == "crelu(tau=0.5, m=2)"


def test_nothing_but_one_phase() -> None:
    figure = plot_phase_diagram(variance_phase_diagram("tanh", [0.2, 0.3], [0.1, 0.2]), slopes=[])
    assert [word for word in legend(figure) if "ordered" not in word] == []


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(DomainError, match=r"\(1, 2\) cells: a picture needs at least 2"):
        plot_phase_diagram(variance_phase_diagram("tanh", [0.2], [0.1, 0.2]))
    with pytest.raises(DtypeError, match="is no PhaseDiagram"):
        plot_phase_diagram(np.zeros((2, 2)))  # type: ignore[arg-type]
