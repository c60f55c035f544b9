"""Text to activation: what is read, and that it is read as Python would."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

import vmap_theory as vt
from vmap_theory.errors import ExpressionError, PiecesError, UnknownNameError
from vmap_theory.parsing import parse_expression

NAMESPACE = {"__builtins__": {}, "Max": max, "Min": min, "Abs": abs}


def numbers() -> st.SearchStrategy[str]:
    return st.integers(0, 400).map(lambda n: repr(n / 100))


def polynomials() -> st.SearchStrategy[str]:
    """Texts that Python itself can evaluate in x: sums, products and powers, and Max, Min, Abs of them."""
    leaves = st.one_of(numbers(), st.just("x"))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(numbers(), inner).map(lambda t: f"{t[0]}*{t[1]}"),
            st.tuples(inner, numbers().filter(lambda n: float(n) != 0)).map(lambda t: f"({t[0]}) / {t[1]}"),
            inner.map(lambda t: f"-{t}"),
            inner.map(lambda t: f"Abs({t})"),
            st.tuples(st.sampled_from(["Max", "Min"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        ),
        max_leaves=5,
    )


@given(text=polynomials(), at=st.lists(st.integers(-300, 300).map(lambda n: n / 64), min_size=1, max_size=5))
def test_values_are_those_of_python(text: str, at: list[float]) -> None:
    assume(parse_expression(text).free_symbols)  # an expression without x is refused, as another test shows
    act = vt.parse_activation(text)
    expected = [eval(text, NAMESPACE, {"x": value}) for value in at]  # noqa: S307 (text made above, not a user's)
    # Both sides round; the sizes of the terms stay below (400/100)^5 * 5 times a few roundings of 2e-16.
    np.testing.assert_allclose(act(at), expected, rtol=1e-11, atol=1e-10)


@given(text=polynomials())
def test_powers_by_caret_and_by_stars_are_the_same(text: str) -> None:
    assert parse_expression(f"({text})^2") == parse_expression(f"({text})**2")


@pytest.mark.parametrize(
    "text",
    [
        "Piecewise((0, x < tau), (x - tau, x < tau + m), (m, True))",
        "Min(Max(x - tau, 0), m)",
        "min(max(x - tau, 0), m)",
        "Max(Min(x - tau, m), 0)",
        "Max(x - tau, 0) - Max(x - tau - m, 0)",
        "(x - tau)*Heaviside(x - tau) - (x - tau - m)*Heaviside(x - tau - m)",
        "(Abs(x - tau) - Abs(x - tau - m) + m)/2",
        "Piecewise((x - tau, tau <= x and x < tau + m), (m, x >= tau + m), (0, x < tau))",
        "Piecewise((x - tau, tau <= x < tau + m), (m, x >= tau + m), (0, x < tau))",
        "Piecewise((x - tau, (x >= tau) & (x < tau + m)), (0, Not(x >= tau)), (m, True))",
        "Piecewise((0, x < tau), (m, not x < tau + m), (x - tau, True))",
        "Piecewise((0, x < tau), (m, ~(x < tau + m)), (x - tau, (x > 3) | (x <= 3)))",
    ],
)
def test_ways_to_write_the_clipped_relu(text: str, rng: np.random.Generator) -> None:
    named = vt.activation("crelu", tau=0.5, m=1.5)
    act = vt.parse_activation(text, tau=0.5, m=1.5)
    x = np.concatenate([rng.normal(scale=2, size=200), [0.5, 2.0]])
    np.testing.assert_allclose(act(x), named(x), atol=1e-15)
    same = vt.derive(act)
    assert {n: getattr(same, n) for n in ("V", "dV", "d2V", "chi_1", "sparsity")} == {
        n: getattr(vt.derive(named), n) for n in ("V", "dV", "d2V", "chi_1", "sparsity")
    }


def test_order_known_from_positive_parameters() -> None:
    act = vt.parse_activation("Piecewise((0, x < tau), (x - tau, x < tau + m), (m, True))")
    assert [p.name for p in act.free_parameters] == ["m", "tau"]


def test_decimals_are_exact() -> None:
    assert parse_expression("0.3") == sp.Rational(3, 10)
    assert parse_expression("1e-3 + .5 + 2.") == sp.Rational(2501, 1000)
    assert parse_expression("1_000.5") == sp.Rational(2001, 2)


def test_constants_and_coefficients() -> None:
    act = vt.parse_activation("pi*x + E + sin(1)*x**2 + sqrt(2)")
    assert float(act(1.0)) == pytest.approx(np.pi + np.e + np.sin(1) + np.sqrt(2), rel=1e-14)


@pytest.mark.parametrize("name", ["exp", "sin", "cos", "sinh", "cosh", "tanh", "sqrt", "log"])
def test_functions_of_x_are_those_of_numpy(name: str) -> None:
    act = vt.parse_activation(f"{name}(2 + Abs(x)/4)")
    at = np.array([-3.0, -0.5, 0.25, 2.0])
    np.testing.assert_allclose(act(at), getattr(np, name)(2 + np.abs(at) / 4), rtol=1e-15)


def test_inverse_functions_and_steps() -> None:
    at = np.array([-2.5, -0.3, 0.2, 4.0])
    for name, function in (("asin", np.arcsin), ("acos", np.arccos), ("atan", np.arctan), ("asinh", np.arcsinh)):
        np.testing.assert_allclose(vt.parse_activation(f"{name}(tanh(x))")(at), function(np.tanh(at)), rtol=4e-15)
    np.testing.assert_array_equal(vt.parse_activation("floor(Min(Max(x, -2), 2))")(at), [-2, -1, 0, 2])
    np.testing.assert_allclose(vt.parse_activation("x*sigmoid(x)")(at), vt.activation("silu")(at), rtol=1e-15)


def test_declared_parameters() -> None:
    slope = vt.Parameter("a", sp.Interval(-1, 1), typical=(-0.5, 0.5))
    act = vt.parse_activation("Piecewise((a*x, x < 0), (x, True))", name="mine", parameters=[slope])
    assert act.name == "mine"
    with pytest.raises(ValueError, match="domain"):
        act.bind(a=2)


def test_negative_values_for_undeclared_parameters() -> None:
    assert float(vt.parse_activation("Max(x - shift, 0)", shift=-1)(0.0)) == 1.0


def test_values_for_names_that_do_not_occur() -> None:
    with pytest.raises(UnknownNameError, match="tau"):
        vt.parse_activation("Max(x - tau, 0)", tua=1)


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("", "not an expression"),
        ("x +", "not an expression"),
        ("x x", "not an expression"),
        ("x = 1", "not an expression"),
        ("Piecewise((x, x < 0))", "gap"),
        ("Piecewise(x, x < 0)", "pair"),
        ("Piecewise((x, x))", "pair"),
        ("Piecewise((x < 1, x < 0), (x, True))", "pair"),
        ("x < 1", "not a real-valued"),
        ("True", "not a real-valued"),
        ("(x, 1)", "not a real-valued"),
        ("x == 1", "compare with"),
        ("x / 0", "not finite|cannot be read"),
        ("x**0.5", "not real"),
        ("x**x", "not real"),
        ("x**sqrt(2)", "must be rational"),
        ("exp(1000)*x", "must not exceed 256"),
        ("Max", "call it"),
        ("Max()", "no arguments"),
        ("Max(x, 0, key=1)", "keyword"),
        ("sqrt(-1)*x", "real"),
        ("log(0)", "finite|real|cannot"),
        ("Max(x, 0) and x", "join conditions"),
        ("q*x", "reserved"),
        ("_a*x", "cannot name"),
        ("1j*x", "not a real number"),
        ("0x1F", "real number|31"),
    ],
)
def test_refusals_say_what_is_wrong(text: str, remark: str) -> None:
    if text == "0x1F":  # hexadecimal integers are integers, and harmless
        assert parse_expression(text) == 31
        return
    with pytest.raises((ExpressionError, PiecesError), match=remark) as caught:
        vt.parse_activation(text)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("bad", [None, 1, b"x", ["x"], sp.Symbol("x")])
def test_only_text_is_parsed(bad: Any) -> None:
    with pytest.raises(ExpressionError, match="text"):
        vt.parse_activation(bad)


@pytest.mark.parametrize(
    ("text", "nearest"), [("maxx(x, 0)", "max"), ("Picewise((0, True))", "Piecewise"), ("tanhh(1)*x", "tanh")]
)
def test_unknown_functions_offer_the_nearest(text: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{nearest}'") as caught:
        vt.parse_activation(text)
    assert isinstance(caught.value, LookupError)


def test_the_name_of_a_family_is_no_parameter() -> None:
    with pytest.raises(ExpressionError, match=r"call it, as in relu\(x\)"):
        vt.parse_activation("2*tanh(x) + relu")


@pytest.mark.parametrize("text", ["1", "tau", "Max(X, 0)"])
def test_an_expression_without_x_is_no_activation(text: str) -> None:
    with pytest.raises(ExpressionError, match="does not depend on x"):
        vt.parse_activation(text)


def test_zeros_of_even_multiplicity_change_no_sign() -> None:
    act = vt.parse_activation("Max((x - 1)**2*(x - 2), 0)")
    assert [point.at for point in act.breaks] == [2]
    assert vt.parse_activation("Max((x - 1)**2, 0)").breaks == ()
