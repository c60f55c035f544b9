"""The high-precision reference against formulas typed here: it judges the rest, so it is judged first."""

import mpmath
import pytest
import sympy as sp

import vmap_theory as vt
from tests.gaussian import moments_by_recursion
from tests.reference_data import MOMENTS, activation_of, cases_of, coefficients_of
from vmap_theory.errors import SymbolicParameterError
from vmap_theory.reference import ReferenceValue, reference_moments


def as_mpf(value: ReferenceValue) -> mpmath.mpf:
    return mpmath.make_mpf(value.value._mpf_)


def assert_digits(computed: ReferenceValue, expected: mpmath.mpf, digits: int) -> None:
    assert abs(as_mpf(computed) - expected) <= mpmath.mpf(10) ** -digits * abs(expected)


@pytest.mark.parametrize("digits", [15, 50, 120])
@pytest.mark.parametrize(
    ("tau", "m", "q"), [("0", "3", "1"), ("1.5", "0.25", "0.7"), ("12", "0.001", "2"), ("3", "40", "9")]
)
def test_clipped_relu_against_the_erfc_formula(digits: int, tau: str, m: str, q: str) -> None:
    found = reference_moments(vt.activation("crelu", tau=sp.Rational(tau), m=sp.Rational(m)), sp.Rational(q), digits)
    # Price et al. (2024) with Q(z) = erfc(z / sqrt 2)/2, at many more digits than cancel.
    with mpmath.workdps(digits + 250):
        t, level, variance = mpmath.mpf(tau), mpmath.mpf(m), mpmath.mpf(q)
        a, b = t / mpmath.sqrt(variance), (t + level) / mpmath.sqrt(variance)
        c, pdf = level / mpmath.sqrt(variance), mpmath.npdf

        def tail(z: mpmath.mpf) -> mpmath.mpf:
            return mpmath.erfc(z / mpmath.sqrt(2)) / 2

        inside = tail(a) - tail(b)
        second = variance * ((1 + a * a) * inside - a * pdf(a) - b * pdf(b) + 2 * a * pdf(b)) + level**2 * tail(b)
        assert_digits(found["second_moment"], second, digits)
        assert_digits(found["slope_moment"], inside, digits)
        assert_digits(found["sparsity"], 1 - tail(a), digits)
        assert_digits(found["d_second_moment"], inside - c * pdf(b), digits)
        curvature = (a * (pdf(a) - pdf(b)) - c * b * b * pdf(b)) / (2 * variance)
        # Relative to the scale where terms cancel, as the report of `verify` is.
        yardstick = mpmath.make_mpf(found["d2_second_moment"].scale._mpf_)
        assert abs(as_mpf(found["d2_second_moment"]) - curvature) <= mpmath.mpf(10) ** -digits * yardstick


@pytest.mark.parametrize("name", vt.family_names())
def test_every_family_against_the_data(name: str) -> None:
    case = cases_of(name)[2]
    found = reference_moments(activation_of(name, case), sp.Rational(case["q"]), 40)
    with mpmath.workdps(60):
        for moment in MOMENTS:
            expected = mpmath.mpf(case[moment].lstrip("+"))
            if mpmath.isinf(expected):
                assert mpmath.isinf(as_mpf(found[moment]))
                continue
            yardstick = mpmath.make_mpf(found[moment].scale._mpf_)
            assert abs(as_mpf(found[moment]) - expected) <= mpmath.mpf(10) ** -38 * (yardstick + abs(expected))


@pytest.mark.parametrize("power", range(1, 9))
def test_powers_against_double_factorials(power: int) -> None:
    found = reference_moments(vt.parse_activation(f"x**{power}"), sp.Rational(7, 3), 40)
    with mpmath.workdps(80):
        q = mpmath.mpf(7) / 3
        moment = mpmath.fac2(2 * power - 1)
        assert_digits(found["second_moment"], moment * q**power, 40)
        assert_digits(found["d_second_moment"], power * moment * q ** (power - 1), 40)
        slope = power**2 * mpmath.fac2(2 * power - 3) * q ** (power - 1)
        assert_digits(found["slope_moment"], slope, 40)
        assert as_mpf(found["sparsity"]) == 0


def test_highest_degree() -> None:
    found = reference_moments(vt.parse_activation("x**16"), sp.Integer(1), 30)
    with mpmath.workdps(60):
        assert_digits(found["second_moment"], mpmath.fac2(31), 30)


def test_hard_threshold() -> None:
    found = reference_moments(vt.activation("hard_threshold", tau=2), sp.Integer(1), 50)
    assert mpmath.isinf(as_mpf(found["slope_moment"]))
    with mpmath.workdps(100):
        # E[x^2; |x| > 2] = 2 (Q(2) + 2 pdf(2)).
        assert_digits(found["second_moment"], mpmath.erfc(mpmath.sqrt(2)) + 4 * mpmath.npdf(2), 50)
        assert_digits(found["sparsity"], mpmath.erf(mpmath.sqrt(2)), 50)


def at_the_end_of_the_typical_ranges(name: str) -> vt.Activation:
    family = vt.family(name)
    return family.bind(**{p.name: sp.Rational(str(p.typical[1])) for p in family.parameters})


POLYNOMIAL = [name for name in vt.family_names() if at_the_end_of_the_typical_ranges(name).is_polynomial]


@pytest.mark.parametrize("name", sorted(set(POLYNOMIAL) - {"cel0", "hermite"}))  # which have irrational numbers
def test_families_against_truncated_moments(name: str) -> None:
    act = at_the_end_of_the_typical_ranges(name)
    found = reference_moments(act, sp.Rational(1, 5), 60)
    with mpmath.workdps(200):
        expected = moments_by_recursion(coefficients_of(act), mpmath.mpf(1) / 5)
        for moment in MOMENTS:
            if not (act.jumps and moment == "slope_moment"):
                yardstick = mpmath.make_mpf(found[moment].yardstick._mpf_)
                assert abs(as_mpf(found[moment]) - expected[moment]) <= mpmath.mpf(10) ** -60 * yardstick


def test_yardstick_of_a_zero_by_cancellation_is_the_scale() -> None:
    value = reference_moments(vt.activation("relu"), sp.Integer(1), 30)["d2_second_moment"]
    assert value.yardstick == value.scale > 0
    plain = reference_moments(vt.activation("relu"), sp.Integer(1), 30)["second_moment"]
    assert plain.yardstick == plain.value


def test_symbolic_parameters_are_refused() -> None:
    with pytest.raises(SymbolicParameterError, match="tau"):
        reference_moments(vt.activation("crelu", m=1), sp.Integer(1))


def test_global_precision_is_left_alone() -> None:
    before = mpmath.mp.dps
    reference_moments(vt.activation("relu6"), sp.Integer(1), 100)
    vt.verify(vt.activation("relu6"), 100, points=1)
    assert mpmath.mp.dps == before
