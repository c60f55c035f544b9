"""What holds on a cell holds at every point of it: bounds of the ratio's derivatives, and signs beyond the ends."""

from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from tests.gaussian import moments_by_recursion
from vmap_theory.fixed_point_search.ends import search_interval
from vmap_theory.fixed_point_search.interval_bounds import cell_bounds
from vmap_theory.fixed_point_search.map_array import MapArray
from vmap_theory.fixed_point_search.sign_patterns import end_signs

INF = mpmath.inf
# (activation, its pieces, sigma_w2, sigma_b2)
MAPS: dict[str, tuple[vt.Activation, Any, float, float]] = {
    "crelu": (
        vt.activation("crelu", tau=1, m=1.5),
        [(-INF, 1, [0]), (1, 2.5, [-1, 1]), (2.5, INF, [1.5])],
        7.0,
        0.4,
    ),
    "cst with a wide gap": (
        vt.activation("cst", tau=3, m=0.25),
        [(-INF, -3.25, [-0.25]), (-3.25, -3, [3, 1]), (-3, 3, [0]), (3, 3.25, [-3, 1]), (3.25, INF, [0.25])],
        300.0,
        0.01,
    ),
    "jump and parabola": (
        vt.parse_activation("Piecewise((-1, x < -2), (x**2/2, x < 1), (2 - x, True))"),
        [(-INF, -2, [-1]), (-2, 1, [0, 0, 0.5]), (1, INF, [2, -1])],
        1.75,
        0.0,
    ),
    "bump": (
        vt.parse_activation("Max(1 - Abs(x), 0)"),
        [(-INF, -1, [0]), (-1, 0, [1, 1]), (0, 1, [1, -1]), (1, INF, [0])],
        4.0,
        0.125,
    ),
}


def ratio_and_derivatives(pieces: Any, sigma_w2: float, sigma_b2: float, q: Any) -> tuple[Any, Any, Any]:
    """R = V/q - 1 and its first two derivatives in log q, from moments and their q-derivatives in mpmath."""
    moments = moments_by_recursion(pieces, q, dps=60)
    v = sigma_w2 * moments["second_moment"] + sigma_b2
    v1, v2 = sigma_w2 * moments["d_second_moment"], sigma_w2 * moments["d2_second_moment"]
    return v / q - 1, v1 - v / q, q * v2 - v1 + v / q


def single(name: str) -> MapArray:
    act, _, sigma_w2, sigma_b2 = MAPS[name]
    return MapArray(act, np.array([sigma_w2]), np.array([sigma_b2]), {})


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("width", [0.5, 0.1, 1e-3, 1e-7])
def test_bounds_hold_inside_the_cell(name: str, width: float, rng: np.random.Generator) -> None:
    maps, (_, pieces, sigma_w2, sigma_b2) = single(name), MAPS[name]
    for low in np.exp(rng.uniform(-3, 4, size=6)):
        high = low * np.exp(width)
        here = np.zeros(1, dtype=np.intp)
        left, right = maps.jets(here, np.array([low])), maps.jets(here, np.array([high]))
        bounds = cell_bounds(left, right)
        for fraction in (0.0, 0.25, 0.6, 1.0):
            with mpmath.workdps(60):
                q = mpmath.mpf(low) * mpmath.exp(mpmath.mpf(fraction) * mpmath.log(mpmath.mpf(high) / mpmath.mpf(low)))
                ratio, slope, bend = ratio_and_derivatives(pieces, sigma_w2, sigma_b2, q)
                if fraction == 0.0:
                    assert abs(ratio - left.ratio[0]) <= left.error[0]
                assert bounds.slope_low[0] <= slope <= bounds.slope_high[0]
                assert bounds.bend_low[0] <= bend <= bounds.bend_high[0]


@pytest.mark.parametrize("name", MAPS)
def test_bounds_close_in_as_cells_shrink(name: str) -> None:
    maps, here = single(name), np.zeros(1, dtype=np.intp)
    spreads = []
    for width in (0.1, 1e-3, 1e-5):
        bounds = cell_bounds(maps.jets(here, np.array([1.3])), maps.jets(here, np.array([1.3 * np.exp(width)])))
        spreads.append(float((bounds.bend_high - bounds.bend_low)[0]))
    # The spread is proportional to the width.
    assert all(small < 0.02 * large for large, small in pairwise(spreads))


@pytest.mark.parametrize("name", MAPS)
def test_the_sign_beyond_the_ends_is_as_said(name: str) -> None:
    maps, (_, pieces, sigma_w2, sigma_b2) = single(name), MAPS[name]
    interval = search_interval(maps, end_signs(maps))
    assert interval.sign_low[0] != 0
    assert interval.sign_high[0] != 0
    for factor in (1, 0.3, 1e-2, 1e-4):
        below = ratio_and_derivatives(pieces, sigma_w2, sigma_b2, mpmath.mpf(interval.low[0]) * factor)[0]
        assert mpmath.sign(below) == interval.sign_low[0]
    for factor in (1, 3, 1e2, 1e6):
        above = ratio_and_derivatives(pieces, sigma_w2, sigma_b2, mpmath.mpf(interval.high[0]) * factor)[0]
        assert mpmath.sign(above) == interval.sign_high[0]
