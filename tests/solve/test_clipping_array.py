"""Clipping levels over arrays: fifty digits, the scalar solver, elements without a solution, refusals."""

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import vmap_theory as vt
from tests.solve.levels_by_mpmath import level_at_fifty_digits
from vmap_theory import Parameter, SolveStatus
from vmap_theory.errors import DomainError, DtypeError, InfeasibleError, UnknownNameError

SPARSITIES = [0.5, 0.6, 0.85, 0.95, 0.99, 0.9999]
TARGETS = [0.01, 0.1, 0.5, 0.7, 0.9, 0.99]
RESULTS = ("m", "tau", "sigma_w2", "sigma_b2", "slope", "curvature")


@pytest.mark.parametrize("family", ["crelu", "cst"])
@pytest.mark.parametrize("q", [1.0, 0.3, 7e5])
def test_against_levels_at_fifty_digits(family: str, q: float) -> None:
    found = vt.clipping_levels(family, np.array(SPARSITIES)[:, None], q, target=TARGETS)
    assert found.m.shape == (len(SPARSITIES), len(TARGETS))
    assert found.feasible.all()
    for (i, j), m in np.ndenumerate(found.m):
        exact = level_at_fifty_digits(family, SPARSITIES[i], q, TARGETS[j], m)
        # sigma_b2 is a difference from q; V'' changes sign around terms of the order of 1 / q; tau is 0 at s = 1/2.
        least = {"sigma_b2": q, "curvature": 1 / q, "tau": 1e-300}
        for name, value in exact.items():
            error = abs(getattr(found, name)[i, j] - value) / max(abs(value), least.get(name, 0))
            assert error < 1e-13, (name, SPARSITIES[i], TARGETS[j], mpmath.nstr(error, 3))


@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_elements_are_those_of_the_scalar_solver(family: str) -> None:
    sparsity, q, target = np.array([0.55, 0.9, 0.999]), np.array([[0.2], [5.0]]), 0.8
    found = vt.clipping_levels(family, sparsity, q, target=target)
    for index in np.ndindex(2, 3):
        one = vt.clipping_level(family, sparsity[index[1]], q[index[0], 0], target=target)
        for name in (*RESULTS, "q_star", "sparsity", "target"):
            assert getattr(found, name)[index] == pytest.approx(getattr(one, name), rel=4e-15, abs=4e-16), name
    assert found.criterion == "slope"
    assert found.activation.name == family


@given(
    sparsity=st.lists(st.floats(1e-9, 1 - 1e-9), min_size=1, max_size=6),
    target=st.floats(1e-5, 1 - 1e-8),
    q=st.floats(1e-200, 1e200),
    family=st.sampled_from(["crelu", "cst"]),
)
def test_every_element_is_solved_or_says_why(sparsity: list[float], target: float, q: float, family: str) -> None:
    found = vt.clipping_levels(family, sparsity, q, target=target)
    assert np.array_equal(found.feasible, found.status == 0)
    reachable = np.array(sparsity) >= 0.5 if family == "crelu" else np.full(len(sparsity), True)
    assert np.array_equal(found.status != SolveStatus.NO_THRESHOLD, reachable)
    assert found.feasible[reachable].all()
    for name in RESULTS:
        assert np.array_equal(np.isnan(getattr(found, name)), ~reachable)
    here = np.flatnonzero(reachable)
    if here.size:
        # chi_1 = 1, V(q) = q and V' = target, of moments that the solver had no part in choosing.
        moments = vt.gaussian_moments(family, q, tau=found.tau[here], m=found.m[here])
        np.testing.assert_allclose(found.sigma_w2[here] * moments.slope_moment, 1, rtol=1e-14)
        np.testing.assert_allclose(found.sigma_w2[here] * moments.second_moment + found.sigma_b2[here], q, rtol=1e-14)
        np.testing.assert_allclose(found.sigma_w2[here] * moments.d_second_moment, target, rtol=1e-12)
        np.testing.assert_allclose(moments.sparsity, np.array(sparsity)[here], rtol=1e-13)


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=5), st.integers(0, 3))
def test_an_element_does_not_depend_on_its_neighbours(targets: list[float], rotation: int) -> None:
    turned = np.roll(targets, rotation)
    here = vt.clipping_levels("crelu", 0.9, target=targets)
    there = vt.clipping_levels("crelu", 0.9, target=turned)
    for name in RESULTS:
        assert np.array_equal(np.roll(getattr(here, name), rotation), getattr(there, name))


def test_elements_without_a_solution_leave_the_others_alone() -> None:
    found = vt.clipping_levels("crelu", [0.4, 0.85, 0.85, np.nan, 0.85], target=[0.5, 1e-12, 0.5, 0.5, np.nan])
    words = [SolveStatus(status).word for status in found.status]
    assert words == ["no_threshold", "no_level", "solved", "missing", "missing"]
    assert found.feasible.tolist() == [False, False, True, False, False]
    assert np.isnan(found.m).tolist() == [True, True, False, True, True]
    assert np.isnan(found.tau).tolist() == [True, False, False, True, False]
    assert found.m[2] == vt.clipping_levels("crelu", 0.85).m
    assert np.isnan(found.sparsity).tolist() == [False, False, False, True, False]


def test_negative_bias_variances_are_marked() -> None:
    # A threshold below zero lets the mean of phi grow, and E[phi^2] exceeds q E[phi'^2].
    t, top = Parameter("t", sp.Interval(-sp.oo, sp.oo)), Parameter("top")
    act = vt.Activation.from_expression(sp.Min(sp.Max(sp.Symbol("x") - t.symbol, 0), top.symbol), [t, top])
    found = vt.clipping_levels(act, [0.05, 0.85], target=0.9)
    assert found.status.tolist() == [SolveStatus.NEGATIVE_BIAS, SolveStatus.SOLVED]
    assert np.isnan(found.sigma_w2).tolist() == np.isnan(found.slope).tolist() == [True, False]
    with pytest.raises(InfeasibleError, match="would need sigma_b2 = -"):
        vt.clipping_level(act, 0.05, target=0.9)


def test_any_activation_with_a_threshold_and_a_level() -> None:
    act = vt.parse_activation("Min(Max(x - theta, 0), top)**2 + Min(Max(x - theta, 0), top)")
    sparsity, target = [0.6, 0.9], 0.4
    found = vt.clipping_levels(act, sparsity, target=target)
    for tau, m, sigma_w2 in zip(found.tau, found.m, found.sigma_w2, strict=True):
        with mpmath.workdps(30):  # V' = sigma_w2 E[phi^2 (z^2 - 1)] / 2 at q* = 1, integrated here
            ends = [mpmath.mpf(tau), mpmath.mpf(tau) + mpmath.mpf(m), mpmath.inf]
            phi = lambda z: (lambda t: t * t + t)(min(z, ends[1]) - ends[0])  # noqa: B023, E731
            weighted = mpmath.quad(lambda z: phi(z) ** 2 * (z * z - 1) * mpmath.npdf(z), ends)  # noqa: B023
            steep = mpmath.quad(lambda z: (2 * (z - ends[0]) + 1) ** 2 * mpmath.npdf(z), ends[:2])  # noqa: B023
        assert float(weighted / (2 * steep)) == pytest.approx(target, rel=1e-12)
        assert sigma_w2 == pytest.approx(float(1 / steep), rel=1e-12)


def test_shapes() -> None:
    found = vt.clipping_levels("cst", np.full((2, 1, 1), 0.8), np.full((3, 1), 1.5), target=np.linspace(0.2, 0.8, 4))
    for name in (*RESULTS, "q_star", "sparsity", "target", "status", "feasible"):
        assert getattr(found, name).shape == (2, 3, 4), name
    assert found.status.dtype == np.uint8
    one = vt.clipping_levels("cst", 0.8)
    assert isinstance(one.m, np.float64)
    none = vt.clipping_levels("cst", [])
    assert none.m.shape == none.status.shape == (0,)


def test_chunks_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = np.linspace(0.1, 0.9, 11)
    whole = vt.clipping_levels("crelu", 0.8, target=targets)
    monkeypatch.setattr("vmap_theory.solve.clipping_array._CHUNK", 3)
    parts = vt.clipping_levels("crelu", 0.8, target=targets)
    np.testing.assert_allclose(parts.m, whole.m, rtol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "error", "remark"),
    [
        ({"target": [0.5, 0.0]}, DomainError, r"target\[1\] = 0\.0"),
        ({"target": [[0.5], [1.0]]}, DomainError, r"target\[1, 0\] = 1\.0"),
        ({"target": [1.5, 0.5]}, DomainError, r"target\[0\] = 1\.5"),
        ({"target": np.inf}, DomainError, "target = inf"),
        ({"target": ["0.5"]}, DtypeError, "target"),
        ({"target": "half"}, DtypeError, "target"),
        ({"sparsity": [0.5, 1.0]}, DomainError, r"sparsity\[1\]"),
        ({"sparsity": [0.0]}, DomainError, r"sparsity\[0\]"),
        ({"sparsity": [-np.inf]}, DomainError, r"sparsity\[0\]"),
        ({"sparsity": [0.5 + 1j]}, DtypeError, "sparsity"),
        ({"sparsity": [True]}, DtypeError, "sparsity"),
        ({"sparsity": [[0.5], [0.6, 0.7]]}, DtypeError, "sparsity"),
        ({"q_star": [1.0, 0.0]}, DomainError, r"q_star\[1\]"),
        ({"q_star": [-1.0]}, DomainError, r"q_star\[0\]"),
        ({"q_star": [None]}, DtypeError, "q_star"),
        ({"sparsity": [0.5, 0.6], "target": [0.1, 0.2, 0.3]}, DomainError, r"do not broadcast.*target: \(3,\)"),
        ({"criterion": "slopes"}, UnknownNameError, "Did you mean 'slope'"),
        ({"act": "crelo"}, UnknownNameError, "crelu"),
        ({"act": "relu_tau"}, InfeasibleError, "no single clipping level"),
        ({"act": "hardtanh"}, InfeasibleError, "no free threshold"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], remark: str) -> None:
    with pytest.raises(error, match=remark) as caught:
        vt.clipping_levels(**{"act": "crelu", "sparsity": 0.85} | arguments)
    assert isinstance(caught.value, vt.VmapTheoryError)


def test_every_status_has_words() -> None:
    assert all(len(status.meaning) > 5 and status.word.islower() for status in SolveStatus)
