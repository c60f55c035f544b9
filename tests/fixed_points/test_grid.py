"""Arrays of maps against one map at a time."""

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.fixed_point_search import fixed_point_grid
from vmap_theory.fixed_point_search.result import SearchStatus, Stability

WORDS = {int(kind): kind.word for kind in Stability}


@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_element_by_element(family: str, rng: np.random.Generator) -> None:
    count = 25
    tau, m = rng.uniform(0.1, 2.0, count), rng.uniform(0.2, 3.0, count)
    w, b = rng.uniform(0.5, 12.0, count), rng.uniform(0.01, 1.0, count)
    grid = fixed_point_grid(family, w, b, tau=tau, m=m)
    assert (grid.status == SearchStatus.COMPLETE).all()
    assert grid.q.shape == (count, grid.count.max())
    for k in range(count):
        act = vt.activation(family, tau=float(tau[k]), m=float(m[k]))
        one = vt.fixed_points(vt.VarianceMap(act, sigma_w2=float(w[k]), sigma_b2=float(b[k])))
        assert grid.count[k] == len(one)
        assert bool(grid.diverges[k]) == one.diverges
        for i, point in enumerate(one):
            assert WORDS[int(grid.stability[k, i])] == point.stability
            # Both enclosures hold the root.
            assert max(grid.lower[k, i], point.lower) <= min(grid.upper[k, i], point.upper)
            assert grid.q[k, i] == pytest.approx(point.q, rel=1e-13 / min(abs(1 - point.slope), 1))
            assert grid.slope[k, i] == pytest.approx(point.slope, rel=1e-9)
            assert grid.chi_1[k, i] == pytest.approx(point.chi_1, rel=1e-9)
        for name in ("q", "lower", "upper", "slope", "chi_1"):
            assert np.isnan(getattr(grid, name)[k, len(one) :]).all()
        assert (grid.stability[k, len(one) :] == 0).all()


def test_shapes_and_missing_values() -> None:
    grid = fixed_point_grid("crelu", [[4.0], [np.nan]], 0.5, tau=[0.5, 1.0, 1.5], m=1.0)
    assert grid.count.shape == grid.status.shape == grid.diverges.shape == (2, 3)
    assert grid.q.shape[:2] == grid.stability.shape[:2] == (2, 3)
    assert (grid.status[1] == SearchStatus.MISSING).all()
    assert (grid.count[1] == 0).all()
    single = fixed_point_grid("crelu", 4.0, 0.5, tau=1.0, m=1.0)
    assert single.count == 1
    np.testing.assert_allclose(single.q[0], grid.q[0, 1, 0])


def test_units() -> None:
    scales = np.array([1e-3, 1.0, 1e4])
    grid = fixed_point_grid("cst", 7.0, 0.625 * scales**2, tau=1.4375 * scales, m=1.5 * scales)
    np.testing.assert_array_equal(grid.count, 3)
    np.testing.assert_allclose(grid.q / scales[:, None] ** 2, grid.q[1] * np.ones((3, 1)), rtol=2e-14)


def test_maps_that_float64_cannot_tell_say_so() -> None:
    grid = fixed_point_grid("relu", [2.0, 1.0, 3.0], [0.0, 1.0, 1.0])
    assert grid.status[0] != SearchStatus.COMPLETE
    np.testing.assert_array_equal(grid.status[1:], SearchStatus.COMPLETE)
    np.testing.assert_array_equal(grid.count[1:], [1, 0])
    np.testing.assert_array_equal(grid.diverges[1:], [False, True])
