"""The picture of chains: bands that hold the chains, theory beside them, maps that leave all scales."""

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, NoEdgeOfChaosError
from vmap_theory.finite_width import log_gradient_path, simulate_chain, variance_recursion
from vmap_theory.plots import figure_bytes
from vmap_theory.plots.chains import plot_chains

MAPS = [vt.clipping_level("cst", sparsity=0.85, target=target).variance_map for target in (0.5, 0.9)]
NET = {"width": 100, "depth": 15, "chains": 300}


def test_curves_are_what_they_say() -> None:
    figure = plot_chains(MAPS, labels=["half", "nine tenths"], **NET)
    variances, other, gradients, _ = figure.axes
    assert [axes.get_title() for axes in (variances, other)] == ["half", "nine tenths"]
    sample = simulate_chain(MAPS[0], **NET)
    for axes, values in ((variances, sample.q), (gradients, sample.log10_gradient)):
        median, lower, upper = (line.get_ydata() for line in axes.get_lines())
        assert np.all((values < median).mean(axis=0) <= 0.5)
        assert np.all((values > median).mean(axis=0) <= 0.5)
        assert np.all(lower <= upper)
        assert len(axes.collections) == 2
        assert axes.get_ylim()[0] < np.quantile(values, 0.05, axis=0).min()
        assert axes.get_ylim()[1] > np.quantile(values, 0.95, axis=0).max()
    _, lower, upper = (line.get_ydata() for line in variances.get_lines())
    deviation = np.sqrt(variance_recursion(MAPS[0], 100, 15))
    np.testing.assert_allclose((upper - lower) / 2, 1.6448536 * deviation, rtol=1e-6, atol=1e-12)
    _, lower, upper = (line.get_ydata() for line in gradients.get_lines())
    np.testing.assert_allclose((upper + lower) / 2, log_gradient_path(MAPS[0], 100, 15)[0] / np.log(10), atol=1e-12)


def test_maps_beyond_all_scales() -> None:
    """A net that dies out, one that diverges: drawn as far as there are numbers."""
    dying = vt.VarianceMap(vt.activation("relu_tau", tau=1.5), 1.0, 0.05)
    diverging = vt.VarianceMap("squared_relu", 3.0, 1.0)
    figure = plot_chains([dying, diverging], width=20, depth=12, chains=100, q_0=1.0)
    assert all(np.isfinite(axes.get_ylim()).all() for axes in figure.axes)
    assert len(figure_bytes(figure, "png")) > 10_000


def test_refusals() -> None:
    with pytest.raises(DomainError, match="empty"):
        plot_chains([], **NET)
    with pytest.raises(DomainError, match="1 labels for 2 maps"):
        plot_chains(MAPS, labels=["one"], **NET)
    jumps = vt.VarianceMap(vt.activation("hard_threshold", tau=1.0), 1.0, 0.5)
    with pytest.raises(NoEdgeOfChaosError, match="jumps"):
        plot_chains([jumps], q_0=1.0, **NET)
