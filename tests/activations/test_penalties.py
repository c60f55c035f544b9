"""Thresholding rules are proximal operators: phi(u) is the x that minimises (x - u)^2/2 + g(x), g the penalty."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from numpy.typing import NDArray

import vmap_theory as vt

Array = NDArray[np.float64]

PENALISED = [name for name in vt.family_names() if vt.family(name).penalty is not None]
THRESHOLDING_RULES = {
    *("relu", "relu_tau", "soft_threshold", "crelu", "cst", "hard_threshold", "jumprelu", "firm", "cel0", "scad"),
    *("garrote", "half_threshold", "asymmetric_dead_zone", "staircase", "hardtanh", "relu6"),
}
INDICATORS = {"relu", "relu6", "hardtanh", "staircase"}  # twice one is the same
EPSILON = float(np.finfo(float).eps)
X = sp.Symbol("x", real=True)


def drawn(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Parameters that are float64 numbers, so that rule and penalty speak of the same ones."""
    return {p.name: int(p.draw(rng)) if p.integer else float(p.draw(rng)) for p in vt.family(name).parameters}


def penalty_of(name: str, values: dict[str, Any]) -> Any:
    """g as a function of arrays; oo outside its support."""
    family = vt.family(name)
    g = family.penalty
    assert g is not None
    exact = {
        p.symbol: sp.Integer(v) if p.integer else sp.Rational(v) for p in family.parameters for v in [values[p.name]]
    }
    compiled = sp.lambdify([X], g.xreplace(exact), "numpy")

    def evaluate(x: Array) -> Array:
        with np.errstate(all="ignore"):  # branches that are not taken
            return np.broadcast_to(np.asarray(compiled(x), dtype=float), x.shape)

    return evaluate


def is_argmin(act: vt.Activation, g: Any, u: Array, nudge: float) -> bool:
    """Whether phi(u) minimises (x - u)^2/2 + g(x) among many x, at every u; with a nudge, whether nothing else does.

    Let F_u(x) = (x - u)^2/2 + g(x) and p = phi(u) minimise it.  F_(u+h)(x) = F_u(x) - h x + constant, and
    p' = phi(u + h) minimises that, so that F_u(x) >= F_u(p) + h (x - p) - h (p' - p).  With h = +-nudge of the sign of
    x - p this is F_u(x) - F_u(p) >= nudge (|x - p| - |p' - p|): with nudge = 0 that p is a minimiser, with a nudge that
    it is the only one, but where phi jumps within the nudge.
    """
    p = np.asarray(act(u))
    everywhere = np.concatenate([np.linspace(-12, 12, 1201), u, np.asarray(act(np.linspace(-12, 12, 601)))])
    near = p[:, None] + np.array([sign * d for sign in (-1, 1) for d in (1e-8, 1e-6, 1e-4, 1e-3, 1e-2)])
    x = np.concatenate([np.broadcast_to(everywhere, (u.size, everywhere.size)), near], axis=1)
    at_x, at_p = g(x), g(p)[:, None]
    if not np.all(np.isfinite(at_p)):
        return False
    u, p, above, below = (column[:, None] for column in (u, p, act(u + nudge), act(u - nudge)))
    gain = (x - u) ** 2 / 2 + at_x - (p - u) ** 2 / 2 - at_p
    needed = nudge * (np.abs(x - p) - np.where(x > p, above - p, p - below))
    # A dozen operations on numbers of this size; g is a sum of terms that are not much larger than itself and x^2.
    finite = np.where(np.isfinite(at_x), np.abs(at_x), 0.0)
    rounding = 32 * EPSILON * (1 + x**2 + u**2 + finite + np.abs(at_p))
    return bool(np.all(gain >= needed - rounding))


def arguments(rng: np.random.Generator) -> Array:
    return np.concatenate([rng.normal(scale=2.5, size=150), rng.uniform(-0.2, 0.2, size=10), [0.0]])


@pytest.mark.parametrize("nudge", [0.0, 1e-3, 0.1])
@pytest.mark.parametrize("name", PENALISED)
def test_the_rule_is_the_argmin(name: str, nudge: float, rng: np.random.Generator) -> None:
    for _ in range(5):
        values = drawn(name, rng)
        assert is_argmin(vt.activation(name, **values), penalty_of(name, values), arguments(rng), nudge), values


@pytest.mark.parametrize("name", PENALISED)
def test_the_penalty_is_zero_at_zero_and_nowhere_negative(name: str, rng: np.random.Generator) -> None:
    g = penalty_of(name, drawn(name, rng))
    assert g(np.array([0.0])) == pytest.approx(0, abs=4 * EPSILON)
    assert np.all(g(arguments(rng)) >= -4 * EPSILON)


@pytest.mark.parametrize("name", sorted(THRESHOLDING_RULES - INDICATORS))
def test_twice_the_penalty_is_caught(name: str, rng: np.random.Generator) -> None:
    values = drawn(name, rng)
    g = penalty_of(name, values)
    assert not is_argmin(vt.activation(name, **values), lambda x: 2 * g(x), arguments(rng), 0.0)


@pytest.mark.parametrize("name", sorted(THRESHOLDING_RULES))
def test_a_penalty_moved_aside_is_caught(name: str, rng: np.random.Generator) -> None:
    values = drawn(name, rng)
    g = penalty_of(name, values)
    assert not is_argmin(vt.activation(name, **values), lambda x: g(x - 0.25), arguments(rng), 0.0)


def test_a_rule_that_is_not_the_only_minimiser_is_caught() -> None:
    # Of the double well g(x) = -x^2/2 on [-1, 1], every x does equally well at u = 0.
    def flat(x: Array) -> Array:
        return np.where(np.abs(x) <= 1, -(x**2) / 2, np.inf)

    at_zero = np.array([0.0])
    assert is_argmin(vt.activation("linear"), flat, at_zero, 0.0)
    assert not is_argmin(vt.activation("linear"), flat, at_zero, 0.1)


def test_every_thresholding_rule_has_a_penalty() -> None:
    assert set(PENALISED) >= THRESHOLDING_RULES


def test_rules_that_fall_have_none() -> None:
    # A proximal operator never falls; the trapezoid does.
    assert vt.family("trapezoid").penalty is None
