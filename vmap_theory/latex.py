"""LaTeX of formulas, in the notation of the field: variances as squares, erfc of a / sqrt(2 q)."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from .activations.base import Activation
from .activations.polynomials import is_polynomial
from .activations.symbols import X
from .moments import Q

_NAMES = {"sigma_w2": r"\sigma_w^2", "sigma_b2": r"\sigma_b^2", "lambd": r"\lambda"}
_SUBSCRIPTS = {"plus": "+", "minus": "-"}
_LONGEST_NUMBER = 12
"""Digits; longer numbers are shown as decimals."""


class _FormulaPrinter(LatexPrinter):  # type: ignore[misc]  # SymPy's printers are untyped
    """SymPy's printer, which would write sqrt(2) a / (2 sqrt(q)) inside erfc, and names of parameters as products."""

    def _print_erfc(self, expression: Any, exp: Any = None) -> str:
        argument = expression.args[0]
        at = sp.simplify(argument * sp.sqrt(2) * sp.sqrt(Q)) if argument.has(Q) else argument
        multiple = at / Q
        if not argument.has(Q) or not at.is_polynomial(Q):
            inner = self._print(argument)
        elif at != 0 and not multiple.has(Q):
            factor = "" if multiple == 1 else self._print(multiple)
            inner = rf"{factor} \sqrt{{\frac{{q}}{{2}}}}".strip()
        else:
            above, below = sp.fraction(sp.together(at))
            factor = "" if below == 1 else self._print(below) + " "
            inner = rf"\frac{{{self._print(above)}}}{{{factor}\sqrt{{2 q}}}}"
        printed = rf"\operatorname{{erfc}}\left({inner}\right)"
        return printed if exp is None else f"{printed}^{{{exp}}}"

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        if expr.name in _NAMES:
            return _NAMES[expr.name]
        head, _, tail = expr.name.partition("_")
        if tail in _SUBSCRIPTS and (len(head) == 1 or self._is_greek(head)):
            return f"{self._print_Symbol(sp.Symbol(head))}_{{{_SUBSCRIPTS[tail]}}}"
        whole = expr.name.isalpha() and len(expr.name) > 1 and not self._is_greek(expr.name)
        if whole or ("_" in expr.name and len(expr.name) > 5):  # words such as negative_slope
            return r"\mathrm{%s}" % expr.name.replace("_", r"\_")  # noqa: UP031 (braces)
        return str(super()._print_Symbol(expr, style))

    def _is_greek(self, name: str) -> bool:
        return str(super()._print_Symbol(sp.Symbol(name))).startswith("\\")

    def _print_Piecewise(self, expr: Any) -> str:
        otherwise = r"\text{otherwise}"
        cases = [
            f"{self._print(value)} & {otherwise if condition == sp.true else self._print(condition)}"
            for value, condition in expr.args
        ]
        return r"\begin{cases} " + r" \\ ".join(cases) + r" \end{cases}"

    def _print_And(self, expr: Any) -> str:
        return r" \text{ and } ".join(self._print(part) for part in sorted(expr.args, key=sp.default_sort_key))

    def _print_Relational(self, expr: Any) -> str:
        turned = expr.reversed if expr.rhs.has(X) and not expr.lhs.has(X) else expr  # x first, as people write it
        return str(super()._print_Relational(turned))

    def _print_hermite_prob(self, expr: Any) -> str:
        degree, argument = expr.args
        return rf"\mathrm{{He}}_{{{self._print(degree)}}}\left({self._print(argument)}\right)"


def to_latex(expression: sp.Expr) -> str:
    r"""Return LaTeX of a formula.

    Examples
    --------
    >>> to_latex(sp.erfc(sp.sqrt(2) / (2 * sp.sqrt(Q))))
    '\\operatorname{erfc}\\left(\\frac{1}{\\sqrt{2 q}}\\right)'
    >>> to_latex(sp.asin(Q / (1 + Q)) + sp.Symbol("width"))
    '\\mathrm{width} + \\arcsin{\\left(\\frac{q}{q + 1} \\right)}'
    """
    return _printed(expression)


def definition_latex(act: Activation) -> str:
    r"""Return LaTeX of phi itself, a case for each piece.

    Examples
    --------
    >>> from vmap_theory import activation, family
    >>> print(definition_latex(activation("relu")))
    \phi(x) = \begin{cases} 0 & x < 0 \\ x & x > 0 \end{cases}
    >>> print(definition_latex(family("monomial")))
    \phi(x) = x^{\mathrm{degree}}
    """
    pieces = act.known_pieces
    if len(pieces) < 2:
        return rf"\phi(x) = {_piece_latex(pieces[0].expression if pieces else act.expression)}"
    cases = []
    for piece in pieces:
        low, high = to_latex(piece.lower), to_latex(piece.upper)
        if piece.lower == -sp.oo:
            where = f"x < {high}"
        elif piece.upper == sp.oo:
            where = f"x > {low}"
        else:
            where = f"{low} < x < {high}"
        cases.append(f"{_piece_latex(piece.expression)} & {where}")
    return r"\phi(x) = \begin{cases} " + r" \\ ".join(cases) + r" \end{cases}"


def _piece_latex(expression: sp.Expr) -> str:
    """Write x before the parameters, x - tau, and e^x before the number, e^x - 1."""
    if is_polynomial(expression) and expression != 0:
        powers = sp.Poly(expression, X).terms()
        terms = [sp.factor(part) * X**k for (k,), c in powers for part in (sp.Add.make_args(c) if k == 0 else [c])]
        first, *others = (_printed(term) for term in terms)
        return first + "".join(f" - {term[1:].lstrip()}" if term[0] == "-" else f" + {term}" for term in others)
    usual, other = _printed(expression), _printed(expression, order="rev-lex")
    return other if usual.startswith("-") and not other.startswith("-") else usual


def _printed(expression: sp.Expr, order: str | None = None) -> str:
    shown = expression.replace(_is_long, lambda part: sp.Float(repr(float(part)), 17))
    return str(_FormulaPrinter({"order": order, "inv_trig_style": "full", "full_prec": False}).doprint(shown))


def _is_long(part: Any) -> bool:
    return bool(part.is_Rational) and max(len(str(part.p)), len(str(part.q))) > _LONGEST_NUMBER
