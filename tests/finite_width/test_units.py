"""Fast phi and phi' of chains: the ramp form, NumPy and PyTorch, against the activation itself."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given

import vmap_theory as vt
from tests.strategies import continuous_piecewise_linear
from vmap_theory.activations.evaluation import slope_on
from vmap_theory.finite_width.units import Units, ramps_of

X = np.random.default_rng(5).standard_normal((20, 300)) * 2.5


@given(continuous_piecewise_linear())
def test_ramps(act: vt.Activation) -> None:
    ramps = ramps_of(act)
    assert ramps is not None
    before = X.copy()
    np.testing.assert_allclose(ramps.values(X), act(X), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(ramps.slopes(X), slope_on(act, X), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(
        ramps.mean_squared_slope(X), (slope_on(act, X) ** 2).mean(axis=1), rtol=1e-12, atol=1e-13
    )
    assert np.array_equal(X, before)


def test_zeros_stay_exact() -> None:
    for act in (vt.activation("cst", tau=0.7, m=1.3), vt.activation("crelu", tau=1 / 3, m=0.1)):
        assert np.array_equal(Units(act).values(X) == 0, act(X) == 0)


def test_constants_and_lines() -> None:
    constant = vt.Activation.from_expression(sp.Integer(3))
    assert np.all(Units(constant).values(X) == 3)
    assert np.all(Units(constant).mean_squared_slope(X) == 0)
    line = Units(vt.parse_activation("1 - 2*x"))
    np.testing.assert_allclose(line.values(X), 1 - 2 * X, rtol=1e-15, atol=1e-15)
    np.testing.assert_array_equal(line.mean_squared_slope(X), np.full(20, 4.0))


@pytest.mark.parametrize("text", ["Max(x, 0)**2", "tanh(x)", "Piecewise((0, x < 1), (x, True))"])
def test_no_ramps(text: str) -> None:
    act = vt.parse_activation(text)
    assert ramps_of(act) is None
    np.testing.assert_array_equal(Units(act).values(X), act(X))
