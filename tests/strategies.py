"""Hypothesis strategies: random piecewise polynomials and variances."""

from itertools import pairwise
from typing import Any

import sympy as sp
from hypothesis import strategies as st

import vmap_theory as vt

x = sp.Symbol("x")


def hundredths(low: int, high: int) -> st.SearchStrategy[sp.Rational]:
    """Exact decimals of two places: random, and yet simple enough to read in a failure."""
    return st.integers(100 * low, 100 * high).map(lambda number: sp.Rational(number, 100))


def variances() -> st.SearchStrategy[sp.Rational]:
    """Variances q from 0.05 to 20, exact."""
    return st.integers(5, 2000).map(lambda number: sp.Rational(number, 100))


@st.composite
def piecewise_polynomials(draw: st.DrawFn, most_pieces: int = 5, most_degree: int = 3) -> vt.Activation:
    """Activations of 1 to `most_pieces` polynomials on random intervals; most of them jump."""
    breaks = sorted(draw(st.sets(hundredths(-3, 3), max_size=most_pieces - 1)))
    ends = [-sp.oo, *breaks, sp.oo]
    pieces: list[tuple[Any, Any, Any]] = []
    for low, high in pairwise(ends):
        coefficients = draw(st.lists(hundredths(-2, 2), max_size=most_degree + 1))
        pieces.append((low, high, sum((c * x**k for k, c in enumerate(coefficients)), sp.Integer(0))))
    return vt.Activation.from_pieces(pieces)


@st.composite
def continuous_piecewise_linear(draw: st.DrawFn) -> vt.Activation:
    """Continuous, piecewise-linear activations of up to four kinks, in ramp form; these have an edge of chaos."""
    total = draw(hundredths(-1, 1)) + draw(hundredths(-1, 1)) * x
    for at in draw(st.lists(hundredths(-3, 3), max_size=4, unique=True)):
        total += draw(hundredths(-2, 2)) * sp.Max(x - at, 0)
    return vt.Activation.from_expression(total)
