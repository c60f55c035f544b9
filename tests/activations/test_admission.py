"""What no Gaussian integral can serve is refused with what, where and what to do; the rest never lacks a bound."""

import time

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.errors import ExpressionError, PiecesError

REFUSED: dict[str, tuple[type[Exception], str]] = {
    "exp(x**2)": (ExpressionError, r"exp\(x\*\*2\) grows like exp\(c x\^2\).*clip"),
    "exp(x**2/100)": (ExpressionError, "infinite for large variances.*clip"),
    "x*exp(x**2/4)": (ExpressionError, "infinite for large variances.*clip"),
    "exp(x**3)": (ExpressionError, "infinite for large variances.*clip"),
    "exp(exp(x))": (ExpressionError, "infinite for large variances.*clip"),
    "1/x": (ExpressionError, r"pole at x = 0\.0.*Piecewise"),
    "1/(x - 1)": (ExpressionError, r"pole at x = 1\.0.*Piecewise"),
    "1/(x**2 - 2)": (ExpressionError, r"pole at x = -1\.41421.*Piecewise"),
    "1/(1 - exp(x))": (ExpressionError, r"pole at x = 0"),
    "exp(1/x)": (ExpressionError, r"pole at x = 0"),
    "Abs(x)**(-1/2)": (ExpressionError, r"pole at x = 0\.0.*Piecewise"),
    "tan(x)": (ExpressionError, "poles"),
    "log(x)": (ExpressionError, r"log\(x\) is not real"),
    "sqrt(x)": (ExpressionError, r"sqrt\(x\) is not real"),
    "sqrt(1 - x**2)": (ExpressionError, "not real"),
    "asin(x)": (ExpressionError, r"no finite real value at x = 1\.7"),
    "acos(2*x)": (ExpressionError, "no finite real value"),
    "x**x": (ExpressionError, "not real"),
    "log(-2)*x": (ExpressionError, "not a finite real number"),
    "(-8)**(1/3)*x": (ExpressionError, "not a finite real number"),
    "floor(x)": (PiecesError, "infinitely many steps.*clip"),
    "ceiling(x**2)": (PiecesError, "infinitely many steps.*clip"),
    "sign(sin(x))": (PiecesError, "zeros of sin.*Piecewise"),
    "Max(sin(x), 0)": (PiecesError, "zeros of sin.*Piecewise"),
    "Piecewise((0, x < 0), (x, x > 1/2))": (PiecesError, r"gap.*\(0, 1/2\)"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_with_cause_place_and_remedy(text: str) -> None:
    error, remark = REFUSED[text]
    begin = time.process_time()
    with pytest.raises(error, match=remark):
        vt.parse_activation(text)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("text", ["sin(1/x)", "cos(1/x)", "1/sin(x)"])
def test_unbounded_oscillation_and_countless_poles_give_no_number(text: str) -> None:
    with pytest.raises(vt.VmapTheoryError):
        vt.gaussian_moments(vt.parse_activation(text), 1.0, bounds=True)


@pytest.mark.parametrize(
    "expression", [sp.I * sp.Symbol("x"), sp.exp(sp.I * sp.Symbol("x")), sp.sqrt(-2) + sp.Symbol("x")]
)
def test_complex_expressions(expression: sp.Expr) -> None:
    with pytest.raises(ExpressionError):
        vt.Activation.from_expression(expression)


ADMITTED = {
    "exp(-1/x**2)": False,
    "x/(exp(x) - 1)": False,
    "sin(x)/x": False,
    "atan(1/x)": True,  # a jump at 0
    "sin(log(Abs(x)))": True,
    "log(Abs(x))": True,
    "Abs(x)**(-1/4)": True,
    "Piecewise((1/x, Abs(x) > 1), (x, True))": False,
    "asin(tanh(x))": False,
    "acos(Max(Min(x, 1), -1))": True,  # as steep as a root at 1
    "Piecewise((sqrt(1 - x**2), Abs(x) < 1), (0, True))": True,
    "sqrt(1 + x**2)": False,
    "exp(Abs(x))": False,
    "exp(Abs(x)**(3/2)/4)": False,
}


@pytest.mark.parametrize("text", ADMITTED)
def test_what_can_be_served_is(text: str) -> None:
    act = vt.parse_activation(text)
    assert act.slope_is_infinite == ADMITTED[text]
    result = vt.gaussian_moments(act, 1.0, bounds=True)
    assert np.isfinite(result.second_moment)
    assert result.second_moment_error <= 1e-9 * result.second_moment
    assert np.isinf(result.slope_moment) == ADMITTED[text]
    z = np.random.default_rng(5).standard_normal(400_000)
    squares = act(z) ** 2
    assert abs(squares.mean() - result.second_moment) < 5 * squares.std() / np.sqrt(z.size)
