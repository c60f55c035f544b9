"""Planted traps: maps that are the identity to rounding over decades, and yet have no, one or many fixed points."""

from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from tests.fixed_points.agreement import activation_of, assert_agreement, both
from tests.fixed_points.judge import ExactMap, Pieces, clipped_relu, edge
from vmap_theory.errors import DegenerateMapError


@pytest.mark.parametrize("m", [4, 4.7, 5, 5.5, 6, 6.8, 7.3, 8, 8.2, 8.4, 8.6, 9])
def test_clipped_relu_without_threshold(m: float) -> None:
    # V is concave, so q* is alone, whatever float64 sees: at m = 8 V(q) - q is rounding noise over a decade.
    vm = vt.edge_of_chaos(vt.activation("crelu", tau=0, m=m)).variance_map
    found = vt.fixed_points(vm)
    judge = edge(clipped_relu(sp.Integer(0), sp.Rational(m)), 1, dps=80)
    # The enclosure covers what 1e-14 of the variances moves.
    assert_agreement(found, judge.roots(1.0007e-3, 1e4), judge, tight=float(1e-12 / (1 - judge.slope(1))))
    assert found.is_complete
    assert not found.diverges


@pytest.mark.parametrize("m", [4, 6.8, 8, 9])
def test_the_same_with_the_rounded_variances(m: float) -> None:
    # Taken as they are, the floats may lie on either side of the edge by a last place, which moves the root visibly.
    rounded = vt.edge_of_chaos(vt.activation("crelu", tau=0, m=m)).variance_map
    vm, judge = both(clipped_relu(sp.Integer(0), sp.Rational(m)), rounded.sigma_w2, rounded.sigma_b2, dps=80)
    found = vt.fixed_points(vm)
    # Below, V(q)/q - 1 is down to 1e-88: more than the judge has digits.
    assert_agreement([p for p in found if p.q > 0.2], judge.roots(0.2007, 1e4), judge)
    assert found.is_complete


def stretches(sizes: list[sp.Expr]) -> Pieces:
    """phi = (1 + size) x on x > 0, one size each from 1 to 30, 30 to 900, ...; zero on the left."""
    places = [sp.Integer(0), *(sp.Integer(30) ** k for k in range(len(sizes) - 1)), sp.oo]
    right = [(low, high, [sp.Integer(0), 1 + size]) for (low, high), size in zip(pairwise(places), sizes, strict=True)]
    return [(-sp.oo, sp.Integer(0), [sp.Integer(0)]), *right]


def without_the_identity(pieces: Pieces, q: Any) -> Any:
    """V(q)/q - 1 for sigma_w2 = 2: at 80 digits, though the sizes are below a float's last place."""
    return ExactMap(pieces, 2.0, 0.0, dps=80).excess(q)


@pytest.mark.parametrize("exponent", [3, 9, 12, 14, 17, 20])
def test_steps_beside_the_identity(exponent: int) -> None:
    # V(q) - q has the sign of the size that counts near sqrt(q): a root about every change of sign, however small.
    tiny = sp.Rational(1, 10**exponent)
    pieces = stretches([tiny, -tiny, tiny, -tiny])
    vm, judge = both(pieces, 2.0, 0.0, dps=80)
    found = vt.fixed_points(vm)
    roots = judge.roots(1.0007e-2, 1e9)
    assert [sign for _, sign in roots] == [1, -1, 1]
    assert [p.stability for p in found] == ["stable", "unstable", "stable"]
    assert found.is_complete
    assert not found.diverges
    for point, (root, _) in zip(found, roots, strict=True):
        assert point.lower <= root <= point.upper
        assert point.upper - point.lower < 1e-6 * point.q


@pytest.mark.parametrize("exponent", [3, 12, 17, 20])
def test_steps_of_one_sign(exponent: int) -> None:
    tiny = sp.Rational(1, 10**exponent)
    for sign in (1, -1):
        found = vt.fixed_points(both(stretches([sign * tiny, 2 * sign * tiny, sign * tiny]), 2.0, 0.0)[0])
        assert list(found) == []
        assert found.is_complete
        assert found.diverges == (sign > 0)
        assert found.collapses == (sign < 0)


def test_ramps_beside_the_identity() -> None:
    # Continuous: x plus a clipped ramp up and a wider one down, a millionth as steep.
    small = sp.Rational(1, 10**6)
    ends = [sp.Integer(0), sp.Integer(1), sp.Integer(2), sp.Integer(20), sp.Integer(60)]
    slopes = [1, 1 + 2 * small, 1, 1 - small, 1]
    offset, right = sp.Integer(0), []
    for (low, high), slope in zip(pairwise([*ends, sp.oo]), slopes, strict=True):
        right.append((low, high, [offset, slope]))
        following = slopes[min(len(right), len(slopes) - 1)]
        offset = offset + (slope - following) * high if high != sp.oo else offset
    pieces = [(-sp.oo, sp.Integer(0), [sp.Integer(0)]), *right]
    vm, judge = both(pieces, 2.0, 0.0, dps=80)
    assert not activation_of(pieces).jumps
    found = vt.fixed_points(vm)
    roots = judge.roots(1.0007e-1, 1e7)
    assert len(roots) == 1
    assert_agreement(found, roots, judge, tight=1e-6)
    assert found.is_complete


@pytest.mark.parametrize(
    ("name", "parameters", "sigma_w2"),
    [("relu", {}, 2.0), ("linear", {}, 1.0), ("abs", {}, 1.0), ("leaky_relu", {"negative_slope": 1.0}, 1.0)],
)
def test_the_identity_itself(name: str, parameters: dict[str, float], sigma_w2: float) -> None:
    with pytest.raises(DegenerateMapError, match="every q") as caught:
        vt.fixed_points(vt.VarianceMap(vt.activation(name, **parameters), sigma_w2=sigma_w2, sigma_b2=0))
    assert isinstance(caught.value, ArithmeticError)


@pytest.mark.parametrize("towards", [1.0, 3.0])
def test_the_neighbouring_float_is_not_the_identity(towards: float) -> None:
    found = vt.fixed_points(vt.VarianceMap("relu", sigma_w2=np.nextafter(2.0, towards), sigma_b2=0))
    grows = towards > 2
    assert (len(found), found.is_complete, found.diverges, found.collapses) == (0, True, grows, not grows)


@pytest.mark.parametrize("sigma_b2", [0.5])
def test_a_bias_beside_the_neighbouring_float(sigma_b2: float) -> None:
    # V(q) = (1 - 2^-53) q + b meets the identity at 2^53 b.
    (point,) = vt.fixed_points(vt.VarianceMap("relu", sigma_w2=np.nextafter(2.0, 1.0), sigma_b2=sigma_b2))
    assert point.lower <= sigma_b2 * 2**53 <= point.upper
    assert point.q == pytest.approx(2.0**53 * sigma_b2, rel=1e-9)


def test_judge_is_no_float() -> None:
    # What these traps are about: at 1e-20 only the judge's digits tell the sign.
    tiny = sp.Rational(1, 10**20)
    value = without_the_identity(stretches([tiny, -tiny, tiny, -tiny]), mpmath.mpf(4) ** -3)
    assert 0 < value < 1e-19
