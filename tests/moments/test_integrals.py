"""Gaussian expectations in closed form: against values known from elsewhere, SymPy and quadrature."""

import os
import subprocess
import sys

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import vmap_theory as vt
from tests.functions import moments_of
from tests.strategies import closed_expressions, hundredths, variances
from vmap_theory.moments import Q, TermSum, expectation, terms_of

X = sp.Symbol("x", real=True)
A, B, E = sp.symbols("a b e", positive=True)


def on_the_line(expression: sp.Expr, order: int = 0) -> sp.Expr:
    """d^order/dq^order E[f(X)] of a function given by one expression."""
    found = expectation([], [known(expression)], order)
    assert found is not None, expression
    return found


def known(expression: sp.Expr) -> TermSum:
    terms = terms_of(sp.sympify(expression))
    assert terms is not None, expression
    return terms


def value(expression: sp.Expr, **at: sp.Expr) -> mpmath.mpf:
    names = {symbol.name: symbol for symbol in expression.free_symbols}
    number = expression.subs({names[name]: v for name, v in at.items() if name in names}).evalf(60)
    real = number.as_real_imag()[0]
    return mpmath.make_mpf(real._mpf_) if real.is_Float else mpmath.mpf(int(real))


def assert_digits(left: mpmath.mpf, right: mpmath.mpf, digits: int = 30, scale: mpmath.mpf | None = None) -> None:
    with mpmath.workdps(60):
        assert abs(left - right) <= mpmath.mpf(10) ** -digits * (abs(right) if scale is None else scale), (left, right)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (sp.exp(A * X), sp.exp(A**2 * Q / 2)),
        (sp.exp(-A * X**2), 1 / sp.sqrt(1 + 2 * A * Q)),
        (sp.cos(A * X), sp.exp(-(A**2) * Q / 2)),
        (sp.sin(A * X), sp.Integer(0)),
        (sp.sin(A * X) ** 2, (1 - sp.exp(-2 * A**2 * Q)) / 2),
        (X * sp.sin(A * X), A * Q * sp.exp(-(A**2) * Q / 2)),
        (X**6, 15 * Q**3),
        (sp.cosh(X) ** 2, (1 + sp.exp(2 * Q)) / 2),
        # Williams (1997), Computing with infinite networks, Neural Computation 10, eq. 11, in our normalisation.
        (sp.erf(X) ** 2, 2 / sp.pi * sp.asin(2 * Q / (1 + 2 * Q))),
        (
            sp.erf(A * X) * sp.erf(B * X),
            2 / sp.pi * sp.asin(2 * A * B * Q / sp.sqrt((1 + 2 * A**2 * Q) * (1 + 2 * B**2 * Q))),
        ),
        (sp.erf(A * X + E), sp.erf(E / sp.sqrt(1 + 2 * A**2 * Q))),
    ],
)
def test_known_values(expression: sp.Expr, expected: sp.Expr) -> None:
    point = {"a": sp.Rational(7, 10), "b": sp.Rational(13, 10), "e": sp.Rational(2, 5), "q": sp.Rational(17, 10)}
    for order in range(3):
        assert_digits(
            value(on_the_line(expression, order), **point),
            value(sp.diff(expected, Q, order), **point),
            40,
            mpmath.mpf(1),
        )


@pytest.mark.parametrize("power", range(6))
def test_stein_recursion_for_a_shifted_error_function(power: int) -> None:
    # E[x g] = q E[g'] with g = x^power erf(a x + e).
    g = X**power * sp.erf(A * X + E)
    left, right = on_the_line(X * g), Q * on_the_line(sp.diff(g, X))
    point = {"a": sp.Rational(9, 10), "e": sp.Rational(-3, 5), "q": sp.Rational(11, 5)}
    assert_digits(value(left, **point), value(right, **point), 45)


@pytest.mark.parametrize("power", range(4))
@pytest.mark.parametrize("shift", [sp.Rational(0), sp.Rational(3, 4), sp.Rational(-2)])
def test_error_functions_against_quadrature(power: int, shift: sp.Rational) -> None:
    found = value(on_the_line(X**power * sp.erf(2 * X / 3 + shift)), q=sp.Rational(8, 5))
    with mpmath.workdps(40):
        root = mpmath.sqrt(mpmath.mpf(8) / 5)

        def integrand(z: mpmath.mpf) -> mpmath.mpf:
            x = z * root
            return x**power * mpmath.erf(2 * x / 3 + mpmath.mpf(int(shift.p)) / int(shift.q)) * mpmath.npdf(z)

        expected = mpmath.quad(integrand, range(-14, 15, 2))
        assert_digits(found, expected, 28, 1 + abs(expected))


@pytest.mark.parametrize("power", range(1, 7))
def test_exponential_integral_recursion(power: int) -> None:
    # One integration by parts: E[x^-(k+2); x > a] = (n(a) q a^-(k+1) - E[x^-k; x > a]) / ((k + 1) q), from the weight.
    def tail(k: int) -> sp.Expr:
        found = expectation([sp.Rational(3, 5)], [terms_of(sp.Integer(0)), terms_of(X**-k)])
        assert found is not None
        return found

    at = sp.Rational(3, 5)
    density = sp.exp(-(at**2) / (2 * Q)) / sp.sqrt(2 * sp.pi * Q)
    right = (density * Q * at ** -(power + 1) - tail(power)) / ((power + 1) * Q)
    assert_digits(value(tail(power + 2), q=sp.Rational(9, 4)), value(right, q=sp.Rational(9, 4)), 40)


@pytest.mark.parametrize("power", range(1, 6))
def test_inverse_powers_against_quadrature(power: int) -> None:
    zero = terms_of(sp.Integer(0))
    found = expectation([sp.Rational(-1), sp.Rational(1, 2)], [terms_of(2 * X**-power), zero, terms_of(X**-power)])
    assert found is not None
    with mpmath.workdps(40):
        right = mpmath.quad(lambda z: z**-power * mpmath.npdf(z), [0.5, 1, 2, 4, 8, 14])
        left = mpmath.quad(lambda z: z**-power * mpmath.npdf(z), [1, 2, 4, 8, 14])
        assert_digits(value(found, q=sp.Integer(1)), right + 2 * (-1) ** power * left, 30)


def test_no_closed_form_is_said() -> None:
    assert expectation([sp.Integer(0)], [known(sp.Integer(0)), known(sp.erf(X))]) is None
    assert expectation([], [known(sp.erf(X + 1) ** 2)]) is None  # Owen's T
    assert expectation([], [known(sp.erf(X) ** 3 * sp.erf(2 * X))]) is None
    assert expectation([sp.Integer(1)], [known(X), known(sp.exp(X) / X)]) is None


MOMENTS = {"second_moment": "second_moment", "d_second_moment": "dV", "d2_second_moment": "d2V"}


def assert_derived(
    act: vt.Activation, pieces: list[tuple[sp.Expr, sp.Expr, sp.Expr]], q: sp.Rational, growth: float
) -> None:
    """The closed forms of an activation against quadrature to 30 digits."""
    formulas = vt.derive(act)
    assert formulas.is_exact
    expected = moments_of(pieces, q, growth=growth)
    for moment, quantity in MOMENTS.items():
        found = value(getattr(formulas, quantity), q=q, sigma_w2=sp.Integer(1))
        # 1e-8 of the largest of what cancels is left of a derivative in q, in these ranges; the other digits count.
        scale = abs(expected[moment]) + expected["second_moment"] / mpmath.mpf(int(q.p)) * int(q.q)
        assert_digits(found, expected[moment], 30, scale)


@settings(max_examples=10)
@given(expression=closed_expressions(), q=st.integers(5, 300).map(lambda n: sp.Rational(n, 100)))
def test_random_members_of_the_exact_class(expression: sp.Expr, q: sp.Rational) -> None:
    assert_derived(vt.Activation.from_expression(expression), [(-sp.oo, sp.oo, expression)], q, 3.0)


@settings(max_examples=12)
@given(
    coefficients=st.lists(hundredths(-2, 2).filter(bool), min_size=2, max_size=2),
    powers=st.lists(st.integers(-4, 2), min_size=2, max_size=2),
    ends=st.lists(hundredths(0, 3).filter(bool), min_size=2, max_size=2),
    q=variances(),
)
def test_random_inverse_powers(
    coefficients: list[sp.Rational], powers: list[int], ends: list[sp.Rational], q: sp.Rational
) -> None:
    left, right = (c * X**k for c, k in zip(coefficients, powers, strict=True))
    pieces = [(-sp.oo, -ends[0], left), (-ends[0], ends[1], X), (ends[1], sp.oo, right)]
    assert_derived(vt.Activation.from_pieces(pieces), pieces, q, 0.0)


@settings(max_examples=12)
@given(
    rates=st.lists(hundredths(-1, 1), min_size=2, max_size=2),
    wave=st.sampled_from([sp.sin, sp.cos]),
    at=hundredths(-2, 2),
    q=st.integers(5, 400).map(lambda n: sp.Rational(n, 100)),
)
def test_random_truncated_exponentials_and_sines(
    rates: list[sp.Rational], wave: type[sp.Function], at: sp.Rational, q: sp.Rational
) -> None:
    pieces = [(-sp.oo, at, X * sp.exp(rates[0] * X)), (at, sp.oo, wave(1 + rates[1] * X))]
    assert_derived(vt.Activation.from_pieces(pieces), pieces, q, 2.0)


def test_equal_expectations_have_equal_forms() -> None:
    assert on_the_line(sp.sin(X) ** 2) == on_the_line((1 - sp.cos(2 * X)) / 2)
    assert on_the_line((X + sp.exp(X)) ** 2) == on_the_line(X**2 + 2 * X * sp.exp(X) + sp.exp(2 * X))
    assert on_the_line(sp.cosh(A * X)) == on_the_line(sp.exp(-A * X))
    assert on_the_line(sp.erf(A * X) ** 2) == on_the_line((1 - sp.erfc(A * X)) ** 2)
    both = expectation([sp.Integer(-1), sp.Integer(1)], [terms_of(X**-2), terms_of(sp.Integer(0)), terms_of(X**-2)])
    one = expectation([sp.Integer(1)], [terms_of(sp.Integer(0)), terms_of(2 * X**-2)])
    assert both == one


SEEDS = """
import sympy as sp
import vmap_theory as vt
for text in ("a*x*exp(-b*x) + sin(c*x)", "erf(a*x)*(x + b)", "Piecewise((0, x < a), (b/x + c*x**2, True))",
             "Piecewise((exp(a*x), x < 0), (cos(b*x) + x*exp(-c*x**2), True))"):
    print(vt.derive(vt.parse_activation(text)).text())
"""


def test_one_form_whatever_the_hash_seed() -> None:
    outputs = set()
    for seed in ("0", "20240607"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", SEEDS], env=environment, capture_output=True, text=True, check=True
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
