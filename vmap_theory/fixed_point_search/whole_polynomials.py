"""Activations of one polynomial piece: V is a polynomial in q, and double roots are told exactly."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from ..activations.symbols import X
from ..variance_map import VarianceMap

_Q = sp.Symbol("q", positive=True)


def has_double_root(vm: VarianceMap) -> bool:
    """Whether V(q) - q certainly has a multiple root, somewhere: false also where that is not known."""
    act = vm.activation
    if not act.is_polynomial or len(act.pieces) != 1:
        return False
    phi = act.pieces[0].expression
    second, slope = _mean(phi**2), _mean(sp.diff(phi, X) ** 2)
    w, b = sp.Rational(vm.sigma_w2), sp.Rational(vm.sigma_b2)
    if vm.q_star is not None:
        q = sp.Rational(vm.q_star)
        w = 1 / slope(q)
        b = q - w * second(q)
    excess = sp.Poly(sp.expand(w * second(_Q) + b - _Q), _Q)
    if not all(c.is_Rational for c in excess.all_coeffs()):
        return False
    return bool(sp.gcd(excess, excess.diff(_Q)).degree() > 0)


def _mean(expression: sp.Expr) -> Callable[[sp.Expr], sp.Expr]:
    """E[f(X)] of a polynomial as a function of q: E[X^(2k)] = (2k - 1)!! q^k."""
    terms = sp.Poly(sp.expand(expression), X).terms()
    return lambda q: sp.Add(*(c * sp.factorial2(k - 1) * q ** (k // 2) for (k,), c in terms if k % 2 == 0))
