"""The picture of clipping levels: what is drawn are the levels, refusals."""

from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, InfeasibleError
from vmap_theory.plots import figure_bytes
from vmap_theory.plots.levels import plot_clipping_levels

SPARSITIES = np.linspace(0.6, 0.97, 8)
NET: dict[str, Any] = {"width": 60, "depth": 12, "risk": 0.1, "chains": 100}


def labels_of(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_curves_are_the_levels() -> None:
    figure = plot_clipping_levels("crelu", SPARSITIES, 2.0, targets=(0.4, 0.8), width=None)
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in figure.axes[0].get_lines()}
    for target in (0.4, 0.8):
        expected = vt.clipping_levels("crelu", SPARSITIES, 2.0, target=target).m
        np.testing.assert_array_equal(drawn[f"slope $V'(q^*) = {target:g}$"], expected)
    saddle = next(values for label, values in drawn.items() if "saddle-node" in str(label))
    np.testing.assert_array_equal(saddle, vt.clipping_levels("crelu", SPARSITIES, 2.0, criterion="saddle-node").m)
    bend = next(values for label, values in drawn.items() if "inflection" in str(label))
    assert np.isnan(bend[-1])  # none at 0.97
    assert not any("width" in label for label in labels_of(figure))


def test_finite_width_is_drawn_where_it_has_a_level() -> None:
    figure = plot_clipping_levels("crelu", SPARSITIES, **NET)
    found = vt.clipping_levels("crelu", SPARSITIES, criterion="finite-width", **NET, seed=0)
    assert 2 < np.count_nonzero(found.feasible) < SPARSITIES.size
    assert "width 60, depth 12: in range with probability 0.9" in labels_of(figure)
    dots = next(line for line in figure.axes[0].get_lines() if line.get_marker() == "o")
    np.testing.assert_array_equal(dots.get_ydata(), found.m[found.feasible])
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")


def test_axes_are_labelled() -> None:
    axes = plot_clipping_levels("cst", [0.3, 0.8], width=None).axes[0]
    assert "sparsity" in axes.get_xlabel()
    assert "clipping level" in axes.get_ylabel()
    assert "cst" in axes.get_title()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"targets": ()}, DomainError),
        ({"targets": (0.5, 1.0)}, DomainError),
        ({"sparsities": []}, DomainError),
        ({"sparsities": [0.5, 1.5]}, DomainError),
        ({"q_star": 0}, DomainError),
        ({"risk": 2}, DomainError),
        ({"act": "relu_tau"}, InfeasibleError),
    ],
)
def test_refusals(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        plot_clipping_levels(**{"act": "crelu", "sparsities": [0.6, 0.7]} | arguments)
