"""Basins, checked by iterating V at 30 digits from inside, from just inside the ends, and from outside."""

from typing import Any

import mpmath
import pytest
import sympy as sp

import vmap_theory as vt
from tests.fixed_points.agreement import both
from tests.fixed_points.judge import ExactMap, Pieces, clipped_relu, clipped_soft_threshold
from tests.fixed_points.test_counts import stairs

MOST_STEPS = 3000
HALF = sp.Rational(1, 2)

MAPS: dict[str, tuple[Pieces, float, float]] = {
    "one": (clipped_relu(sp.Integer(1), HALF), 9.0, 0.5),
    "three": (clipped_soft_threshold(sp.Rational(23, 16), sp.Rational(3, 2)), 7.0, 0.625),
    "collapses": (clipped_soft_threshold(sp.Integer(1), sp.Integer(2)), 9.0, 0.0),
    "diverges": ([(-sp.oo, 1, [0]), (1, sp.oo, [-1, 1])], 8.0, 0.25),
    "quadratic": ([(-sp.oo, sp.oo, [0, 0, HALF])], 0.5, 0.25),
    "many": (stairs(3, 12, sp.Integer(4)), 0.5, 0.125),
    "bump": ([(-sp.oo, 0, [0]), (0, 1, [0, 3]), (1, 2, [6, -3]), (2, sp.oo, [0])], 1.5, 0.25),
}


def goes_to(judge: ExactMap, start: Any) -> Any:
    """The limit of iteration: nan if it neither settles, nor leaves for 0 or infinity."""
    with mpmath.workdps(judge.dps):
        q = mpmath.mpf(start)
        for _ in range(MOST_STEPS):
            after = judge.value(q)
            if abs(after / q - 1) < 1e-13:
                return after
            if after > 1e12 or after < 1e-9:
                return mpmath.inf if after > 1 else mpmath.mpf(0)
            q = after
        return mpmath.nan


@pytest.mark.parametrize("name", MAPS)
def test_every_start_inside_converges(name: str) -> None:
    vm, judge = both(*MAPS[name], dps=30)
    found = vt.fixed_points(vm)
    assert found.is_complete
    for point in found:
        if point.basin is None:
            assert point.stability == "unstable"
            continue
        low, high = point.basin
        assert low <= point.q <= high
        far = high * (1 - 1e-3) if high < 1e9 else 1e6 * point.q
        near = low * (1 + 1e-3) if low else 1e-6 * point.q
        for start in (near, (low + point.q) / 2, point.q * 1.01, far):
            if low < start < high:
                limit = goes_to(judge, start)
                assert limit == pytest.approx(point.q, rel=1e-8), start
                assert found.limit(start) == point.q


@pytest.mark.parametrize("name", ["three", "collapses", "diverges", "quadratic", "many"])
def test_basins_reach_to_the_unstable_points_where_v_rises(name: str) -> None:
    vm, judge = both(*MAPS[name], dps=30)
    found = vt.fixed_points(vm)
    unstable = [point.q for point in found if point.stability == "unstable"]
    assert unstable
    for point in found:
        if point.basin is not None:
            assert {end for end in point.basin if 0 < end < float("inf")} <= set(unstable)
    for q in unstable:
        for start in (q * (1 - 1e-3), q * (1 + 1e-3)):
            limit = goes_to(judge, start)
            assert found.limit(start) == pytest.approx(float(limit), rel=1e-8)
    assert found.diverges == (goes_to(judge, 1e6) == mpmath.inf)
    assert found.collapses == (goes_to(judge, 1e-5) == 0)


@pytest.mark.parametrize("height", [1, 4, 1000])
def test_no_point_repels_by_oscillating(height: int) -> None:
    # sqrt(q) E[phi^2] never falls, since the density of sqrt(q) x rises with q: so V' >= -(V - sigma_b2)/(2 q), and a
    # fixed point has V' >= -1/2.  A high, narrow bump comes near to it.
    pieces: Pieces = [(-sp.oo, -1, [0]), (-1, 1, [height]), (1, sp.oo, [0])]
    vm, judge = both(pieces, 4.0, 0.03125)
    (point,) = vt.fixed_points(vm)
    assert -0.5 < judge.slope(point.q) < 0
    assert (point.stability, point.attracts_from) == ("stable", "both")
    for start in (point.basin[0] * 1.01, point.basin[1] * 0.99):
        assert goes_to(judge, start) == pytest.approx(point.q, rel=1e-8)
