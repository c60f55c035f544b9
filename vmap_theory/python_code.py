"""Python of formulas: the text of a module that needs NumPy and SciPy alone."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.printing.numpy import NumPyPrinter, SciPyPrinter
from sympy.printing.precedence import PRECEDENCE

from .activations.base import Activation
from .activations.signs import sign_of
from .errors import ExpressionError
from .moments import Q

_WIDTH = 100

_VARIANCES = {
    "q": "Variance of the pre-activations, > 0.",
    "sigma_w2": "Weight variance times fan-in.",
    "sigma_b2": "Bias variance.",
}

_FUNCTIONS = {
    "second_moment": ("second_moment", ("q",), "E[phi(X)^2] for X ~ N(0, q)."),
    "slope_moment": ("slope_moment", ("q",), "E[phi'(X)^2] for X ~ N(0, q); infinite where phi jumps."),
    "sparsity": ("sparsity", ("q",), "P(phi(X) = 0) for X ~ N(0, q)."),
    "V": ("variance_map", ("q", "sigma_w2", "sigma_b2"), "V(q) = sigma_w2 E[phi(X)^2] + sigma_b2 for X ~ N(0, q)."),
    "dV": ("variance_map_derivative", ("q", "sigma_w2"), "V'(q), the derivative of the variance map in q."),
    "d2V": ("variance_map_second_derivative", ("q", "sigma_w2"), "V''(q), the second derivative of the map in q."),
    "chi_1": ("chi_1", ("q", "sigma_w2"), "chi_1(q) = sigma_w2 E[phi'(X)^2]; 1 on the edge of chaos."),
}
"""Quantity -> name of its function, arguments before the parameters of the activation, what it computes."""

_ACCURACY = (
    "Where a function does not say otherwise it is a closed form as in a textbook.  These lose digits where terms "
    "cancel, above all in the sparse tail, where a threshold is many times sqrt(q); vmap_theory.gaussian_moments keeps "
    "its digits there."
)

_INTEGRATED = """\
    No closed form is known: scipy.integrate.quad integrates, to about ten digits, without an error bound.
    vmap_theory.gaussian_moments gives one, and is faster on arrays."""

_HELPERS = """

def _floats(*values):
    return [numpy.asarray(value, dtype=float) for value in values]
"""

_INTEGRAL = '''

def _integral(integrand, lower, upper):
    """Integral over multiples of sqrt(q), on each side from the end next to 0 outwards until nothing is added."""
    steps = (0, 1, 4, 7, 9, 11, 13, 20, 28, 38)
    total = 0.0
    for sign, near, far in ((1, max(lower, 0.0), upper), (-1, max(-upper, 0.0), -lower)):
        for step, following in zip(steps, steps[1:]):
            start, end = near + step, min(near + following, far)
            if start >= end:
                break
            with numpy.errstate(all="ignore"):
                # With its full output quad does not warn where a part is smaller than the rounding of the whole.
                part = scipy.integrate.quad(
                    lambda at: integrand(sign*at), start, end, epsabs=1e-300, epsrel=1e-12, limit=200, full_output=True
                )[0]
            total += part
            if step >= 7 and abs(part) <= 1e-18*abs(total):
                break
        else:
            total = numpy.nan
    if not numpy.isfinite(total):
        raise ArithmeticError("the integral leaves the range of float64: use vmap_theory.gaussian_moments")
    return total
'''


def module_text(act: Activation, expressions: Mapping[str, sp.Expr], digest: str) -> str:
    """Return the text of a module with one function for each quantity.

    Parameters
    ----------
    act : Activation
        Its free parameters become arguments.
    expressions : mapping of str to sympy expression
        Quantity -> expression in q, sigma_w2, sigma_b2 and the parameters; integrals over x are allowed.
    digest : str
        Stands in the head of the text, so that one can tell what it was made from.

    Raises
    ------
    ExpressionError
        The activation was made from a Python function, or an expression has no counterpart in SciPy.
    """
    if act.function is not None:
        raise ExpressionError(
            f"{act.name} was made from a Python function, which has no formula to write down: "
            "use vmap_theory.gaussian_moments."
        )
    integrals = any(expression.has(sp.Integral) for expression in expressions.values())
    imports = ["import numpy", *(["import scipy.integrate"] if integrals else []), "import scipy.special"]
    functions = [_function(act, quantity, expression) for quantity, expression in expressions.items()]
    return "\n".join(
        [
            f'"""{_head(act, digest)}\n"""\n',
            *imports,
            _HELPERS + (_INTEGRAL if integrals else "") + "\n",
            "\n\n\n".join(functions) + "\n",
        ]
    )


def _head(act: Activation, digest: str) -> str:
    bound = ", ".join(f"{name} = {value}" for name, value in act.values)
    paragraphs = [
        f"Gaussian moments and variance map of {_quotable(act.name)}{f' with {bound}' if bound else ''}.",
        f"phi(x) = {act.expression}",
        "q, sigma_w2 and sigma_b2 are variances, not standard deviations.  Arguments are numbers or arrays that "
        "broadcast against each other; results are float64.",
        _ACCURACY,
        f"Source of the activation: {_quotable(act.source)}" if act.source else "",
        f"Written by vmap_theory; SHA-256 of the formulas: {digest}",
    ]
    return "\n\n".join(_filled(paragraph) for paragraph in paragraphs if paragraph)


def _function(act: Activation, quantity: str, expression: sp.Expr) -> str:
    printer = _ScipyPrinter()
    name, variances, meaning = _FUNCTIONS[quantity]
    described = {variance: _VARIANCES[variance] for variance in variances}
    for parameter in act.free_parameters:
        said = f"In {parameter.domain_text}. {_quotable(parameter.meaning)}".strip()
        described[printer.doprint(parameter.symbol)] = said
    arguments = ", ".join(described)
    integrated = expression.has(sp.Integral)
    lines = [
        *(["@numpy.vectorize(otypes=[float])"] if integrated else []),
        f"def {name}({arguments}):",
        f'    """{meaning}',
        *(["", _INTEGRATED] if integrated else []),
        "",
        "    Parameters",
        "    ----------",
        *(f"    {argument} : array_like\n        {said}" for argument, said in described.items()),
        '    """',
        f"    {arguments}{',' if len(described) == 1 else ''} = _floats({arguments})",
        f"    return {_returned(printer, expression)}",
    ]
    return "\n".join(lines)


def _returned(printer: _ScipyPrinter, expression: sp.Expr) -> str:
    steady = _steady(expression)
    try:
        code = _wrapped(printer, steady)
    except NotImplementedError:  # of SymPy's printers, for a function that they do not know
        raise ExpressionError(f"{str(expression)[:80]} has no counterpart in NumPy and SciPy.") from None
    if steady.has(sp.I) and not steady.is_extended_real:  # conjugate pairs, whose imaginary parts cancel
        return f"numpy.real({code})"
    return code if steady.has(Q) else f"{code} + 0.0*q"  # a constant takes the shape of q


def _wrapped(printer: _ScipyPrinter, expression: sp.Expr, indent: int = 8) -> str:
    """One line, or a line for each term of a sum."""
    code = str(printer.doprint(expression))
    sums = [factor for factor in sp.Mul.make_args(expression) if factor.is_Add]
    if len(code) <= _WIDTH or len(sums) != 1:
        return code
    rest = expression / sums[0]
    head = "" if rest == 1 else f"{printer.parenthesize(rest, PRECEDENCE['Mul'])}*"
    terms = [_wrapped(printer, term, indent + 4) for term in sums[0].as_ordered_terms()]
    signed = [f"- {term[1:]}" if term.startswith("-") else f"+ {term}" for term in terms]
    lines = [f"{' ' * indent}{term}" for term in signed]
    return "\n".join([f"{head}(", *lines, f"{' ' * (indent - 4)})"])


def _steady(expression: sp.Expr) -> sp.Expr:
    """Write exp(a) erfc(z), an overflow times an underflow, as exp(a - z^2) erfcx(z)."""
    if expression.has(sp.I):
        in_one = expression.replace(lambda part: isinstance(part, sp.erfc) and part.has(sp.I), _scaled_tail)
        return sp.expand(in_one)
    return expression.replace(lambda part: part.is_Mul and part.has(sp.exp) and part.has(sp.erfc), _steady_product)


def _scaled_tail(tail: sp.Expr) -> sp.Expr:
    at = tail.args[0]
    decay = sp.exp(-sp.expand(at**2))
    return 2 - decay * _Erfcx(-at) if sign_of(sp.re(at)) == -1 else decay * _Erfcx(at)


def _steady_product(product: sp.Expr) -> sp.Expr:
    tails = [factor for factor in product.args if isinstance(factor, sp.erfc)]
    growths = [factor for factor in product.args if isinstance(factor, sp.exp)]
    if len(tails) != 1 or len(growths) != 1:
        return product
    at = tails[0].args[0]
    if sign_of(sp.re(at)) not in (0, 1):  # on the other side it is erfcx that overflows
        return product
    rest = sp.Mul(*(factor for factor in product.args if factor not in (tails[0], growths[0])))
    return rest * sp.exp(sp.expand(growths[0].args[0] - at**2)) * _Erfcx(at)


class _Erfcx(sp.Function):  # type: ignore[misc]  # SymPy is untyped
    """exp(z^2) erfc(z), which SymPy has no name for."""


class _ScipyPrinter(SciPyPrinter):  # type: ignore[misc]  # SymPy's printers are untyped
    """SymPy's printer, with E1, erfcx, integrals in units of sqrt(q), and fractions that NumPy can hold."""

    _kc = NumPyPrinter._kc  # SciPy's own has pi in scipy.constants, one import more

    reserved_words = frozenset(SciPyPrinter.reserved_words) | {
        *("numpy", "scipy"),
        *(name for name, _, _ in _FUNCTIONS.values()),
    }

    def _print_expint(self, expr: Any) -> str:
        order, at = expr.args
        if order == 1:  # expn would do for real arguments alone
            return f"{self._module_format('scipy.special.exp1')}({self._print(at)})"
        return f"{self._module_format('scipy.special.expn')}({self._print(order)}, {self._print(at)})"

    def _print__Erfcx(self, expr: Any) -> str:
        return f"{self._module_format('scipy.special.erfcx')}({self._print(expr.args[0])})"

    def _print_Integral(self, e: Any) -> str:
        ((x, lower, upper),) = e.limits
        multiple = sp.Symbol("_z", real=True)  # no parameter begins with an underscore
        integrand = sp.expand_power_base(e.function.subs(x, sp.sqrt(Q) * multiple) * sp.sqrt(Q))
        ends = ", ".join(self._print(end / sp.sqrt(Q)) for end in (lower, upper))
        return f"_integral(lambda _z: {self._print(integrand)}, {ends})"

    def _print_Integer(self, expr: Any) -> str:
        return str(expr) if abs(expr) < 2**53 else repr(float(expr))  # more, a NumPy array cannot be multiplied by

    def _print_Rational(self, expr: Any) -> str:
        if max(abs(expr.p), expr.q) < 10**9:
            return str(super()._print_Rational(expr))
        return repr(float(expr))


def _filled(paragraph: str) -> str:
    return "\n".join(textwrap.wrap(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _quotable(text: str) -> str:
    """Text from outside, made fit for a docstring that it cannot leave."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
