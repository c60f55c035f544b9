"""Phase diagrams over sparsity and clipping level, against published values, 50 digits and symmetries."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import vmap_theory as vt
from tests.phase_diagram.by_mpmath import crossings, ramp_edge, ramp_moment
from vmap_theory.errors import DomainError, DtypeError, InfeasibleError, NoEdgeOfChaosError
from vmap_theory.phase_diagram import Phase, clipping_phase_diagram
from vmap_theory.solve import SolveStatus


@pytest.mark.parametrize(("sparsity", "level"), [(0.85, 1.83863179068594), (0.7, 2.65667369954171)])
def test_the_saddle_node_of_the_literature_is_the_border(sparsity: float, level: float) -> None:
    around = level * (1 + np.array([-1e-3, -1e-7, 1e-7, 1e-3]))
    diagram = clipping_phase_diagram("crelu", [sparsity], around)
    assert diagram.words[0].tolist() == ["critical", "critical", "several_stable", "several_stable"]
    assert diagram.count[0].tolist() == [1, 1, 3, 3]
    assert diagram.stable_count[0].tolist() == [1, 1, 2, 2]


def test_the_second_stable_variance_of_the_literature() -> None:
    level = vt.clipping_level("cst", 0.85, target=0.9).m
    diagram = clipping_phase_diagram("cst", [0.85], [0.5, level])
    q, chi_1 = diagram.far
    assert np.isnan(q[0, 0])
    assert np.isnan(chi_1[0, 0])
    assert round(q[0, 1], 4) == 5.34
    assert round(chi_1[0, 1], 2) == 2.28
    assert diagram.slope[0, 1] == pytest.approx(0.9, rel=1e-12)
    assert diagram.xi_q[0, 1] == pytest.approx(-1 / np.log(0.9), rel=1e-11)
    assert np.isinf(diagram.xi_c[0]).all()


@settings(max_examples=12)
@given(st.floats(0.52, 0.95), st.floats(0.1, 4.0))
def test_as_many_fixed_points_as_sign_changes_in_50_digits(sparsity: float, level: float) -> None:
    border = vt.clipping_levels("crelu", sparsity, criterion="saddle-node").m
    assume(not abs(level / border - 1) < 0.1)  # there two crossings may lie between two points of the grid
    diagram = clipping_phase_diagram("crelu", [sparsity], [level])
    in_sight = diagram.fixed_points.q[0, 0] < 900
    assert in_sight.sum() == crossings(sparsity, level)


def test_variances_and_slopes_in_50_digits() -> None:
    diagram = clipping_phase_diagram("crelu", [0.6, 0.85], [0.3, 1.1, 2.5])
    for (i, j), slope in np.ndenumerate(diagram.slope):
        with mp.workdps(50):
            tau, m = mp.mpf(float(diagram.parameters["tau"][i, j])), mp.mpf(float(diagram.y[j]))
            sigma_w2, sigma_b2 = ramp_edge(mp.mpf(1), tau, m)
            expected = sigma_w2 * mp.diff(lambda q, tau=tau, m=m: ramp_moment(q, tau, m), 1)
        assert diagram.sigma_w2[i, j] == pytest.approx(float(sigma_w2), rel=1e-13)
        assert diagram.sigma_b2[i, j] == pytest.approx(float(sigma_b2), rel=1e-12)
        assert slope == pytest.approx(float(expected), rel=1e-12)


def test_scaling_variance_and_levels_together_changes_nothing_but_units() -> None:
    sparsities, levels = np.linspace(0.55, 0.95, 9), np.linspace(0.2, 4.0, 11)
    one = clipping_phase_diagram("crelu", sparsities, levels)
    four = clipping_phase_diagram("crelu", sparsities, 2 * levels, q_star=4.0)
    np.testing.assert_array_equal(one.phase, four.phase)
    np.testing.assert_allclose(one.slope, four.slope, rtol=1e-12)
    np.testing.assert_allclose(4 * one.far[0], four.far[0], rtol=1e-9)


def test_symmetric_families_are_one_sided_ones_at_another_sparsity() -> None:
    sparsities, levels = np.linspace(0.1, 0.9, 9), np.linspace(0.2, 4.0, 11)
    two, one = (
        clipping_phase_diagram("cst", sparsities, levels),
        clipping_phase_diagram("crelu", (1 + sparsities) / 2, levels),
    )
    np.testing.assert_array_equal(one.phase, two.phase)
    np.testing.assert_allclose(one.slope, two.slope, rtol=1e-11)
    np.testing.assert_allclose(one.sigma_w2, 2 * two.sigma_w2, rtol=1e-11)


def test_a_threshold_of_0_has_one_fixed_point_at_every_level() -> None:
    assert set(clipping_phase_diagram("crelu", [0.5], np.linspace(0.1, 6, 30)).words.ravel()) == {"critical"}


def test_what_is_infeasible_says_why() -> None:
    diagram = clipping_phase_diagram("crelu", [0.4, 0.6], [1.0, 2.0])
    assert diagram.words[0].tolist() == ["infeasible"] * 2
    assert np.isnan(diagram.q[0]).all()
    assert diagram.status[0].tolist() == [SolveStatus.NO_THRESHOLD] * 2
    assert "1 x" not in repr(diagram)
    assert repr(diagram) == "PhaseDiagram(crelu, 2 x 2 cells over sparsity and m: 2 critical, 2 infeasible)"


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (([], [1.0]), "sparsities has the shape .0,.: give the values of one axis"),
        (([[0.5]], [1.0]), "sparsities has the shape"),
        ((0.5, [1.0]), "sparsities has the shape"),
        (([0.5, 1.0], [1.0]), r"sparsities = 1.0 at index 1 is outside its domain.*strictly between 0 and 1"),
        (([0.0, 0.5], [1.0]), "sparsities = 0.0 at index 0"),
        (([0.5, 0.5], [1.0]), "sparsities = 0.5 at index 1 does not lie above the value before"),
        (([0.6, 0.5], [1.0]), "does not lie above"),
        (([0.6], [0.0, 1.0]), "levels = 0.0 at index 0 .*levels > 0"),
        (([0.6], [1.0, np.nan]), "levels = nan at index 1"),
        (([0.6], [1.0, np.inf]), "levels = inf at index 1"),
    ],
)
def test_bad_axes(axes: tuple[list[float], list[float]], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        clipping_phase_diagram("crelu", *axes)


def test_bad_arguments() -> None:
    with pytest.raises(DomainError, match="q_star = 0"):
        clipping_phase_diagram("crelu", [0.6], [1.0], q_star=0)
    with pytest.raises(DtypeError, match="levels has dtype"):
        clipping_phase_diagram("crelu", [0.6], ["a"])  # type: ignore[list-item]
    with pytest.raises(InfeasibleError, match="no free threshold"):
        clipping_phase_diagram("tanh", [0.6], [1.0])
    with pytest.raises(InfeasibleError, match="no single clipping level"):
        clipping_phase_diagram("relu_tau", [0.6], [1.0])
    jumping = vt.parse_activation("Piecewise((0, x < tau), (m, True))")
    with pytest.raises(NoEdgeOfChaosError, match=r"jumps at x = tau.*use an activation without jumps"):
        clipping_phase_diagram(jumping, [0.6], [1.0])


def test_phases_are_told_in_words() -> None:
    assert all(phase.meaning and phase.word == phase.name.lower() for phase in Phase)
