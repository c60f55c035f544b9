"""Hypothesis strategies: random piecewise polynomials, exact classes, smooth functions and variances."""

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
def piecewise_polynomials(draw: st.DrawFn, most_pieces: int = 8, most_degree: int = 4) -> vt.Activation:
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


_REAL_X = sp.Symbol("x", real=True)


def _nonzero_tenths(low: int, high: int) -> st.SearchStrategy[sp.Rational]:
    return st.integers(10 * low, 10 * high).filter(bool).map(lambda number: sp.Rational(number, 10))


@st.composite
def closed_expressions(draw: st.DrawFn) -> sp.Expr:
    """A power times a Gaussian and a wave, or up to three powers times an exponential and a wave."""
    if draw(st.booleans()):
        return draw(_products()) * sp.exp(-draw(st.integers(1, 20)) * _REAL_X**2 / 10)
    factors = draw(st.lists(_products(), min_size=1, max_size=3))
    return sum((factor * sp.exp(draw(hundredths(-1, 1)) * _REAL_X) for factor in factors), sp.Integer(0))


@st.composite
def _products(draw: st.DrawFn) -> sp.Expr:
    wave = draw(st.sampled_from([None, sp.sin, sp.cos]))
    power = draw(_nonzero_tenths(-2, 2)) * _REAL_X ** draw(st.integers(0, 3))
    return power if wave is None else power * wave(draw(_nonzero_tenths(-2, 2)) * _REAL_X + draw(hundredths(-1, 1)))


@st.composite
def smooth_expressions(draw: st.DrawFn) -> sp.Expr:
    """Smooth functions of affine arguments without a closed form, at most as steep as a line far out."""
    scale, shift = draw(_nonzero_tenths(-3, 3)), draw(hundredths(-2, 2))
    u = scale * _REAL_X + shift
    kinds = [sp.tanh(u), 1 / (1 + sp.exp(-u)), sp.log(1 + sp.exp(u)), u / (1 + sp.exp(-u)), u / sp.sqrt(1 + u**2)]
    return draw(st.sampled_from(kinds)) + draw(hundredths(-1, 1))
