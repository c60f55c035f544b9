"""The symbols of activations: the variable `X`, and symbols of parameters that know the ends of their domain.

SymPy's assumptions know signs and integers alone.  A domain such as (2, oo) or (0, 1) says more: that a > 2 decides the
order of the break points 2*lambd and a*lambd.  `BoundedSymbol` carries the interval, and `freed` rewrites an expression
in symbols of one sign, so that SymPy can decide from it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

X = sp.Symbol("x", real=True)
"""The variable of every activation."""


class BoundedSymbol(sp.Symbol):  # type: ignore[misc]  # SymPy is untyped
    """A real symbol with an interval; two are equal if names, assumptions and intervals are."""

    __slots__ = ("interval",)
    interval: sp.Interval

    def __new__(cls, name: str, interval: sp.Interval, **assumptions: Any) -> BoundedSymbol:
        """Make the symbol, past SymPy's cache, which knows names and assumptions alone."""
        symbol: BoundedSymbol = sp.Symbol.__xnew__(cls, name, **assumptions)
        symbol.interval = interval
        return symbol

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.interval)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.interval), self._assumptions_orig


def parameter_symbol(name: str, domain: sp.Interval, *, integer: bool = False) -> sp.Symbol:
    """Return the symbol of a parameter, with what its domain says of it."""
    low, high = domain.inf, domain.sup
    assumptions: dict[str, bool] = {"integer": True} if integer else {}
    if low > 0 or (low == 0 and domain.left_open):
        assumptions["positive"] = True
    elif high < 0 or (high == 0 and domain.right_open):
        assumptions["negative"] = True
    elif low == 0:
        assumptions["nonnegative"] = True
    elif high == 0:
        assumptions["nonpositive"] = True
    else:
        assumptions["real"] = True
    if all(end in (0, sp.oo, -sp.oo) for end in (low, high)):
        return sp.Symbol(name, **assumptions)
    return BoundedSymbol(name, domain, **assumptions)


def freed(expression: sp.Expr) -> sp.Expr:
    """Write every bounded symbol in terms of one that has a sign alone: a in (2, oo) as 2 + s with s > 0."""
    bounded = expression.atoms(BoundedSymbol)
    return expression.xreplace({symbol: _in_terms_of_a_sign(symbol) for symbol in bounded}) if bounded else expression


@lru_cache(maxsize=1024)
def _in_terms_of_a_sign(symbol: BoundedSymbol) -> sp.Expr:
    low, high = symbol.interval.inf, symbol.interval.sup
    closed = not (symbol.interval.left_open if low != -sp.oo else symbol.interval.right_open)
    inner = sp.Dummy(symbol.name, **{"nonnegative" if closed else "positive": True})
    if high == sp.oo:
        return low + inner
    if low == -sp.oo:
        return high - inner
    return low + (high - low) * inner / (1 + inner)  # the upper end itself is approached, not reached
