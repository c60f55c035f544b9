"""The Gauss-Legendre rule of a panel, and the passage from values at its nodes to Legendre coefficients."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy as sp

from ..activations.program import mpmath_number
from ..activations.symbols import X

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NODES = 16
"""Points of the rule on a panel; products of a table and the weight are integrated exactly up to degree 31."""


@lru_cache(maxsize=16)
def mpmath_context(digits: int) -> Any:
    """Return an mpmath context of its own with so many decimal digits."""
    context = mpmath.MPContext()
    context.dps = digits
    return context


@lru_cache(maxsize=1)
def unit_rule() -> tuple[Array, Array]:
    """Nodes and weights of the Gauss-Legendre rule on (0, 1), correctly rounded."""
    return _float_array([(1 + z) / 2 for z, _ in _high_precision_rule()]), _float_array(
        [weight / 2 for _, weight in _high_precision_rule()]
    )


@lru_cache(maxsize=1)
def _high_precision_rule() -> list[tuple[Any, Any]]:
    """Nodes and weights on (-1, 1) in mpmath."""
    context = mpmath_context(50)
    polynomial = sp.Poly(sp.legendre(NODES, X), X)
    values, slopes = ([mpmath_number(c, context) for c in p.all_coeffs()] for p in (polynomial, polynomial.diff(X)))
    nodes = [
        context.findroot(lambda x: context.polyval(values, x), context.mpf(guess))
        for guess in np.polynomial.legendre.leggauss(NODES)[0]
    ]
    return [(z, 2 / ((1 - z * z) * context.polyval(slopes, z) ** 2)) for z in nodes]


@lru_cache(maxsize=1)
def legendre_analysis() -> Array:
    """Matrix from values at the nodes to Legendre coefficients, correctly rounded."""
    context = mpmath_context(50)
    return _float_array(
        [
            [(k + context.mpf(1) / 2) * weight * context.legendre(k, z) for z, weight in _high_precision_rule()]
            for k in range(NODES)
        ]
    )


def _float_array(numbers: Any) -> Array:
    array: Array = np.array(numbers, dtype=object).astype(np.float64)
    return array


@lru_cache(maxsize=1)
def legendre_slopes() -> Array:
    """Matrix from Legendre coefficients to the slope at the nodes, in units of the panel's half width."""
    nodes, _ = unit_rule()
    slopes = [np.polynomial.legendre.Legendre.basis(k).deriv()(2 * nodes - 1) for k in range(NODES)]
    return np.stack(slopes, axis=1)
