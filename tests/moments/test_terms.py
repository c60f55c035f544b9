"""The algebra of terms against SymPy's own."""

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import closed_expressions
from vmap_theory.moments import Term, TermSum, terms_of

X = sp.Symbol("x", real=True)
A = sp.Symbol("a", positive=True)


def written(terms: TermSum) -> sp.Expr:
    """The sum of terms as an ordinary expression."""
    total = sp.Integer(0)
    for term, coefficient in terms:
        factor = X**term.power * sp.exp(term.linear * X - term.quadratic * X**2)
        for scale, shift in term.erfs:
            factor *= sp.erf(scale * X + shift)
        total += coefficient * factor
    return total


def known(expression: sp.Expr) -> TermSum:
    terms = terms_of(expression)
    assert terms is not None, expression
    return terms


def assert_same(left: sp.Expr, right: sp.Expr) -> None:
    """Equality by value, at points that no formula singles out; oscillating terms are conjugate pairs."""
    for at in (sp.Rational(-13, 7), sp.Rational(3, 11), sp.Rational(17, 9)):
        first, second = (side.subs({X: at, A: sp.Rational(5, 7)}).evalf(40) for side in (left, right))
        assert abs(first - second) <= 1e-30 * (1 + abs(second)), (left, right, at)


@given(expression=closed_expressions())
def test_terms_are_the_expression(expression: sp.Expr) -> None:
    assert_same(written(known(expression)), expression)


@given(expression=closed_expressions(), order=st.integers(1, 4))
def test_derivatives_are_those_of_sympy(expression: sp.Expr, order: int) -> None:
    assert_same(written(known(expression).derivative(order)), sp.diff(expression, X, order))


@given(left=closed_expressions(), right=closed_expressions())
def test_sums_differences_and_products(left: sp.Expr, right: sp.Expr) -> None:
    first, second = known(left), known(right)
    assert_same(written(first + second), left + right)
    assert_same(written(first - second), left - right)
    assert_same(written(first * second), left * right)
    assert first * second == second * first


@pytest.mark.parametrize(
    "expression",
    [
        sp.erf(A * X + 1) * sp.erf(2 * X),
        X**-3 * (1 + X**2),
        X * sp.erfc(X / 2),
        sp.sinh(A * X) * sp.exp(-(X**2)),
        (sp.cosh(X) + A) ** 3,
        X**2 * sp.exp(-A * X**2 + X + 1),
    ],
)
@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_chosen_terms(expression: sp.Expr, order: int) -> None:
    assert_same(written(known(expression).derivative(order)), sp.diff(expression, X, order))


def test_equal_terms_are_one_and_zero_terms_none() -> None:
    assert len(known(X * sp.exp(X) + 2 * X * sp.exp(X))) == 1
    assert len(known(sp.exp(X)) - known(sp.exp(X))) == 0
    assert len(known(sp.sin(X)) * known(sp.sin(X)) + known(sp.cos(X)) * known(sp.cos(X))) == 1
    one = Term(erfs=((sp.Integer(1), sp.Integer(0)),)).times(Term(erfs=((sp.Integer(2), sp.Integer(0)),)))
    other = Term(erfs=((sp.Integer(2), sp.Integer(0)),)).times(Term(erfs=((sp.Integer(1), sp.Integer(0)),)))
    assert one == other


@pytest.mark.parametrize(
    "expression",
    [sp.tanh(X), sp.exp(X**3), sp.exp(X**2), sp.sin(X**2), sp.erf(X**2), sp.log(X), 1 / (1 + X), sp.sqrt(X), X**A],
)
def test_what_is_no_sum_of_terms(expression: sp.Expr) -> None:
    assert terms_of(expression) is None


def test_sums_that_would_be_too_long_are_left() -> None:
    terms = sum((sp.exp(2**k * X) for k in range(12)), sp.Integer(0))
    assert terms_of(terms) is not None
    assert terms_of(terms**12) is None
