"""SymPy expressions as parts for the quadratures of tests/data/function_moments.py, past the package."""

from collections.abc import Sequence
from typing import Any

import mpmath
import sympy as sp

from tests.data.function_moments import Part, by_double_exponentials

X = sp.Symbol("x", real=True)


def moments_of(
    pieces: Sequence[tuple[Any, Any, sp.Expr]], q: sp.Rational, *, clearance: float = 1.0, growth: float = 0.0
) -> dict[str, Any]:
    """The five moments by trapezoidal rules after a change of variable, to about 50 digits.

    `pieces` are triples (lower, upper, expression in X) that cover the line; `growth` and `clearance` (from 0) are as
    in `Part`.  The slope moment is that of what lies between the breaks: it knows of no jumps.
    """
    parts = []
    with mpmath.workdps(90):
        for lower, upper, expression in pieces:
            ends = [_number(end) for end in (lower, upper)]
            if expression == 0:
                parts.append(Part(*ends, None, None))
                continue
            phi, slope = (sp.lambdify(X, sp.diff(expression, X, order), "mpmath") for order in (0, 1))
            parts.append(Part(*ends, phi, slope, lambda _: clearance, growth))
        return by_double_exponentials(parts, _number(q))


def _number(exact: Any) -> Any:
    if exact in (sp.oo, -sp.oo):
        return mpmath.inf if exact == sp.oo else -mpmath.inf
    value = sp.sympify(exact).evalf(90)
    return mpmath.make_mpf(value._mpf_) if value.is_Float else mpmath.mpf(int(value))
