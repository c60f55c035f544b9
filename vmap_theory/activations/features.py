"""Places where an expression turns from one behaviour to another, which quadrature must not step over."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from .polynomials import degree_bound
from .program import FLOATS, FUNCTION_NAMES, Program
from .symbols import X

_MOST_FEATURES = 24


def features(expression: sp.Expr) -> list[float]:
    """Zeros and turning points of what functions and denominators inside an expression are taken of.

    Of polynomials all, also the real parts of complex zeros; of other arguments those that a fine grid on |x| < 1500
    shows by a change of sign, the nearest to 0 first.
    """
    found: set[float] = set()
    for node in sp.preorder_traversal(expression):
        special = node.func in FUNCTION_NAMES or (node.is_Pow and not (node.args[1].is_Integer and node.args[1] > 0))
        for argument in node.args if special else ():
            if argument.has(X) and argument != X:
                found.update(_features_of(argument))
    return sorted(found)


@lru_cache(maxsize=1024)
def _features_of(argument: sp.Expr) -> tuple[float, ...]:
    if degree_bound(argument) is not None:
        return tuple(_places(sp.Poly(argument, X)))
    return (*_sign_changes(argument), *_sign_changes(sp.diff(argument, X)))


def _sign_changes(function: sp.Expr) -> list[float]:
    """Where a function of x changes its sign, to the last bits."""
    program = Program([function])

    def value(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return program.run({X.name: np.asarray(x, dtype=np.float64)[()]}, FLOATS)[0]

    grid = np.sinh(np.linspace(-8.0, 8.0, 8001))
    signs = np.sign(np.broadcast_to(value(grid), grid.shape))
    places = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    nearest = sorted(places, key=lambda place: abs(grid[place]))[:_MOST_FEATURES]
    zeros = []
    for place in nearest:
        low, high = grid[place], grid[place + 1]
        zero = float(brentq(value, low, high, xtol=1e-300, maxiter=200, disp=False))
        if abs(value(zero)) < min(abs(value(low)), abs(value(high))):  # a pole changes its sign too
            zeros.append(zero)
    between = np.flatnonzero((signs[1:-1] == 0) & (signs[:-2] * signs[2:] < 0)) + 1
    return zeros + [float(grid[place]) for place in between if grid[place] != 0]


def _places(polynomial: sp.Poly) -> list[float]:
    roots = np.concatenate([_roots(part) for part in (polynomial, polynomial.diff(X)) if part.degree() > 0])
    return [float(root.real) for root in roots if np.isfinite(root) and abs(root.real) > 1e-12 * abs(root)]


def _roots(polynomial: sp.Poly) -> Any:
    """All roots, each once: floating-point roots of multiplicity p are off by the p-th root of rounding."""
    simple = polynomial.sqf_part() if polynomial.domain.is_Exact else polynomial
    return np.roots([float(c) for c in simple.all_coeffs()])
