"""Variances at the ends of float64's range, where powers of sqrt(q) over- or underflow though the results do not."""

from typing import Any

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import PrecisionError


def error(found: float, true: Any) -> float:
    with mpmath.workdps(60):
        return float(abs(mpmath.mpf(float(found)) / true - 1))


@pytest.mark.parametrize(
    ("degree", "q"), [(2, 1e-150), (3, 1e-250), (3, 1e-100), (3, 1e240), (4, 1e-150), (4, 3.4875e107), (8, 1e50)]
)
def test_monomials(degree: int, q: float) -> None:
    # E[max(Z, 0)^(2k)] q^k = (2k - 1)!!/2 q^k, and its derivatives
    act = vt.family("rectified_monomial").bind(degree=degree)
    moments = vt.gaussian_moments(act, q, bounds=True)
    with mpmath.workdps(60):
        exact = mpmath.fac2(2 * degree - 1) / 2
        d2 = exact * degree * (degree - 1) * mpmath.mpf(q) ** (degree - 2)
    tiny = float(np.finfo(np.float64).tiny)
    assert error(moments.d2_second_moment, d2) < 1e-14
    assert abs(moments.d2_second_moment - float(d2)) <= moments.d2_second_moment_error
    assert moments.d2_second_moment_error < 1e-13 * moments.d2_second_moment + 2 * tiny


@pytest.mark.parametrize("q", [1e-200, 1e-50, 1e50, 1e100])
def test_logarithms_of_monomials(q: float) -> None:
    act = vt.family("rectified_monomial").bind(degree=8)
    with mpmath.workdps(60):
        exact = mpmath.log(mpmath.fac2(15) / 2) + 8 * mpmath.log(q)
    assert error(vt.log_gaussian_moments(act, q).log_second_moment, exact) < 1e-15


SMOOTHSTEP = vt.parse_activation("Piecewise((0, x < 0), (3*x**2 - 2*x**3, x < 1), (1, True))")


@pytest.mark.parametrize("q", [1e-250, 1e-80, 0.3, 1e80, 1e250])
def test_a_ramp_of_degree_three(q: float) -> None:
    """Far narrower than sqrt(q), E[phi'^2] is 6/5 times the density at 0; far wider, it is E[36 x^2; x > 0]."""
    moments = vt.gaussian_moments(SMOOTHSTEP, q)
    with mpmath.workdps(60):
        s = mpmath.sqrt(mpmath.mpf(q))
        if q > 1e70:
            slope, second = mpmath.mpf(6) / 5 / (s * mpmath.sqrt(2 * mpmath.pi)), mpmath.mpf(1) / 2
        elif q < 1e-70:
            slope, second = 18 * s**2, 9 * mpmath.mpf(3) / 2 * s**4
        else:
            density = lambda x: mpmath.npdf(x / s) / s  # noqa: E731
            slope = mpmath.quad(lambda x: (6 * x - 6 * x**2) ** 2 * density(x), [0, 0.5, 1])
            second = mpmath.quad(lambda x: (3 * x**2 - 2 * x**3) ** 2 * density(x), [0, 0.5, 1]) + mpmath.ncdf(-1 / s)
    assert error(moments.slope_moment, slope) < 1e-14
    if q > 1e-100:  # below, 13.5 q^2 is no normal number
        assert error(moments.second_moment, second) < 1e-14


@pytest.mark.parametrize("q", [1e-308, 1e-310, 1e-200, 1e200])
def test_a_constant_at_zero(q: float) -> None:
    assert vt.gaussian_moments("hardsigmoid", q).second_moment == pytest.approx(0.25 if q < 1 else 0.5, rel=1e-14)


def test_differences_of_parameters_keep_their_digits() -> None:
    """scad's second slope is (a - 1)/(a - 2), its break points lie (a - 2) lambda apart."""
    a, lambd, q = 2.0 + 2.0**-40, 0.7, 1.3
    free = vt.gaussian_moments(vt.family("scad"), q, lambd=lambd, a=a)
    with mpmath.workdps(80):
        exact_a, exact_l, s = mpmath.mpf(a), mpmath.mpf(lambd), mpmath.sqrt(mpmath.mpf(q))
        low, high = 2 * exact_l, exact_a * exact_l

        def mass(x: Any, y: Any) -> Any:
            return (mpmath.erfc(x / s / mpmath.sqrt(2)) - mpmath.erfc(y / s / mpmath.sqrt(2))) / 2

        slope = 2 * (
            mass(exact_l, low) + ((exact_a - 1) / (exact_a - 2)) ** 2 * mass(low, high) + mass(high, mpmath.inf)
        )
    assert error(free.slope_moment, slope) < 1e-14


def test_equal_activations_with_other_limits_do_not_disturb_each_other() -> None:
    family = vt.family("crelu")
    twin = vt.Activation.from_expression(family.expression, family.parameters, name="crelu")
    assert twin == family
    with pytest.raises(vt.errors.DomainError):
        vt.gaussian_moments(twin, 1.0, tau=1.0, m=np.inf)
    unclipped = vt.gaussian_moments("relu_tau", 1.0, tau=1.0)
    assert vt.gaussian_moments(family, 1.0, tau=1.0, m=np.inf).second_moment == unclipped.second_moment


def test_an_edge_of_chaos_that_float64_cannot_tell() -> None:
    edges = vt.edges_of_chaos("squared_relu", [1e-200, 1.0, 1e200])
    assert [vt.SolveStatus(status).word for status in edges.status] == ["out_of_range", "solved", "out_of_range"]
    assert np.isnan(edges.sigma_b2[[0, 2]]).all()
    with pytest.raises(PrecisionError, match="another unit"):
        vt.edge_of_chaos("squared_relu", 1e-200)


def test_a_joint_change_of_unit() -> None:
    """4 phi(x/4) at variance 16 q is phi at q, in another unit."""
    wide = vt.parse_activation("4*Piecewise((0, x < 0), (3*(x/4)**2 - 2*(x/4)**3, x < 4), (1, True))")
    here, there = vt.gaussian_moments(SMOOTHSTEP, 0.3), vt.gaussian_moments(wide, 0.3 * 16)
    assert there.slope_moment == pytest.approx(here.slope_moment, rel=4e-15)
    assert there.second_moment == pytest.approx(16 * here.second_moment, rel=4e-15)
