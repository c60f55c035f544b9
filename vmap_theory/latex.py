"""LaTeX of formulas, in the notation of the field: variances as squares, erfc of a / sqrt(2 q)."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from .activations.base import Activation
from .moments import Q

_NAMES = {"sigma_w2": r"\sigma_w^2", "sigma_b2": r"\sigma_b^2"}


class _FormulaPrinter(LatexPrinter):  # type: ignore[misc]  # SymPy's printers are untyped
    """SymPy's printer, which would write sqrt(2) a / (2 sqrt(q)) inside erfc, and e to a negative fraction."""

    def _print_erfc(self, expression: Any, exp: Any = None) -> str:
        at = sp.simplify(expression.args[0] * sp.sqrt(2) * sp.sqrt(Q))
        if at.has(Q):  # not of the form a / sqrt(2 q)
            return str(super()._print_Function(expression, exp))
        inner = r"\operatorname{erfc}\left(\frac{%s}{\sqrt{2 q}}\right)" % self._print(at)  # noqa: UP031 (braces)
        return inner if exp is None else f"{inner}^{{{exp}}}"

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        if expr.name in _NAMES:
            return _NAMES[expr.name]
        if "_" in expr.name and len(expr.name) > 5:  # words such as negative_slope, which are no sub-scripted symbols
            return r"\mathrm{%s}" % expr.name.replace("_", r"\_")  # noqa: UP031 (braces)
        return str(super()._print_Symbol(expr, style))


def to_latex(expression: sp.Expr) -> str:
    r"""Return LaTeX of a formula.

    Examples
    --------
    >>> to_latex(sp.erfc(sp.sqrt(2) / (2 * sp.sqrt(Q))))
    '\\operatorname{erfc}\\left(\\frac{1}{\\sqrt{2 q}}\\right)'
    """
    return str(_FormulaPrinter().doprint(expression))


def definition_latex(act: Activation) -> str:
    r"""Return LaTeX of phi itself, a case for each piece.

    Examples
    --------
    >>> from vmap_theory import activation
    >>> print(definition_latex(activation("relu")))
    \phi(x) = \begin{cases} 0 & x < 0 \\ x & x > 0 \end{cases}
    """
    if len(act.pieces) == 1:
        return rf"\phi(x) = {_polynomial_latex(act.pieces[0].expression)}"
    cases = []
    for piece in act.pieces:
        low, high = to_latex(piece.lower), to_latex(piece.upper)
        if piece.lower == -sp.oo:
            where = f"x < {high}"
        elif piece.upper == sp.oo:
            where = f"x > {low}"
        else:
            where = f"{low} < x < {high}"
        cases.append(f"{_polynomial_latex(piece.expression)} & {where}")
    return r"\phi(x) = \begin{cases} " + r" \\ ".join(cases) + r" \end{cases}"


def _polynomial_latex(polynomial: sp.Expr) -> str:
    """Write x before the parameters: x - tau, not -tau + x."""
    return str(_FormulaPrinter({"order": "rev-lex"}).doprint(polynomial))
