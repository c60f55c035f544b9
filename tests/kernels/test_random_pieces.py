"""Random piecewise polynomials, jumps included: kernel and closed form against integrals made in tests/gaussian.py."""

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import vmap_theory as vt
from tests.gaussian import moments_by_recursion
from tests.reference_data import MOMENTS, coefficients_of
from tests.strategies import continuous_piecewise_linear, hundredths, piecewise_polynomials, variances

REFERENCE_ERROR = mpmath.mpf(10) ** -100
"""The references have 120 digits, so where moments cancel to zero they leave about 1e-119."""


def expected_moments(act: vt.Activation, q: sp.Rational) -> dict[str, mpmath.mpf]:
    with mpmath.workdps(120):
        exact = moments_by_recursion(coefficients_of(act), mpmath.mpf(int(q.p)) / int(q.q), dps=120)
        if act.jumps:
            exact["slope_moment"] = mpmath.inf
        return exact


@given(act=piecewise_polynomials(), q=variances())
def test_kernel_stays_within_its_error_bound(act: vt.Activation, q: sp.Rational) -> None:
    as_float = float(q)
    expected = expected_moments(act, sp.Rational(as_float))
    result = vt.gaussian_moments(act, as_float, bounds=True)
    for name in MOMENTS:
        with mpmath.workdps(60):
            computed = mpmath.mpf(float(getattr(result, name)))
            if mpmath.isinf(expected[name]):
                assert mpmath.isinf(computed)
                continue
            assert abs(computed - expected[name]) <= float(getattr(result, f"{name}_error")) + REFERENCE_ERROR, name


@settings(max_examples=25)
@given(act=piecewise_polynomials(), q=variances())
def test_closed_form_agrees_to_thirty_digits(act: vt.Activation, q: sp.Rational) -> None:
    expected = expected_moments(act, q)
    formulas = vt.derive(act)
    pairs = {
        "second_moment": formulas.second_moment,
        "d_second_moment": formulas.dV,
        "d2_second_moment": formulas.d2V,
        "slope_moment": formulas.slope_moment,
        "sparsity": formulas.sparsity,
    }
    point = {formulas.symbols["q"]: q, formulas.symbols["sigma_w2"]: sp.Integer(1)}
    for name, expression in pairs.items():
        # 60 digits leave 30 for the cancellation between tail terms.
        computed = expression.xreplace(point).evalf(60)
        with mpmath.workdps(60):
            if mpmath.isinf(expected[name]):
                assert computed == sp.oo
                continue
            scale = 1 + abs(expected[name])
            assert abs(mpmath.mpf(computed._mpf_ if computed.is_Float else int(computed)) - expected[name]) < (
                scale * mpmath.mpf(10) ** -30
            ), name


@settings(max_examples=8)
@given(act=piecewise_polynomials(), q=variances())
def test_verification_accepts_what_is_right(act: vt.Activation, q: sp.Rational) -> None:
    report = vt.verify(act, 30, points=1, seed=int(q.p))
    assert report.passed, report.summary()


@given(
    c=hundredths(1, 3),
    tau=hundredths(0, 3),
    m=hundredths(1, 3),
    q=variances(),
    family=st.sampled_from(["crelu", "cst"]),
)
def test_scaling_input_threshold_and_level_together(
    c: sp.Rational, tau: sp.Rational, m: sp.Rational, q: sp.Rational, family: str
) -> None:
    # phi_{c tau, c m}(c x) = c phi_{tau, m}(x), so E[phi^2] at c^2 q grows by c^2, E[phi'^2] not at all.
    small = vt.gaussian_moments(vt.activation(family, tau=tau, m=m), float(q), bounds=True)
    large = vt.gaussian_moments(vt.activation(family, tau=c * tau, m=c * m), float(q) * float(c) ** 2, bounds=True)
    # Only rounding differs, of 1e-16 in a/sqrt(q) <= 3/0.22; its square stands in the exponent.
    close = {"rel": 1e-12, "abs": 1e-290}
    assert float(large.second_moment) == pytest.approx(float(c) ** 2 * float(small.second_moment), **close)
    assert float(large.d_second_moment) == pytest.approx(float(small.d_second_moment), **close)
    assert float(large.slope_moment) == pytest.approx(float(small.slope_moment), **close)
    assert float(large.sparsity) == pytest.approx(float(small.sparsity), **close)
    exact = vt.activation(family, tau=c * tau, m=c * m)
    assert float(exact(float(c))) == pytest.approx(
        float(c) * float(vt.activation(family, tau=tau, m=m)(1.0)), rel=1e-12, abs=1e-15
    )


@given(act=continuous_piecewise_linear(), q=variances())
def test_continuous_functions_have_a_finite_slope_moment(act: vt.Activation, q: sp.Rational) -> None:
    assert act.jumps == ()
    result = vt.gaussian_moments(act, float(q), bounds=True)
    assert 0 <= float(result.slope_moment) < float("inf")
    assert 0 <= float(result.sparsity) <= 1 + 1e-15


@pytest.mark.parametrize("degree", [4, 5, 6, 9, 12, 16])
@pytest.mark.parametrize("q", [0.1, 1.0, 30.0])
def test_high_degrees_stay_within_their_error_bound(degree: int, q: float) -> None:
    # From a threshold on, since a polynomial on a whole half line needs no quadrature; 16 is the highest degree.
    act = vt.parse_activation(f"Piecewise((0, x < 1), ((x - 1)**{degree}, True))")
    expected = expected_moments(act, sp.Rational(q))
    result = vt.gaussian_moments(act, q, bounds=True)
    for name in MOMENTS:
        with mpmath.workdps(60):
            true_error = abs(mpmath.mpf(float(getattr(result, name))) - expected[name])
            assert true_error <= float(getattr(result, f"{name}_error")), name
            assert true_error <= 1e-12 * abs(expected[name]) or name == "d2_second_moment", name
