"""Places where an expression turns from one behaviour to another, which quadrature must not step over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy as sp

from .polynomials import degree_bound
from .program import FUNCTION_NAMES
from .symbols import X


def features(expression: sp.Expr) -> list[float]:
    """Zeros and turning points of the polynomials that functions and denominators are taken of; real parts of all."""
    found: set[float] = set()
    for node in sp.preorder_traversal(expression):
        special = node.func in FUNCTION_NAMES or (node.is_Pow and not (node.args[1].is_Integer and node.args[1] > 0))
        for polynomial in _polynomials_inside(node.args) if special else ():
            found.update(_places(polynomial))
    return sorted(found)


def _polynomials_inside(arguments: Iterable[Any]) -> Iterable[sp.Poly]:
    for argument in arguments:
        if argument.has(X) and argument != X and degree_bound(argument) is not None:
            yield sp.Poly(argument, X)


def _places(polynomial: sp.Poly) -> list[float]:
    coefficients = [float(c) for c in polynomial.all_coeffs()]
    roots = np.concatenate([np.roots(coefficients), np.roots(np.polyder(coefficients))])
    return [float(root.real) for root in roots if np.isfinite(root) and abs(root.real) > 1e-12 * (1 + abs(root))]
