"""Phase diagrams over sigma_w and sigma_b, and depth scales of correlations."""

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import brentq

import vmap_theory as vt
from tests.phase_diagram.by_mpmath import ramp_correlation_depth, smooth_correlation_depth
from vmap_theory.errors import DomainError, NoEdgeOfChaosError, SymbolicParameterError
from vmap_theory.phase_diagram import variance_phase_diagram
from vmap_theory.phase_diagram.correlation import chaotic_depth

CRELU = vt.activation("crelu", tau=0.5, m=2.0)


def test_the_edge_of_chaos_of_the_literature_is_the_border() -> None:
    sigma_w = 1.304146 * (1 + np.array([-1e-4, 0, 1e-4]))
    diagram = variance_phase_diagram("tanh", sigma_w, [0.2])
    assert diagram.words[[0, 2], 0].tolist() == ["ordered", "chaotic"]
    assert diagram.q[1, 0] == pytest.approx(0.512079, abs=1e-6)
    assert diagram.chi_1[1, 0] == pytest.approx(1, abs=1e-6)


def test_a_point_on_the_edge_to_rounding_is_critical() -> None:
    eoc = vt.edge_of_chaos("tanh", 0.5)
    diagram = variance_phase_diagram("tanh", [np.sqrt(eoc.sigma_w2)], [np.sqrt(eoc.sigma_b2)])
    assert diagram.words[0, 0] == "critical"
    assert diagram.xi_c[0, 0] == np.inf


def test_homogeneous_activations_without_biases() -> None:
    assert variance_phase_diagram("relu", [1.0, 2.0], [0.0]).words.tolist() == [["collapsing"], ["diverging"]]


def test_one_cell_that_collapses_leaves_the_others_as_they_are() -> None:
    diagram = variance_phase_diagram("tanh", [0.8, 2.0], [0.0, 0.1])
    assert diagram.words.tolist() == [["collapsing", "ordered"], ["chaotic", "chaotic"]]


def test_unbounded_activations() -> None:
    relu = variance_phase_diagram("relu", [1.0, 2.0], [0.5])
    assert relu.words.tolist() == [["ordered"], ["diverging"]]
    assert relu.q[0, 0] == pytest.approx(0.25 / (1 - 0.5), rel=1e-14)  # V = q sigma_w2 / 2 + sigma_b2
    assert variance_phase_diagram("hardtanh", [0.8], [0.0]).words.tolist() == [["collapsing"]]
    shifted = variance_phase_diagram(vt.activation("relu_tau", tau=1.0), [2.0], [0.0])
    assert shifted.words.tolist() == [["repelling"]], "below it variances decay, above they diverge"
    assert np.isnan(shifted.xi_q[0, 0])


def test_cells_agree_with_the_search_for_one_map() -> None:
    diagram = variance_phase_diagram(CRELU, np.linspace(0.6, 4, 6), np.linspace(0.05, 1, 5))
    kinds = set()
    for (i, j), q in np.ndenumerate(diagram.q):
        vm = vt.VarianceMap(CRELU, sigma_w2=diagram.x[i] ** 2, sigma_b2=diagram.y[j] ** 2)
        points = vt.fixed_points(vm)
        stable = [point for point in points if point.stability == "stable"]
        kinds.add(diagram.words[i, j])
        assert (len(points), len(stable)) == (diagram.count[i, j], diagram.stable_count[i, j])
        assert stable[0].q == pytest.approx(q, rel=1e-10)
        assert stable[0].chi_1 == pytest.approx(diagram.chi_1[i, j], rel=1e-9)
        if len(stable) > 1:
            assert stable[-1].q == pytest.approx(diagram.far[0][i, j], rel=1e-10)
    assert kinds == {"ordered", "chaotic", "several_stable"}


def test_depth_scales_in_the_ordered_phase() -> None:
    diagram = variance_phase_diagram("tanh", [0.8], [0.3])
    vm = vt.VarianceMap("tanh", sigma_w2=0.64, sigma_b2=0.09)
    q = 1.0
    for _ in range(200):
        q = float(vm(q))
    assert diagram.q[0, 0] == pytest.approx(q, rel=1e-12)
    # Distances shrink by exp(-1/xi) a layer.
    distance = [0.001, 0.0]
    distance[1] = float(vm(q + distance[0])) - q
    assert diagram.xi_q[0, 0] == pytest.approx(-1 / np.log(distance[1] / distance[0]), rel=2e-3)
    assert diagram.xi_c[0, 0] == pytest.approx(-1 / np.log(float(vm.chi_1(q))), rel=1e-10)


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(2.5, 0.8), (4.0, 0.5), (2.0, 0.9)])
def test_correlations_of_ramps_in_the_chaotic_phase(sigma_w: float, sigma_b: float) -> None:
    diagram = variance_phase_diagram(CRELU, [sigma_w], [sigma_b])
    assert diagram.words[0, 0] == "chaotic"
    expected = ramp_correlation_depth(sigma_w**2, sigma_b**2, float(diagram.q[0, 0]), 0.5, 2.0)
    assert diagram.xi_c[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.4, 0.1), (2.0, 0.2), (1.3, 0.0)])
def test_correlations_of_smooth_activations_in_the_chaotic_phase(sigma_w: float, sigma_b: float) -> None:
    diagram = variance_phase_diagram("tanh", [sigma_w], [sigma_b])
    assert diagram.words[0, 0] == "chaotic"
    expected = smooth_correlation_depth(
        np.tanh, lambda x: 1 / np.cosh(x) ** 2, sigma_w**2, sigma_b**2, float(diagram.q[0, 0])
    )
    assert diagram.xi_c[0, 0] == pytest.approx(expected, rel=1e-6)


def test_correlations_by_monte_carlo(rng: np.random.Generator) -> None:
    """In each batch iterate R to its fixed point, and take R' = sigma_w2 E[phi'(u) phi'(v)] there."""
    diagram = variance_phase_diagram(CRELU, [2.5], [0.8])
    q = float(diagram.q[0, 0])
    slopes = []
    for _ in range(20):
        first, other = np.sqrt(q) * rng.normal(size=(2, 50_000))
        rho = 0.5
        for _ in range(25):
            second = rho * first + np.sqrt(1 - rho * rho) * other
            rho = (6.25 * np.mean(CRELU(first) * CRELU(second)) + 0.64) / q
        active = [(x > 0.5) & (x < 2.5) for x in (first, second)]
        slopes.append(6.25 * np.mean(active[0] & active[1]))
    expected = np.exp(-1 / diagram.xi_c[0, 0])
    assert abs(np.mean(slopes) - expected) < 3.5 * np.std(slopes, ddof=1) / np.sqrt(len(slopes))


@pytest.mark.parametrize("sigma_b2", [0.0, 0.25])
@pytest.mark.parametrize("sigma_w", [2.0, 8.0, 10.0, 13.0, 30.0])
def test_correlations_that_fade_within_a_fraction_of_a_layer(sigma_w: float, sigma_b2: float) -> None:
    """phi = sin has R = (sigma_w2 exp(-q) sinh(q rho) + sigma_b2)/q, whose slope is 1e-35 at sigma_w = 13: no depth."""
    weights = sigma_w**2
    q = brentq(lambda q: weights * -np.expm1(-2 * q) / 2 + sigma_b2 - q, 0.5, weights, xtol=1e-13)
    found = chaotic_depth(vt.parse_activation("sin(x)"), *(np.array([one]) for one in (weights, sigma_b2, q)))[0]
    with mp.workdps(40):

        def correlation(rho: mp.mpf) -> mp.mpf:
            return (weights * mp.exp(-mp.mpf(q)) * mp.sinh(q * rho) + sigma_b2) / mp.mpf(q)

        rho = mp.findroot(lambda r: correlation(r) - r, correlation(0))
        expected = float(-1 / mp.log(mp.diff(correlation, rho)))
    if sigma_w < 11:
        assert found == pytest.approx(expected, rel=1e-6)
    else:
        assert np.isnan(found)


def test_depth_of_a_sine_is_right_or_not_told() -> None:
    # R(rho) = sigma_w2 exp(-q) sinh(q rho) / q, so that rho* = 0 and R'(0) = sigma_w2 exp(-q); q = sigma_w2/2 here.
    sigma_w = np.array([9.0, 13.0, 30.0])
    diagram = variance_phase_diagram(vt.parse_activation("sin(x)"), sigma_w, [0.0])
    exact = 1 / (sigma_w**2 / 2 - 2 * np.log(sigma_w))
    assert diagram.q[:, 0] == pytest.approx(sigma_w**2 / 2, rel=1e-9)
    told = np.isfinite(diagram.xi_c[:, 0])
    assert told[0]
    assert diagram.xi_c[told, 0] == pytest.approx(exact[told], rel=1e-6)


def test_no_depth_where_the_phase_is_unresolved() -> None:
    # The error bounds of a Python function are infinite here, so that it is not known which fixed points there are.
    act = vt.Activation.from_function(lambda x: 3 * np.exp(-x * x))
    diagram = variance_phase_diagram(act, [1.2], [0.0])
    assert diagram.words.tolist() == [["unresolved"]]
    assert np.isnan(diagram.xi_c).all()


def test_depths_are_not_told_where_they_are_not_known() -> None:
    kinked = vt.activation("hardswish")
    assert np.isnan(chaotic_depth(kinked, np.array([4.0]), np.array([0.1]), np.array([1.0]))).all()
    near = variance_phase_diagram("hardtanh", [1.2105], [0.01])  # chi_1 barely above 1
    assert 1 < near.chi_1[0, 0] < 1.2
    assert np.isnan(near.xi_c[0, 0]) or near.xi_c[0, 0] > 1


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (([0.0, 1.0], [0.1]), "sigma_w = 0.0 at index 0 .*standard deviations > 0"),
        (([1.0], [-0.1]), "sigma_b = -0.1 at index 0 .*standard deviations >= 0"),
        (([1.0], []), "sigma_b has the shape"),
        (([2.0, 1.0], [0.1]), "sigma_w = 1 at index 1 does not lie above"),
    ],
)
def test_bad_axes(axes: tuple[list[float], list[float]], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        variance_phase_diagram("tanh", *axes)


def test_bad_activations() -> None:
    with pytest.raises(SymbolicParameterError, match="needs a number for every parameter"):
        variance_phase_diagram("crelu", [1.0], [0.1])
    with pytest.raises(NoEdgeOfChaosError, match="use an activation without"):
        variance_phase_diagram(vt.activation("hard_threshold", tau=1.0), [1.0], [0.1])
