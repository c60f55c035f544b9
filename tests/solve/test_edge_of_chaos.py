"""Edges of chaos: known values, the defining equations, and refusals."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given

import vmap_theory as vt
from tests.strategies import continuous_piecewise_linear, variances
from vmap_theory.errors import DomainError, DtypeError, InfeasibleError, NoEdgeOfChaosError, SymbolicParameterError


def test_hard_tanh() -> None:
    eoc = vt.edge_of_chaos(vt.activation("hardtanh"), q_star=1.0)
    with mpmath.workdps(30):
        assert eoc.sigma_w2 == pytest.approx(float(1 / mpmath.erf(1 / mpmath.sqrt(2))), rel=1e-14)
    assert eoc.sigma_w2 == pytest.approx(1.46479, abs=5e-6)  # as printed


def test_leaky_relu() -> None:
    eoc = vt.edge_of_chaos(vt.activation("leaky_relu", negative_slope=0.5))
    assert eoc.sigma_w2 == pytest.approx(1.6, rel=1e-15)
    assert eoc.sigma_b2 == 0.0


def test_he_initialisation_of_relu() -> None:
    for q in (0.1, 1.0, 50.0):
        eoc = vt.edge_of_chaos(vt.activation("relu"), q)
        assert eoc.sigma_w2 == pytest.approx(2, rel=1e-15)
        assert eoc.sigma_b2 == 0.0


def test_unclipped_thresholds_have_slope_one_and_bend_upwards() -> None:
    for name in ("relu_tau", "soft_threshold"):
        tau = vt.threshold_for_sparsity(name, 0.7)
        eoc = vt.edge_of_chaos(vt.activation(name, tau=tau))
        assert eoc.slope == pytest.approx(1, rel=1e-13)
        assert eoc.curvature > 0.01
        assert eoc.sparsity == pytest.approx(0.7, rel=1e-13)


@pytest.mark.parametrize("q", [0.2, 1.0, 6.0])
@pytest.mark.parametrize(("both", "one"), [("soft_threshold", "relu_tau"), ("cst", "crelu")])
def test_symmetric_family_has_half_the_weight_variance(both: str, one: str, q: float) -> None:
    sparsity = 0.8
    extra = {"m": 0.9} if one == "crelu" else {}
    tau = vt.threshold_for_sparsity(both, sparsity, q)
    assert tau == pytest.approx(vt.threshold_for_sparsity(one, (1 + sparsity) / 2, q), rel=1e-13)
    symmetric = vt.edge_of_chaos(vt.activation(both, tau=tau, **extra), q)
    onesided = vt.edge_of_chaos(vt.activation(one, tau=tau, **extra), q)
    assert symmetric.sigma_w2 == pytest.approx(onesided.sigma_w2 / 2, rel=1e-13)
    assert symmetric.sigma_b2 == pytest.approx(onesided.sigma_b2, rel=1e-12)
    assert symmetric.slope == pytest.approx(onesided.slope, rel=1e-12)
    assert symmetric.curvature == pytest.approx(onesided.curvature, rel=1e-11, abs=1e-13)


@given(act=continuous_piecewise_linear(), q=variances())
def test_defining_equations_or_a_refusal_that_is_true(act: vt.Activation, q: Any) -> None:
    moments = vt.gaussian_moments(act, float(q))
    try:
        eoc = vt.edge_of_chaos(act, float(q))
    except InfeasibleError:
        # E[phi^2]/E[phi'^2] > q, so the bias variance would be negative; no rounding explains it.
        assert float(moments.second_moment) > float(q) * float(moments.slope_moment) * (1 - 1e-12)
    except NoEdgeOfChaosError:
        assert float(moments.slope_moment) == 0
    else:
        assert eoc.sigma_b2 >= 0
        assert float(eoc.variance_map(float(q))) == pytest.approx(float(q), rel=1e-11)
        assert float(eoc.variance_map.chi_1(float(q))) == pytest.approx(1, rel=1e-13)
        assert eoc.slope == pytest.approx(float(eoc.variance_map.derivative(float(q))), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", vt.family_names())
def test_every_family_has_an_edge_or_a_reason(name: str, rng: np.random.Generator) -> None:
    family = vt.family(name)
    act = family.bind(**{p.name: p.draw(rng) for p in family.parameters})
    moments = vt.gaussian_moments(act, 1.3)
    if act.slope_is_infinite:
        with pytest.raises(NoEdgeOfChaosError):
            vt.edge_of_chaos(act, 1.3)
        return
    if moments.second_moment > 1.3 * moments.slope_moment * (1 + 1e-12):
        with pytest.raises(InfeasibleError):
            vt.edge_of_chaos(act, 1.3)
        return
    eoc = vt.edge_of_chaos(act, 1.3)
    assert eoc.q_star == 1.3
    assert float(eoc.variance_map(1.3)) == pytest.approx(1.3, rel=1e-13)
    assert float(eoc.variance_map.chi_1(1.3)) == pytest.approx(1, rel=1e-14)


def test_scaling_everything_scales_the_biases_alone() -> None:
    # phi_{c tau, c m}(c x) = c phi_{tau, m}(x): only sigma_b2 and the unit of q change.
    one = vt.edge_of_chaos(vt.activation("crelu", tau=1.0, m=0.5), 1.0)
    four = vt.edge_of_chaos(vt.activation("crelu", tau=2.0, m=1.0), 4.0)
    assert four.sigma_w2 == pytest.approx(one.sigma_w2, rel=1e-13)
    assert four.sigma_b2 == pytest.approx(4 * one.sigma_b2, rel=1e-13)
    assert four.slope == pytest.approx(one.slope, rel=1e-13)


def test_infeasible_says_by_how_much() -> None:
    act = vt.parse_activation("x + 2")  # E[phi^2] = q + 4, E[phi'^2] = 1
    with pytest.raises(InfeasibleError, match="sigma_b2 = -4, 4 below") as caught:
        vt.edge_of_chaos(act, 1.0)
    assert isinstance(caught.value, ArithmeticError)
    assert isinstance(caught.value, vt.VmapTheoryError)


def test_jumps_and_flat_functions_have_none() -> None:
    with pytest.raises(NoEdgeOfChaosError, match="jumps at x = -1, 1") as caught:
        vt.edge_of_chaos(vt.activation("hard_threshold", tau=1))
    assert isinstance(caught.value, ArithmeticError)
    with pytest.raises(NoEdgeOfChaosError, match=r"E\[phi'\^2\] = "):
        vt.edge_of_chaos(vt.parse_activation("Piecewise((1, x < 50), (2*x - 99, True))"))
    with pytest.raises(NoEdgeOfChaosError):  # a threshold that no sample ever passes
        vt.edge_of_chaos(vt.activation("relu_tau", tau=1000))


@pytest.mark.parametrize("q", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_variances_outside_the_domain(q: float) -> None:
    with pytest.raises(DomainError, match="q_star"):
        vt.edge_of_chaos(vt.activation("relu"), q)


@pytest.mark.parametrize("q", ["1", True, 1j, None, [1.0], np.array([1.0])])
def test_variances_of_the_wrong_type(q: Any) -> None:
    with pytest.raises(DtypeError, match="q_star"):
        vt.edge_of_chaos(vt.activation("relu"), q)


def test_symbolic_parameters() -> None:
    with pytest.raises(SymbolicParameterError, match="tau"):
        vt.edge_of_chaos(vt.activation("crelu", m=1))
