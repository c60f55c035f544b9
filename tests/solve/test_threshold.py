"""Thresholds for a wanted sparsity."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, InfeasibleError, UnknownNameError

ONE_SIDED, TWO_SIDED = ("relu_tau", "crelu"), ("soft_threshold", "cst", "hard_threshold")


@pytest.mark.parametrize("family", ONE_SIDED + TWO_SIDED)
@pytest.mark.parametrize("sparsity", [0.5, 0.6, 0.85, 0.99, 1 - 2**-40])
@pytest.mark.parametrize("q", [0.01, 1.0, 30.0])
def test_against_the_inverse_error_function(family: str, sparsity: float, q: float) -> None:
    # tau = sqrt(2 q) erfinv(2 s - 1) on one side, sqrt(2 q) erfinv(s) on both.
    with mpmath.workdps(60):
        s = mpmath.mpf(sparsity)
        expected = mpmath.sqrt(2 * mpmath.mpf(q)) * mpmath.erfinv(2 * s - 1 if family in ONE_SIDED else s)
        found = vt.threshold_for_sparsity(family, sparsity, q)
        # One-sided at s near 1: s itself is exact, and Phi^-1 magnifies no rounding but its own.
        assert abs(found - expected) <= 1e-13 * abs(expected) + 1e-16


def test_published_threshold() -> None:
    assert vt.threshold_for_sparsity("crelu", 0.85) == pytest.approx(1.0364333894937896, rel=1e-14)


@pytest.mark.parametrize("family", ONE_SIDED + TWO_SIDED)
def test_sparsity_at_the_threshold(family: str) -> None:
    tau = vt.threshold_for_sparsity(family, 0.8, q_star=2.5)
    act = vt.family(family).bind(tau=tau)
    result = vt.gaussian_moments(act, 2.5, **{p.name: 1.0 for p in act.free_parameters})
    assert float(result.sparsity) == pytest.approx(0.8, rel=1e-14)


def test_activations_other_than_registered_ones() -> None:
    act = vt.parse_activation("Piecewise((0, x < t), (x - t, True))")
    assert vt.threshold_for_sparsity(act, 0.85) == vt.threshold_for_sparsity("relu_tau", 0.85)


@pytest.mark.parametrize("sparsity", [0.0, 1.0, -0.1, 1.1, np.nan, np.inf])
def test_sparsities_outside_the_domain(sparsity: float) -> None:
    with pytest.raises(DomainError, match="sparsity") as caught:
        vt.threshold_for_sparsity("crelu", sparsity)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("q", [0.0, -1.0, np.nan, np.inf])
def test_variances_outside_the_domain(q: float) -> None:
    with pytest.raises(DomainError, match="q_star"):
        vt.threshold_for_sparsity("crelu", 0.85, q)


@pytest.mark.parametrize("bad", ["0.85", True, 1j, None, [0.85], np.array([0.85])])
def test_arguments_of_the_wrong_type(bad: Any) -> None:
    with pytest.raises(DtypeError):
        vt.threshold_for_sparsity("crelu", bad)
    with pytest.raises(DtypeError):
        vt.threshold_for_sparsity("crelu", 0.85, bad)


@pytest.mark.parametrize("family", ONE_SIDED)
def test_one_sided_families_are_at_least_half_sparse(family: str) -> None:
    with pytest.raises(InfeasibleError, match=r"at least 0\.5") as caught:
        vt.threshold_for_sparsity(family, 0.4)
    assert isinstance(caught.value, ArithmeticError)


@pytest.mark.parametrize("family", ["relu", "linear", "leaky_relu", "hardtanh", "relu6"])
def test_families_without_a_threshold(family: str) -> None:
    with pytest.raises(InfeasibleError, match="no free threshold"):
        vt.threshold_for_sparsity(family, 0.85)


def test_a_threshold_that_has_a_value_is_not_free() -> None:
    with pytest.raises(InfeasibleError, match="no free threshold"):
        vt.threshold_for_sparsity(vt.activation("crelu", tau=1), 0.85)


def test_unknown_family() -> None:
    with pytest.raises(UnknownNameError, match="crelu"):
        vt.threshold_for_sparsity("creluu", 0.85)


@pytest.mark.parametrize("sparsity", [1e-17, 1e-12, 1e-8, 1e-3])
def test_small_sparsities_of_symmetric_dead_zones(sparsity: float) -> None:
    # P(|Z| < t) = sqrt(2/pi) t (1 - t^2/6 + O(t^4))
    t = sparsity * math.sqrt(math.pi / 2)
    assert vt.threshold_for_sparsity("cst", sparsity) == pytest.approx(t * (1 + t * t / 6), rel=1e-11)


def test_a_second_stretch_of_zeros_is_refused() -> None:
    act = vt.parse_activation("Piecewise((0, x < tau), (x - tau, x < tau + 1), (0, True))")
    with pytest.raises(InfeasibleError, match="nowhere else"):
        vt.threshold_for_sparsity(act, 0.85)
