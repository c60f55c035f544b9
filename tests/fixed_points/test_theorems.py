"""Bounds beyond the interval searched and intervals inside basins, against the worst cases that they allow."""

import mpmath
import numpy as np
import pytest

from vmap_theory.fixed_point_search.basins import basin
from vmap_theory.fixed_point_search.ends import outside, square_inside, square_outside


def share_beyond(low: float, high: float, q: float) -> mpmath.mpf:
    """P(low < |X| < high) for X ~ N(0, q): E[phi^2] of a phi that is 1 there and 0 elsewhere."""
    root = mpmath.sqrt(2 * mpmath.mpf(q))
    return mpmath.erfc(low / root) - mpmath.erfc(high / root)


@pytest.mark.parametrize("far", [0.5, 1.0, 3.0, 8.0])
def test_integral_outside(far: float) -> None:
    # Of all phi, one concentrated at |x| = far comes nearest to the bound: with q = 1 and sigma_w2 = 1.
    with mpmath.workdps(40):
        for width in (1e-6, 0.1, 10.0):
            truth = share_beyond(far, far + width, 1.0)
            bound = square_outside(np.array([far]), np.array([float(share_beyond(far, far + width, 2.0) / 2)]))[0]
            assert bound >= truth * (1 - 1e-12)
            if width == 1e-6:
                assert bound == pytest.approx(float(truth), rel=1e-4)


@pytest.mark.parametrize("close", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("smaller", [0.25, 1e-2])
def test_integral_inside(close: float, smaller: float) -> None:
    with mpmath.workdps(40):
        for width in (1e-6, 0.5, 1.0):
            low = close * (1 - width)
            truth = share_beyond(low, close, 1.0)
            at_smaller = share_beyond(low, close, smaller) / smaller
            bound = square_inside(np.array([close]), np.array([smaller]), np.array([float(at_smaller)]))[0]
            assert bound >= truth * (1 - 1e-12)
            if width == 1e-6:
                assert bound == pytest.approx(float(truth), rel=1e-4)


@pytest.mark.parametrize("far", [0.0, 0.7, 5.0])
def test_shares_of_a_normal(far: float) -> None:
    mass, square = outside(np.array([far]))
    with mpmath.workdps(30):
        assert mass[0] == pytest.approx(float(mpmath.erfc(far / mpmath.sqrt(2))), rel=1e-13)
        exact = 2 * mpmath.quad(lambda z: z**2 * mpmath.npdf(z), [far, far + 4, far + 12, mpmath.inf])
        assert square[0] == pytest.approx(float(exact), rel=1e-12)


def test_no_step_leaves_a_basin(rng: np.random.Generator) -> None:
    # All that is known: V(x) lies between x and q (x/q)^(-1/2) on either side of q.
    for q, low, high in np.exp(rng.uniform(-4, 4, size=(400, 3))).tolist():
        below, above = min(low, q) * 0.999, max(high, q) * 1.001
        found = basin(q, below, above if above < 30 * q else np.inf, "both", is_monotone=False)
        assert found is not None
        start, stop = found
        assert below <= start < q < stop <= max(above, 30 * q)
        x = np.concatenate([np.geomspace(start, q, 200)[:-1], np.geomspace(q, stop, 200)[1:]])
        thrown = q * (x / q) ** -0.5
        assert start * (1 - 1e-12) <= thrown.min()
        assert thrown.max() <= stop * (1 + 1e-12)
        assert (np.abs(thrown - q) <= np.abs(x - q) * (1 + 1e-9)).all()
