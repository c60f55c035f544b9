"""Extremes of float64, limits of the parameters, derivatives and zeros of derivatives."""

import warnings
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import vmap_theory as vt
from tests.data.make_domain_moments import pieces_of
from tests.domain_points import (
    CLIPPED,
    LENGTHS,
    RELATIVE,
    THRESHOLDED,
    TINY,
    ULP,
    UNCLIPPED,
    moments,
    parameters_of,
    sizes,
    starts,
    variances,
    widths,
)
from tests.gaussian import moments_by_recursion
from tests.reference_data import MOMENTS
from vmap_theory.errors import PrecisionError

# Extremes and limits.


EXTREMES = [5e-324, 1e-320, TINY, 1e-250, 1e-8, 1.0, 1e8, 1e154, 1e250, 1e300]


@given(
    family=st.sampled_from(["relu_tau", "crelu", "soft_threshold", "cst", "hard_threshold", "firm", "relu6"]),
    data=st.data(),
)
@settings(max_examples=150)
@example(family="crelu", data=None)
def test_extremes_give_no_nan_and_no_warning(family: str, data: st.DataObject | None) -> None:
    extreme = st.one_of(st.sampled_from(EXTREMES), st.floats(5e-324, 1e300))
    names = LENGTHS.get(family, ())
    if data is None:
        q, values = 5e-324, dict.fromkeys(names, 5e-324)
    else:
        q, values = data.draw(extreme, label="q"), {name: data.draw(extreme, label=name) for name in names}
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        try:
            found = moments(family, q, **values)
        except PrecisionError:
            numbers = [q**0.5, *values.values()]  # refused in words, and only if far out or a hundred decades apart
            assert q < 1e-290 or q > 1e290 or max(numbers) > 1e100 * min(numbers)
            return
    for name in MOMENTS:
        assert not np.isnan(found[name]), name
    assert 0 <= found["second_moment"] <= q * (1 + 16 * ULP)
    assert 0 <= found["sparsity"] <= 1


@given(family=st.sampled_from(CLIPPED), q=variances(), a=starts())
def test_an_infinite_level_is_no_level(family: str, q: float, a: float) -> None:
    infinite = moments(family, q, tau=a * q**0.5, m=np.inf)
    without = moments(UNCLIPPED[family], q, tau=a * q**0.5)
    far = moments(family, q, tau=a * q**0.5, m=1e4 * q**0.5)
    for name in MOMENTS:
        for other in (without, far):
            assert abs(infinite[name] - other[name]) <= 4 * ULP * abs(infinite[name]) + 4 * TINY, name


@given(family=st.sampled_from(CLIPPED), a=starts(), c=st.floats(-100, -9))
def test_a_level_near_zero_leaves_a_step(family: str, a: float, c: float) -> None:
    """E[phi^2]/m^2 tends to P(phi != 0), and E[phi'^2]/m to the density at the threshold, as m falls to 0."""
    m = 10.0**c
    found = vt.log_gaussian_moments(vt.family(family), 1.0, tau=a, m=m)
    sides = 2 if family == "cst" else 1
    with mpmath.workdps(40):
        tail = float(mpmath.log(sides * mpmath.ncdf(-mpmath.mpf(a))))
        density = float(mpmath.log(sides * mpmath.npdf(mpmath.mpf(a))))
        level = float(mpmath.log(mpmath.mpf(m)))
    near = 2 * (a + 2) * m + 8 * ULP * (a * a + abs(level) + 1)
    assert abs(float(found.log_second_moment) - (2 * level + tail)) <= near
    assert abs(float(found.log_slope_moment) - (level + density)) <= near


@given(family=st.sampled_from(THRESHOLDED), q=variances(), c=widths(), tau=st.sampled_from([5e-324, 1e-310, 1e-290]))
def test_a_vanishing_threshold_is_none(family: str, q: float, c: float, tau: float) -> None:
    rest = {"m": c * q**0.5} if family in CLIPPED else {}
    small, none = moments(family, q, tau=tau, **rest), moments(family, q, tau=0.0, **rest)
    for name in ("second_moment", "d_second_moment", "slope_moment"):
        # Not the same method: without a threshold the kernel sums exact half moments.
        assert abs(small[name] - none[name]) <= 16 * ULP * none[name] + 4 * TINY, name
    # P(phi = 0) of an odd family is the mass of (-tau, tau): it is tau itself that counts there.
    assert abs(small["sparsity"] - none["sparsity"]) <= 4 * ULP + tau / q**0.5


@pytest.mark.parametrize("family", THRESHOLDED)
def test_small_and_large_variances_have_their_limits(family: str) -> None:
    rest = {"m": 1.0} if family in CLIPPED else {}
    sides = 2 if family in ("soft_threshold", "cst") else 1
    small = moments(family, [5e-324, 1e-250, 1e-5], tau=1.0, **rest)
    for name in ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment"):
        np.testing.assert_array_equal(small[name], 0.0)
    np.testing.assert_allclose(small["sparsity"], 1.0, rtol=4 * ULP)
    q = np.array([1e100, 1e250])
    large = moments(family, q, tau=1.0, **rest)
    # Clipped: m^2 P(phi != 0); otherwise that of no threshold.
    expected = sides * (0.5 if family in CLIPPED else 0.5 * q)
    np.testing.assert_allclose(large["second_moment"], expected, rtol=8 * ULP)
    np.testing.assert_allclose(large["sparsity"], 0.5 if sides == 1 else 2 / np.sqrt(2 * np.pi * q), rtol=8 * ULP)


# Derivatives and zeros.


@given(family=st.sampled_from(THRESHOLDED), a=starts(), c=widths(), q=st.floats(-3, 3))
@settings(max_examples=25)
def test_derivatives_are_those_of_the_exact_second_moment(family: str, a: float, c: float, q: float) -> None:
    """Central differences of 160-digit values, with steps of 1e-40 that leave 80 digits."""
    variance = 10.0**q
    values = parameters_of(family, variance, a, c)
    found, exact = moments(family, variance, **values), sizes(family, variance, **values)
    with mpmath.workdps(160):
        pieces, step = pieces_of(family, values), mpmath.mpf(10) ** -40 * mpmath.mpf(variance)
        low, here, high = (
            moments_by_recursion(pieces, mpmath.mpf(variance) + k * step, 160)["second_moment"] for k in (-1, 0, 1)
        )
        first, second = (high - low) / (2 * step), (high - 2 * here + low) / step**2
        for name, true, left in (("d_second_moment", first, 1e-70), ("d2_second_moment", second, 1e-70 / variance)):
            assert float(abs(mpmath.mpf(float(found[name])) - true)) <= RELATIVE * exact[name] + left, name


def exact_curvature(tau: Any, m: Any) -> Any:
    """d2E/dq2 of crelu at q = 1, for mpmath's numbers."""
    pieces = [(-mpmath.inf, tau, [0]), (tau, tau + m, [-tau, 1]), (tau + m, mpmath.inf, [m])]
    return moments_by_recursion(pieces, mpmath.mpf(1), 120)["d2_second_moment"]


@pytest.mark.parametrize("tau", [0.25, "of sparsity 0.9", 1.5, 1.7])  # from sqrt(3) on there is no zero
def test_curvature_vanishes_at_the_inflection(tau: Any) -> None:
    """A little below the exact zero in m and a little above, the second derivative has different signs."""
    if isinstance(tau, str):
        tau = float(mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf("0.8")))
    with mpmath.workdps(50):
        start = mpmath.mpf(tau)
        zero = mpmath.findroot(
            lambda m: exact_curvature(start, m) / m**2, (mpmath.mpf("1e-3"), mpmath.mpf(9)), solver="anderson"
        )
        slope = float(exact_curvature(start, zero * (1 + mpmath.mpf(10) ** -20)) * mpmath.mpf(10) ** 20)
    m = float(zero)
    if tau == pytest.approx(1.2815515655446004, rel=1e-15):
        assert m == pytest.approx(0.711138114244, abs=1e-12)
    size = sizes("crelu", 1.0, tau=tau, m=m)["d2_second_moment"]
    step = 2 * RELATIVE * size / abs(slope)
    assert step < 1e-9
    curvature = moments("crelu", 1.0, tau=tau, m=m * (1 + step * np.array([-1e6, -100, -1, 1, 100, 1e6])))
    np.testing.assert_array_equal(np.sign(curvature["d2_second_moment"] / slope), [-1, -1, -1, 1, 1, 1])
    assert abs(moments("crelu", 1.0, tau=tau, m=m)["d2_second_moment"]) <= RELATIVE * size


@given(q=variances())
def test_second_derivatives_that_vanish_are_zero(q: float) -> None:
    for family in ("relu", "linear", "abs"):
        assert moments(family, q)["d2_second_moment"] == 0
    found = moments("hard_threshold", q, tau=q**0.5)  # kinks and jumps: (2 u^3 + u^3 (u^2 - 3)) n(u) = 0 at u = 1
    assert abs(found["d2_second_moment"]) <= 8 * ULP / q
