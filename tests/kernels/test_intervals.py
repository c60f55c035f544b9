"""The interval moments J_k(a, c) against quadrature, above all where the kernel changes its method."""

from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

import vmap_theory as vt
from tests.gaussian import moments_by_recursion
from tests.kernels.integrals import interval, relative_error, tail
from vmap_theory.kernels import intervals, nodes
from vmap_theory.kernels.intervals import interval_moments
from vmap_theory.kernels.libraries import NUMPY

EPSILON = NUMPY.epsilon
LIMITS = {0: 9, 1: 18, 2: 28, 3: 18, 4: 24, 5: 26, 6: 28, 7: 12, 16: 20, 32: 32}
"""Of the relative error in epsilon, by the highest order N.

Up to order 6 the worst is the difference of tails just beyond its threshold, which loses what it does not leave.
Measured there: 7.1, 12.3, 21.3, 11.2, 16.4, 17.1, 17.9."""
NEAR = {0: 4, 1: 5, 2: 5, 3: 5, 4: 6, 5: 6, 6: 6}
"""The same on the other side, where nodes are summed."""

Array = NDArray[np.float64]


def moments(a: Any, c: Any, highest: int, relative: bool = False) -> list[Array]:
    a, c = np.atleast_1d(np.asarray(a, dtype=float)), np.atleast_1d(np.asarray(c, dtype=float))
    return interval_moments(a, np.minimum(a + c, NUMPY.farthest), c, highest, NUMPY, relative=relative)


def error(found: Array, k: int, a: float, c: float, relative: bool = False) -> float:
    """In epsilon; of numbers near underflow none, for they have fewer digits."""
    with mpmath.workdps(50):
        exact = interval(k, a, c) / (mpmath.mpf(min(c, 1.0)) ** k if relative else 1)
    if abs(exact) < 1e-300:
        return 0.0 if abs(float(found[0])) <= 2e-300 else float("inf")
    return relative_error(found[0], exact) / EPSILON


def threshold(a: Any, y: Any) -> Any:
    """The c at which c (a + 2 c) = y."""
    return 2 * y / (a + np.sqrt(a * a + 8 * y))


def limit_of(highest: int, digits: int = 53) -> float:
    """T of the module's docstring, in float64 or float32."""
    return intervals._threshold(highest, replace(NUMPY, digits=digits))


starts = st.one_of(
    st.sampled_from([0.0, 1e-300, 37.0, 1e6]), st.floats(0, 40), st.floats(-8, 4).map(lambda power: 10.0**power)
)
widths = st.floats(-8, 2).map(lambda power: 10.0**power)


@pytest.mark.parametrize("highest", LIMITS)
@given(a=starts, c=widths, relative=st.booleans())
def test_relative_error(highest: int, a: float, c: float, relative: bool) -> None:
    found = moments(a, c, highest, relative)
    for k in {0, highest // 2, max(highest - 1, 0), highest}:
        assert error(found[k], k, a, c, relative) <= LIMITS[highest], k


@pytest.mark.parametrize("highest", range(7))
@given(a=st.one_of(starts, st.floats(-4, -1).map(lambda power: 10.0**power)), step=st.floats(-12, -9))
def test_both_sides_of_the_threshold(highest: int, a: float, step: float) -> None:
    """Within 1e-9 to 1e-12 of it; the sides differ by no more than their errors, each of which has its own limit."""
    c = float(threshold(a, limit_of(highest)))
    for side, limits in ((-1, NEAR), (1, LIMITS)):
        at = c * (1 + side * 10.0**step)
        y = mpmath.mpf(at) * (mpmath.mpf(a) + 2 * mpmath.mpf(at))
        assert (y > limit_of(highest)) == (side > 0)
        found = moments(a, at, highest)
        for k in {0, max(highest - 1, 0), highest}:
            assert error(found[k], k, a, at) <= limits[highest] + (a * at + 2 * at * at) * 0.5, (k, side)


@pytest.mark.parametrize("highest", range(7))
def test_both_methods_agree_at_the_threshold(highest: int, rng: np.random.Generator) -> None:
    """Neighbouring floats on the two sides, 1000 pairs."""
    a = np.concatenate([10 ** rng.uniform(-5, 3, 500), rng.uniform(0, 40, 500)])
    c = threshold(a, limit_of(highest))
    below, above = (moments(a, c * (1 + side * 1e-14), highest) for side in (-1, 1))
    for k in range(highest + 1):
        change = np.abs(above[k] / below[k] - 1)
        assert np.max(change) <= (LIMITS[highest] + NEAR[highest]) * EPSILON + (k + 1) * 2e-14, k


@pytest.mark.parametrize("highest", range(7))
def test_no_digit_is_lost_to_the_difference(highest: int) -> None:
    """At the threshold J is more than a tenth of K, as the module says; the numbers are those of its docstring."""
    leaves = {0: (0.276, 0.221), 2: (0.229, 0.391)}
    y = limit_of(highest)
    for k in {max(highest - 1, 0), highest}:
        left = [interval(k, a, float(threshold(a, y))) / tail(k, a) for a in (0.0, 0.5, 1.0, 2.0, 5.0, 20.0, 1e4)]
        assert min(left) > 0.1
        if k == highest:
            expected = [
                mpmath.gammainc(mpmath.mpf(k + 1) / 2, 0, y / 4, regularized=True),
                mpmath.gammainc(k + 1, 0, y, regularized=True),
            ]
            assert float(left[0]) == pytest.approx(float(expected[0]), abs=1e-6)
            assert float(left[-1]) == pytest.approx(float(expected[1]), abs=1e-4)
            if highest in leaves:
                assert [float(left[0]), float(left[-1])] == pytest.approx(leaves[highest], abs=1e-3)


@pytest.mark.parametrize(("digits", "limit"), [(53, 4e-17), (24, 1e-8)], ids=["float64", "float32"])
@pytest.mark.parametrize("highest", range(7))
def test_the_nodes_suffice(highest: int, digits: int, limit: float) -> None:
    """With exact nodes and weights the rule errs by no more than the module says, up to the threshold of the type."""
    with mpmath.workdps(40):
        count = intervals._NODES[highest]
        rule = []
        for guess in np.polynomial.legendre.leggauss(count)[0]:
            z = mpmath.findroot(lambda y: mpmath.legendre(count, y), mpmath.mpf(float(guess)))
            slope = count * mpmath.legendre(count - 1, z) / (1 - z * z)
            rule.append(((1 + z) / 2, 1 / ((1 - z * z) * slope**2)))
        for start in (0.0, 0.3, 1.0, 2.0, 5.0, 20.0, 1e4):
            a = mpmath.mpf(start)
            c = mpmath.mpf(float(threshold(start, limit_of(highest, digits))))
            for k in {max(highest - 1, 0), highest}:
                total = sum(w * x**k * mpmath.exp(-a * c * x - (c * x) ** 2 / 2) for x, w in rule)
                total *= c ** (k + 1) / mpmath.sqrt(2 * mpmath.pi)
                assert abs(total / interval(k, start, float(c)) - 1) < limit, (k, start)


@pytest.mark.parametrize("highest", [2, 6, 16])
@given(a=st.one_of(st.floats(0, 40), st.just(0.0)), power=st.floats(-300, 0))
@example(a=37.0, power=-300.0)
def test_relative_moments_of_the_narrowest_pieces(highest: int, a: float, power: float) -> None:
    """c^k of c = 1e-300 underflows; J_k/c^k is c/((k + 1) sqrt(2 pi)) there."""
    c = 10.0**power
    found = moments(a, c, highest, relative=True)
    for k in {0, highest // 2, highest}:
        if c * (a + c) < 1e-17:
            assert found[k][0] == pytest.approx(c / (k + 1) / np.sqrt(2 * np.pi), rel=LIMITS[highest] * EPSILON)
        else:
            assert error(found[k], k, a, c, relative=True) <= LIMITS[highest]


@pytest.mark.parametrize("highest", [0, 1, 2, 4, 6, 8])
def test_wide_pieces_are_tails(highest: int) -> None:
    a = np.array([0.0, 1e-3, 1.0, 10.0, 37.0, 1e6])
    for c in (60.0, 1e5, np.inf):
        found = moments(a, np.full(a.size, c), highest)
        for k, values in enumerate(found):
            worst = max(relative_error(x, tail(k, float(y))) for x, y in zip(values, a, strict=True))
            assert worst <= 16 * EPSILON, (k, c)


def test_a_start_at_zero_may_be_a_number(rng: np.random.Generator) -> None:
    c = 10 ** rng.uniform(-6, 1.5, 200)
    for highest in (0, 2, 4, 7):
        plain = interval_moments(0.0, c, c, highest, NUMPY, relative=False)
        arrays = interval_moments(np.zeros(c.size), c, c, highest, NUMPY, relative=False)
        for one, other in zip(plain, arrays, strict=True):
            np.testing.assert_allclose(one, other, rtol=LIMITS[highest] * EPSILON, atol=0)


@pytest.mark.parametrize("highest", [2, 16, 32])
def test_nodes_everywhere_are_good_for_all_intervals(highest: int, rng: np.random.Generator) -> None:
    a, c = rng.uniform(0, 40, 60), 10 ** rng.uniform(-3, 2, 60)
    pair = nodes.highest_pair(a, c, highest, NUMPY)
    for k, values in zip((highest - 1, highest), pair, strict=True):
        worst = max(relative_error(x, interval(k, y, z)) for x, y, z in zip(values, a, c, strict=True))
        assert worst <= 32 * EPSILON


@pytest.mark.parametrize("start", ["1/10000", "1/2000", "1/300", "1/50"])
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_bounds_hold_just_beyond_the_threshold(degree: int, start: str) -> None:
    """phi = (x - start)^degree on an interval of length 1, elsewhere 0, at 100 variances where y is just above T."""
    x, low, highest = sp.Symbol("x"), sp.Rational(start), 2 * degree
    phi = sp.expand((x - low) ** degree)
    act = vt.Activation.from_pieces([(-sp.oo, low, 0), (low, low + 1, phi), (low + 1, sp.oo, 0)])
    q = float(threshold(float(low), highest + 0.25)) ** -2.0 * (1 - 10 ** np.linspace(-12, -1, 100))
    found = vt.gaussian_moments(act, q, bounds=True)
    for index, variance in enumerate(q):
        with mpmath.workdps(120):
            begin = mpmath.mpf(low.p) / low.q
            rise = [mpmath.binomial(degree, k) * (-begin) ** (degree - k) for k in range(degree + 1)]
            zero = [mpmath.mpf(0)]
            pieces = [(-mpmath.inf, begin, zero), (begin, begin + 1, rise), (begin + 1, mpmath.inf, zero)]
            exact = moments_by_recursion(pieces, mpmath.mpf(float(variance)), 120)["second_moment"]
            error = abs(mpmath.mpf(float(found.second_moment[index])) - exact)
        assert error <= found.second_moment_error[index], (variance, float(error / exact) / EPSILON)
