"""One canonical form for closed forms: sums of distinct transcendental factors with rational coefficients.

The factors (erfc of something, a Gaussian density, an exponential integral, ...) are written by one rule each, and
every coefficient has one normal form, so equal expectations come out equal, whatever the run, machine or hash seed
(irrational numbers stay as they were written).
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from ..activations.signs import sign_of

Q = sp.Symbol("q", positive=True)
"""The pre-activation variance, in every formula."""

_MOST_CANCELLED = 120
_MOST_FACTORED = 40  # terms; factoring more takes seconds and shortens nothing


def normal_density(at: sp.Expr) -> sp.Expr:
    """Density of N(0, q) at a point, ``exp(-at^2/(2 q)) / sqrt(2 pi q)``."""
    return sp.exp(-(at**2) / (2 * Q)) / (sp.sqrt(2) * sp.sqrt(sp.pi) * sp.sqrt(Q))


def collected(parts: Iterable[tuple[sp.Expr, sp.Expr]]) -> sp.Expr:
    """Return the sum of ``coefficient * factor`` over pairs (factor, coefficient), each factor once."""
    sums: dict[sp.Expr, sp.Expr] = {}
    for factor, coefficient in parts:
        sums[factor] = sums.get(factor, sp.S.Zero) + coefficient
    return sum((_canonical(coefficient) * factor for factor, coefficient in sums.items()), sp.S.Zero)


def _canonical(coefficient: sp.Expr) -> sp.Expr:
    """Factored where parameters are symbolic and the terms few; else a sum of powers of q."""
    expanded = sp.expand(coefficient)
    if len(sp.Add.make_args(expanded)) > _MOST_CANCELLED:
        return expanded
    if _has_denominators_in_q(expanded):
        return sp.factor(sp.cancel(sp.together(coefficient)))
    if expanded.free_symbols <= {Q}:  # radicals can vanish without looking it: by value
        powers = sp.collect(expanded, Q, evaluate=False)
        return sum((power * c for power, c in powers.items() if c.is_Rational or sign_of(c) != 0), sp.Integer(0))
    if len(sp.Add.make_args(expanded)) > _MOST_FACTORED:
        return expanded
    return sp.factor(expanded)


def _has_denominators_in_q(expression: sp.Expr) -> bool:
    powers = expression.atoms(sp.Pow)
    return any(power.args[1].is_negative and power.args[0].is_Add and power.args[0].has(Q) for power in powers)
