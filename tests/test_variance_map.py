"""`VarianceMap`: the moments put together, with the checks of its two variances."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, SymbolicParameterError

CRELU = vt.activation("crelu", tau=1, m=0.75)


SOME = ["crelu", "cst", "elu", "erf", "exp", "gelu", "hard_threshold", "hermite", "relu", "scad", "snake", "staircase"]


@pytest.mark.parametrize("name", vt.family_names())
def test_methods_are_the_moments(name: str, rng: np.random.Generator) -> None:
    family = vt.family(name)
    act = family.bind(**{p.name: p.draw(rng) for p in family.parameters})
    vm = vt.VarianceMap(act, sigma_w2=1.5, sigma_b2=0.25)
    q = np.array([0.5, 8.0])
    moments = vt.gaussian_moments(act, q)
    np.testing.assert_allclose(vm(q), 1.5 * moments.second_moment + 0.25, rtol=1e-15)
    np.testing.assert_allclose(vm.derivative(q), 1.5 * moments.d_second_moment, rtol=1e-15)
    np.testing.assert_allclose(vm.second_derivative(q), 1.5 * moments.d2_second_moment, rtol=1e-15)
    np.testing.assert_allclose(vm.chi_1(q), 1.5 * moments.slope_moment, rtol=1e-15)


@pytest.mark.parametrize("name", SOME)
def test_methods_are_the_closed_forms(name: str, rng: np.random.Generator) -> None:
    family = vt.family(name)
    act = family.bind(**{p.name: p.draw(rng) for p in family.parameters})
    vm = vt.VarianceMap(act, sigma_w2=1.5, sigma_b2=0.25)
    q = np.array([[0.5, 1.0], [2.0, 8.0]])
    f = vt.derive(act)
    pairs = {"V": vm(q), "dV": vm.derivative(q), "d2V": vm.second_derivative(q), "chi_1": vm.chi_1(q)}
    for quantity, found in pairs.items():
        assert found.shape == q.shape
        expected = [
            float(
                getattr(f, quantity)
                .subs({"sigma_w2": 1, f.symbols["q"]: sp.Rational(v)})
                .subs({f.symbols["sigma_w2"]: sp.Rational(3, 2), f.symbols["sigma_b2"]: sp.Rational(1, 4)})
                .evalf(30)
            )
            for v in q.ravel().tolist()
        ]
        # V'' changes sign, so its error is relative to its terms, which are of the order of 1 here.
        np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12, atol=1e-14)


def test_bias_variance_is_added_to_v_alone() -> None:
    with_bias, without = (vt.VarianceMap(CRELU, sigma_w2=2, sigma_b2=b) for b in (0.5, 0.0))
    assert float(with_bias(1.0)) == pytest.approx(float(without(1.0)) + 0.5, rel=1e-15)
    assert with_bias.derivative(1.0) == without.derivative(1.0)


def test_a_jump_makes_chi_1_infinite() -> None:
    assert vt.VarianceMap(vt.activation("hard_threshold", tau=1), sigma_w2=1, sigma_b2=0).chi_1(1.0) == np.inf


def test_is_a_value() -> None:
    assert vt.VarianceMap(CRELU, 1, 0) == vt.VarianceMap(CRELU, sigma_w2=1.0, sigma_b2=np.float32(0))
    assert hash(vt.VarianceMap(CRELU, 1, 0)) == hash(vt.VarianceMap(CRELU, 1.0, 0.0))
    assert isinstance(vt.VarianceMap(CRELU, sp.Rational(1, 2), 0).sigma_w2, float)


@pytest.mark.parametrize("name", ["sigma_w2", "sigma_b2"])
@pytest.mark.parametrize("bad", [-1.0, -1e-300, np.nan, np.inf, -np.inf, 10**400])
def test_variances_outside_the_domain(name: str, bad: Any) -> None:
    with pytest.raises(DomainError, match=name) as caught:
        vt.VarianceMap(CRELU, **{"sigma_w2": 1.0, "sigma_b2": 0.0, name: bad})
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["sigma_w2", "sigma_b2"])
@pytest.mark.parametrize("bad", [1j, "1", True, None, [1.0], np.array([1.0]), object(), sp.Symbol("w"), np.bool_(True)])
def test_variances_of_the_wrong_type(name: str, bad: Any) -> None:
    with pytest.raises(DtypeError, match=name) as caught:
        vt.VarianceMap(CRELU, **{"sigma_w2": 1.0, "sigma_b2": 0.0, name: bad})
    assert isinstance(caught.value, TypeError)


def test_symbolic_activations_are_refused() -> None:
    with pytest.raises(SymbolicParameterError, match="tau"):
        vt.VarianceMap(vt.activation("crelu", m=1), sigma_w2=1, sigma_b2=0)


def test_nan_gives_nan() -> None:
    vm = vt.VarianceMap(CRELU, 1, 0)
    for method in (vm, vm.derivative, vm.second_derivative, vm.chi_1):
        np.testing.assert_array_equal(np.isnan(method([1.0, np.nan])), [False, True])


@pytest.mark.parametrize("q", [0.0, -1.0, np.inf])
def test_bad_arguments(q: float) -> None:
    vm = vt.VarianceMap(CRELU, 1, 0)
    for method in (vm, vm.derivative, vm.second_derivative, vm.chi_1, vm.moments):
        with pytest.raises(DomainError):
            method(q)
