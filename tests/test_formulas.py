"""Closed forms: values known from elsewhere, exact relations, and one form for every hash seed."""

import dataclasses
import os
import re
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from tests.gaussian import moments_by_quadrature
from tests.reference_data import MOMENTS, activation_of, cases_of, coefficients_of
from vmap_theory.formulas import QUANTITIES

Q = sp.Symbol("q", positive=True)
W = sp.Symbol("sigma_w2", positive=True)
B = sp.Symbol("sigma_b2", nonnegative=True)

WITHOUT_CLOSED_FORM = {
    *("arctan", "bent_identity", "gelu_tanh", "half_threshold", "isru", "lisht", "logsigmoid", "mish", "sigmoid"),
    *("silu", "softplus", "softsign", "swish", "tanh", "tanhshrink"),
}
EXACT = sorted(set(vt.family_names()) - WITHOUT_CLOSED_FORM)
POLYNOMIAL = [
    *("abrelu", "abs", "asymmetric_dead_zone", "crelu", "cst", "firm", "hard_threshold", "hardshrink", "hardsigmoid"),
    *("hardswish", "hardtanh", "jumprelu", "leaky_relu", "linear", "monomial", "rectified_monomial", "relu", "relu6"),
    *(
        "relu_tau",
        "scad",
        "sign",
        "soft_threshold",
        "softshrink",
        "squared_relu",
        "staircase",
        "threshold",
        "trapezoid",
    ),
]


def symbolic(name: str) -> vt.Activation:
    """The family with every parameter symbolic but those that its pieces depend on as a whole."""
    family = vt.family(name)
    return family.bind(**{p.name: 3 for p in family.parameters if p.integer})


def at_random_points(expression: sp.Expr, rng: np.random.Generator, count: int = 4, digits: int = 40) -> list[sp.Float]:
    """Values at random exact points of all free symbols."""
    values = []
    for _ in range(count):
        point = {s: sp.Rational(int(rng.integers(20, 200)), 100) for s in sorted(expression.free_symbols, key=str)}
        values.append(expression.xreplace(point).evalf(digits))
    return values


def assert_equal(left: sp.Expr, right: sp.Expr, rng: np.random.Generator) -> None:
    """Equality of two expressions: at random points to 35 of 60 digits, since simplify may not see it."""
    for value in at_random_points(sp.sympify(left - right), rng, digits=60):
        assert abs(value) < 1e-35, (left, right)


def test_relu_and_linear() -> None:
    relu, linear = vt.derive(vt.activation("relu")), vt.derive(vt.activation("linear"))
    assert (relu.V, relu.dV, relu.d2V, relu.chi_1, relu.sparsity) == (W * Q / 2 + B, W / 2, 0, W / 2, sp.Rational(1, 2))
    assert (linear.V, linear.dV, linear.d2V, linear.chi_1, linear.sparsity) == (W * Q + B, W, 0, W, 0)


def test_leaky_relu() -> None:
    f = vt.derive(vt.family("leaky_relu"))
    slope = f.symbols["negative_slope"]
    assert sp.expand(f.second_moment - Q * (1 + slope**2) / 2) == 0
    assert sp.expand(f.slope_moment - (1 + slope**2) / 2) == 0


def test_hard_tanh_slope_moment_is_the_mass_between_its_bounds() -> None:
    # Printed value p = 0.682689: the mass of N(0, 1) within one standard deviation.
    f = vt.derive(vt.activation("hardtanh"))
    p = f.slope_moment.subs(Q, 1).evalf(30)
    assert abs(p - sp.Float("0.682689492137085897170465091264", 30)) < 1e-28


def crelu_terms() -> tuple[sp.Expr, ...]:
    tau, m = sp.symbols("tau", nonnegative=True), sp.symbols("m", positive=True)
    a, b, c = tau / sp.sqrt(Q), (tau + m) / sp.sqrt(Q), m / sp.sqrt(Q)
    return a, b, c, m


def pdf(z: sp.Expr) -> sp.Expr:
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def upper(z: sp.Expr) -> sp.Expr:
    return sp.erfc(z / sp.sqrt(2)) / 2


def test_clipped_relu_against_the_published_forms(rng: np.random.Generator) -> None:
    # Price et al. (2024) in the notation a = tau/sqrt(q), b = (tau + m)/sqrt(q), c = m/sqrt(q).
    f = vt.derive(vt.activation("crelu"))
    a, b, c, m = crelu_terms()
    assert_equal(f.slope_moment, upper(a) - upper(b), rng)
    assert_equal(f.sparsity, 1 - upper(a), rng)
    assert_equal(f.dV, W * (upper(a) - upper(b) - c * pdf(b)), rng)
    assert_equal(f.d2V, W / (2 * Q) * (a * (pdf(a) - pdf(b)) - c * b**2 * pdf(b)), rng)
    second = Q * ((1 + a**2) * (upper(a) - upper(b)) + a * pdf(a) - b * pdf(b) - 2 * a * (pdf(a) - pdf(b)))
    assert_equal(f.second_moment, second + m**2 * upper(b), rng)


def test_unclipped_relu_tau(rng: np.random.Generator) -> None:
    f = vt.derive(vt.activation("relu_tau"))
    a = crelu_terms()[0]
    assert_equal(f.second_moment, Q * ((1 + a**2) * upper(a) - a * pdf(a)), rng)
    assert_equal(f.dV - f.chi_1, sp.Integer(0), rng)  # the slope is chi_1: an edge of chaos has V' = 1
    assert_equal(f.d2V, W / (2 * Q) * a * pdf(a), rng)


@pytest.mark.parametrize("pair", [("soft_threshold", "relu_tau"), ("cst", "crelu")])
def test_symmetric_families_are_twice_the_one_sided_ones(pair: tuple[str, str], rng: np.random.Generator) -> None:
    both, one = (vt.derive(vt.activation(name)) for name in pair)
    for name in ("second_moment", "slope_moment"):
        assert_equal(getattr(both, name), 2 * getattr(one, name), rng)
    for name in ("dV", "d2V", "chi_1"):
        assert_equal(getattr(both, name), 2 * getattr(one, name), rng)
    # P(phi = 0): s for the symmetric family is (1 + s)/2 for the one-sided one.
    assert_equal((1 + both.sparsity) / 2, one.sparsity, rng)


@pytest.mark.parametrize("name", EXACT)
def test_derivatives_are_derivatives(name: str, rng: np.random.Generator) -> None:
    # SymPy's diff of V knows nothing of kink terms, and needs none, for V is smooth in q.
    f = vt.derive(symbolic(name))
    assert_equal(f.dV, sp.diff(f.V, Q), rng)
    assert_equal(f.d2V, sp.diff(f.dV, Q), rng)


@pytest.mark.parametrize("name", EXACT)
def test_composed_quantities(name: str, rng: np.random.Generator) -> None:
    f = vt.derive(symbolic(name))
    assert_equal(f.V, W * f.second_moment + B, rng)
    if f.slope_moment == sp.oo:
        assert f.chi_1 == sp.oo
    else:
        assert_equal(f.chi_1, W * f.slope_moment, rng)


@pytest.mark.parametrize("name", EXACT)
def test_closed_forms_are_closed(name: str) -> None:
    f = vt.derive(symbolic(name))
    assert f.is_exact is True
    names = {"q", "sigma_w2", "sigma_b2"} | {p.name for p in f.activation.free_parameters}
    for quantity in QUANTITIES:
        expression = getattr(f, quantity)
        assert not expression.has(sp.Integral, sp.Piecewise, sp.Heaviside, sp.DiracDelta, sp.nan), quantity
        assert {s.name for s in expression.free_symbols} <= names
    assert set(f.symbols) == names


@pytest.mark.parametrize("name", ["relu_tau", "crelu", "soft_threshold", "cst", "hard_threshold", "relu6", "hardtanh"])
def test_tails_are_written_with_erfc_of_positive_arguments(name: str) -> None:
    f = vt.derive(vt.activation(name))
    arguments = [e.args[0] for e in f.second_moment.atoms(sp.erfc)]
    assert arguments
    assert all(argument.is_nonnegative for argument in arguments)


@pytest.mark.parametrize("name", POLYNOMIAL)
def test_closed_forms_against_quadrature(name: str, rng: np.random.Generator) -> None:
    family = vt.family(name)
    act = family.bind(**{p.name: p.draw(rng) for p in family.parameters})
    q = sp.Rational(int(rng.integers(10, 400)), 100)
    computed = computed_moments(act, q)
    with mpmath.workdps(70):
        expected = moments_by_quadrature(coefficients_of(act), mpmath.mpf(int(q.p)) / int(q.q), digits=50)
        for moment, value in computed.items():
            if moment == "slope_moment" and act.jumps:
                assert mpmath.isinf(value)
                continue
            assert abs(value - expected[moment]) < mpmath.mpf(10) ** -48 * (1 + abs(expected[moment])), moment


@pytest.mark.parametrize("name", EXACT)
def test_closed_forms_against_the_data(name: str) -> None:
    # The second derivative of a file's case is known to 50 digits of its terms or 20 below them.
    for case in cases_of(name)[1::5][:3]:
        computed = computed_moments(activation_of(name, case), sp.Rational(case["q"]))
        with mpmath.workdps(70):
            for moment, value in computed.items():
                expected = mpmath.mpf(case[moment].lstrip("+"))
                terms = {"d_second_moment": "d_size_of_terms", "d2_second_moment": "d2_size_of_terms"}.get(
                    moment, moment
                )
                size = mpmath.mpf(case.get(terms, case[moment]).lstrip("+"))
                same = value == expected  # zero or infinite
                assert same or abs(value - expected) <= mpmath.mpf(10) ** -48 * (abs(size) + abs(expected)), (
                    moment,
                    case,
                )


def computed_moments(act: vt.Activation, q: sp.Rational) -> dict[str, mpmath.mpf]:
    """The closed forms of the five moments to 70 digits."""
    f = vt.derive(act)
    values = {}
    for moment, formula in zip(MOMENTS, (f.second_moment, f.dV, f.d2V, f.slope_moment, f.sparsity), strict=True):
        value = formula.xreplace({Q: q, W: sp.Integer(1)}).evalf(70, maxn=2000)
        if value.is_Rational:
            values[moment] = mpmath.mpf(int(value.p)) / int(value.q)
        else:
            values[moment] = mpmath.inf if value == sp.oo else mpmath.make_mpf(value._mpf_)
    return values


@pytest.mark.parametrize("name", [n for n in EXACT if symbolic(n).free_parameters])
def test_numbers_may_come_before_or_after(name: str, rng: np.random.Generator) -> None:
    family = symbolic(name)
    values = {p.name: p.draw(rng) for p in family.free_parameters}
    late, early = vt.derive(family), vt.derive(family.bind(**values))
    substitution = {p.symbol: values[p.name] for p in family.free_parameters}
    for quantity in QUANTITIES:
        if getattr(early, quantity) == sp.oo:
            assert getattr(late, quantity) == sp.oo
        else:
            assert_equal(getattr(late, quantity).xreplace(substitution), getattr(early, quantity), rng)


@pytest.mark.parametrize("name", sorted(WITHOUT_CLOSED_FORM))
def test_where_no_closed_form_is_known_integrals_are_left(name: str) -> None:
    f = vt.derive(vt.family(name))
    assert f.is_exact is False
    assert f.second_moment.has(sp.Integral)
    assert f.dV.has(sp.Integral)
    assert not f.sparsity.has(sp.Integral)
    assert W * f.second_moment + B == f.V


def test_a_jump_makes_the_slope_moment_infinite() -> None:
    f = vt.derive(vt.activation("hard_threshold", tau=1))
    assert f.slope_moment == sp.oo
    assert f.chi_1 == sp.oo
    assert f.second_moment.is_finite is not False


DIGESTS = """
import vmap_theory as vt
for name in vt.family_names():
    family = vt.family(name)
    print(vt.derive(family.bind(**{p.name: 3 for p in family.parameters if p.integer})).digest, end=" ")
print()
print(vt.derive(vt.parse_activation("Piecewise((a*x, x < 0), (b*x**2 + x, x < m), (x - c, True))")).digest)
print(vt.derive(vt.activation("cst")).text())
print(vt.derive(vt.activation("cst")).latex())
"""


def test_one_form_whatever_the_hash_seed() -> None:
    outputs = set()
    for seed in ("0", "12345"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", DIGESTS], env=environment, capture_output=True, text=True, check=True
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop().split("\n")[0].split()) == len(vt.family_names())


def test_digests_tell_formulas_apart() -> None:
    # Some families have the same maps (abs and linear) or differ in the names of parameters alone.
    names = ["relu", "linear", "leaky_relu", "crelu", "cst", "elu", "sin", "cos", "erf", "gelu", "tanh", "sigmoid"]
    digests = {vt.derive(vt.family(name)).digest for name in names}
    assert len(digests) == len(names)
    assert all(len(digest) == 64 for digest in digests)


def test_equal_functions_written_differently_have_equal_forms() -> None:
    text = "Max(x - tau, 0) - Max(x - tau - m, 0)"
    assert (
        vt.derive(vt.parse_activation(text, tau=1, m=2)).digest == vt.derive(vt.activation("crelu", tau=1, m=2)).digest
    )


def test_text_and_latex() -> None:
    f = vt.derive(vt.activation("crelu", tau=0.1, m=1))
    lines = f.text().splitlines()
    assert len(lines) == len(QUANTITIES)
    assert re.search(r"\d{19}", f.text()) is None, "the exact fraction of a float is shown as a decimal"
    assert "erfc(0.05*sqrt(2)/sqrt(q))" in f.text()
    assert f.latex("dV").startswith("V'(q) = ")
    assert r"\operatorname{erfc}" in f.latex("V")
    assert r"\sigma_w^2" in f.latex("V")
    assert f.latex().count("&=") == len(QUANTITIES)
    with pytest.raises(LookupError, match="quantity"):
        f.latex("d3V")
    for quantity in QUANTITIES:
        latex = f.latex(quantity)
        assert latex.count("{") == latex.count("}")


@pytest.mark.parametrize(
    ("text", "slope_moment"),
    [
        # Integrated at 50 digits from the break point on.
        ("Max(x**5 - x - 1, 0)", "1296.128264"),
        ("Piecewise((0, x < sqrt(3 - 2*sqrt(2))), (x - sqrt(2) + 1, True))", "0.339358855"),
    ],
)
def test_breaks_at_algebraic_numbers_are_no_jumps(text: str, slope_moment: str) -> None:
    act = vt.parse_activation(text)
    assert act.jumps == ()
    f = vt.derive(act)
    assert float(f.slope_moment.subs({f.symbols["q"]: 1})) == pytest.approx(float(slope_moment), rel=1e-8)
    assert vt.verify(act, 20, points=1).passed


def test_equal_points_written_differently_are_one() -> None:
    act = vt.parse_activation("Max(x - 1/(1 + sqrt(2)), 0) - Max(x - (sqrt(2) - 1), 0)")
    assert vt.derive(act).sparsity == 1


def test_mirrored_break_points_with_unequal_factors() -> None:
    # phi = x^2 below -1, 3 x above 1: by symmetry E[phi^2] = E[x^4; x > 1] + 9 E[x^2; x > 1].
    f = vt.derive(vt.parse_activation("Piecewise((x**2, x < -1), (0, x < 1), (3*x, True))"))
    with mpmath.workdps(30):
        n = lambda x: mpmath.npdf(x)  # noqa: E731
        expected = mpmath.quad(lambda x: (x**4 + 9 * x**2) * n(x), [1, 3, 8, 15])
        found = mpmath.mpf(str(f.second_moment.subs({f.symbols["q"]: 1}).evalf(25)))
        assert abs(found / expected - 1) < mpmath.mpf(10) ** -20


def test_digest_covers_every_quantity_and_no_assumptions() -> None:
    f = vt.derive(vt.family("crelu"))
    assert f.digest == vt.derive(vt.parse_activation("Min(Max(x - tau, 0), m)")).digest
    for quantity in ("second_moment", "slope_moment", "sparsity", "V", "dV", "d2V", "chi_1"):
        assert dataclasses.replace(f, **{quantity: sp.Integer(7)}).digest != f.digest
