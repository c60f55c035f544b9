"""Two fixed points next to each other, near a saddle-node: 1e-9 apart and closer, none just beyond."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import pytest
import sympy as sp

import vmap_theory as vt
from tests.fixed_points.agreement import activation_of
from tests.fixed_points.judge import ExactMap, clipped_relu, clipped_soft_threshold, edge

DPS = 100
TAU = sp.Rational(vt.threshold_for_sparsity("crelu", 0.85))  # the float, exactly
DISTANCES = ["1e-9", "1e-10", "1e-12", "1e-14"]


def rational(number: Any) -> sp.Rational:
    """80 digits of a number, exactly."""
    return sp.Rational(mpmath.nstr(number, 80))


@lru_cache(maxsize=4)
def tangency(map_at: Callable[[Any], ExactMap], m: str, q: str) -> tuple[Any, Any]:
    """(m, q) with V(q) = q and V'(q) = 1, near the values given."""

    def equations(m: Any, q: Any) -> tuple[Any, Any]:
        judge = map_at(rational(m))
        return judge.excess(q), judge.slope(q) - 1

    start = (mpmath.mpf(m), mpmath.mpf(q))
    return tuple(mpmath.findroot(equations, start, tol=mpmath.mpf(10) ** -130, maxsteps=30))


def level_for(map_at: Any, m_c: Any, q_c: Any, distance: Any) -> tuple[sp.Rational, Any, Any]:
    """The level at which two roots about q_c are `distance` apart, and these roots."""

    def equations(m: Any, middle: Any) -> tuple[Any, Any]:
        judge = map_at(rational(m))
        low, high = (judge.excess(middle + side * distance / 2) for side in (-1, 1))
        return (low + high) / distance**2, (high - low) / distance

    # To first order the excess is (m - m_c) slope_m + bend (q - q_c)^2/2: a step of 1e-8 tells the scale.
    step = mpmath.mpf(10) ** -20
    slope_m = (map_at(rational(m_c + step)).excess(q_c) - map_at(rational(m_c - step)).excess(q_c)) / (2 * step)
    near = [map_at(rational(m_c)).excess(q_c + side * step) for side in (-1, 0, 1)]
    bend = (near[0] - 2 * near[1] + near[2]) / step**2
    start = (m_c - bend * distance**2 / 8 / slope_m, q_c)
    m, middle = mpmath.findroot(equations, start, tol=mpmath.mpf(10) ** -80, maxsteps=30)
    level = rational(m)
    judge = map_at(level)
    roots = [judge.root(middle - distance, middle), judge.root(middle, middle + distance)]
    assert abs((roots[1] - roots[0]) / distance - 1) < 1e-6
    return level, roots[0], roots[1]


def on_the_edge(m: sp.Rational) -> ExactMap:
    return edge(clipped_relu(TAU, m), 1, DPS)


def with_given_variances(m: sp.Rational) -> ExactMap:
    return ExactMap(clipped_soft_threshold(sp.Rational(23, 16), m), 7.0, 0.625, DPS)


@pytest.mark.parametrize("distance", DISTANCES)
def test_pairs_on_the_edge_of_chaos(distance: str) -> None:
    with mpmath.workdps(DPS):
        m_c, q_c = tangency(on_the_edge, "1.83863179068594", "1.85168765893")
        assert abs(m_c - mpmath.mpf("1.83863179068594")) < 2e-14, "as known"
        m, low, high = level_for(on_the_edge, m_c, q_c, mpmath.mpf(distance))
        act = vt.activation("crelu", tau=TAU, m=m)
        found = vt.fixed_points(vt.edge_of_chaos(act).variance_map)
        assert [p.stability for p in found] == ["stable", "unstable", "stable"]
        assert found.is_complete
        assert found[0].lower <= 1 <= found[0].upper
        assert found[1].lower <= low <= found[1].upper <= found[2].lower <= high <= found[2].upper


@pytest.mark.parametrize("distance", ["1e-9", "1e-12"])
def test_none_just_beyond_the_edge_of_chaos(distance: str) -> None:
    # As far below the critical level as the pair above lies above it: V stays below the identity by distance^2.
    with mpmath.workdps(DPS):
        m_c, q_c = tangency(on_the_edge, "1.83863179068594", "1.85168765893")
        m, _, _ = level_for(on_the_edge, m_c, q_c, mpmath.mpf(distance))
        act = vt.activation("crelu", tau=TAU, m=rational(2 * m_c - mpmath.mpf(int(m.p)) / int(m.q)))
        found = vt.fixed_points(vt.edge_of_chaos(act).variance_map)
    assert [(p.q, p.stability) for p in found] == [(1.0, "stable")]
    assert found.is_complete


@pytest.mark.parametrize("distance", DISTANCES[::2])
def test_pairs_of_a_map_with_given_variances(distance: str) -> None:
    with mpmath.workdps(DPS):
        m_c, q_c = tangency(with_given_variances, "1.35", "2.4")
        m, low, high = level_for(with_given_variances, m_c, q_c, mpmath.mpf(distance))
        judge = with_given_variances(m)
        vm = vt.VarianceMap(activation_of(judge.pieces), sigma_w2=7.0, sigma_b2=0.625)
        found = vt.fixed_points(vm)
        roots = judge.roots(0.0501, 60)
        assert found.is_complete
        assert len(found) == len(roots) == 3
        pair = [p for p in found if abs(p.q - float(q_c)) < 1e-3]
        assert sorted(p.stability for p in pair) == ["stable", "unstable"]
        assert pair[0].lower <= low <= pair[0].upper <= pair[1].lower <= high <= pair[1].upper


def test_at_the_tangency_itself() -> None:
    # To 80 digits: whatever it is called, it is one place, and what is said of it holds.
    with mpmath.workdps(DPS):
        m_c, q_c = tangency(on_the_edge, "1.83863179068594", "1.85168765893")
        found = vt.fixed_points(vt.edge_of_chaos(vt.activation("crelu", tau=TAU, m=rational(m_c))).variance_map)
        assert (found[0].q, found[0].stability) == (1.0, "stable")
        # m_c has 80 digits, so that two points 1e-40 apart, none, or one that 160 digits cannot split are all right.
        assert [p.stability for p in found[1:]] in (["semi-stable"], ["unstable", "stable"], [])
        for point in found[1:]:
            assert point.lower <= q_c <= point.upper
            assert point.upper - point.lower < 1e-6
        assert len(found) > 1 or found.near_misses == pytest.approx([float(q_c)], rel=1e-6)
