"""The functions whose Gaussian integrals are known: sums of ``c x^k exp(a x - d x^2) erf(b x + e) ...``.

The sums are closed under products and derivatives, which is all that V, V' and V'' need.  Sines and hyperbolic
functions are exponentials (a may be complex), the normal cdf is an erf, and k may be negative on intervals away from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product

import sympy as sp

from ..activations.symbols import X

MOST_TERMS = 400
"""Larger sums are left to quadrature: their closed forms would be pages long."""

_HIGHEST_POWER = 32


@dataclass(frozen=True)
class Term:
    """``x^power exp(linear x - quadratic x^2)`` times ``erf(b x + e)`` for each (b, e) in `erfs`, sorted."""

    power: int = 0
    linear: sp.Expr = sp.S.Zero
    quadratic: sp.Expr = sp.S.Zero
    erfs: tuple[tuple[sp.Expr, sp.Expr], ...] = ()

    def times(self, other: Term) -> Term:
        """The product of two terms."""
        return Term(
            self.power + other.power,
            sp.expand(self.linear + other.linear),
            sp.expand(self.quadratic + other.quadratic),
            tuple(sorted(self.erfs + other.erfs, key=sp.default_sort_key)),
        )


class TermSum:
    """A sum of terms with coefficients that are free of x; immutable, zero terms left out."""

    def __init__(self, items: Iterable[tuple[Term, sp.Expr]] = ()) -> None:
        sums: dict[Term, sp.Expr] = {}
        for term, coefficient in items:
            sums[term] = sums.get(term, sp.S.Zero) + coefficient
        expanded = {term: sp.expand(coefficient) for term, coefficient in sums.items()}
        self._coefficients = {term: value for term, value in expanded.items() if value != 0}

    def __iter__(self) -> Iterator[tuple[Term, sp.Expr]]:
        return iter(self._coefficients.items())

    def __len__(self) -> int:
        return len(self._coefficients)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TermSum) and self._coefficients == other._coefficients

    __hash__ = None  # type: ignore[assignment]  # compared, never looked up

    def __add__(self, other: TermSum) -> TermSum:
        return TermSum([*self, *other])

    def __sub__(self, other: TermSum) -> TermSum:
        return TermSum([*self, *((term, -coefficient) for term, coefficient in other)])

    def __mul__(self, other: TermSum) -> TermSum:
        return TermSum((a.times(b), c * d) for (a, c), (b, d) in product(self, other))

    def derivative(self, order: int = 1) -> TermSum:
        """The derivative in x of the given order."""
        result = self
        for _ in range(order):
            result = TermSum(piece for term, c in result for piece in _derivative_of(term, c))
        return result


def _derivative_of(term: Term, c: sp.Expr) -> Iterator[tuple[Term, sp.Expr]]:
    k, a, d, erfs = term.power, term.linear, term.quadratic, term.erfs
    if k:
        yield Term(k - 1, a, d, erfs), k * c
    if a != 0:
        yield term, a * c
    if d != 0:
        yield Term(k + 1, a, d, erfs), -2 * d * c
    for index, (b, e) in enumerate(erfs):
        rest = Term(k, a, d, erfs[:index] + erfs[index + 1 :])
        bell, height = bell_of(b, e)
        yield rest.times(bell), c * height


def bell_of(b: sp.Expr, e: sp.Expr) -> tuple[Term, sp.Expr]:
    """The derivative of erf(b x + e), a Gaussian bell, as a term and its coefficient."""
    return Term(0, sp.expand(-2 * b * e), sp.expand(b**2)), 2 * b * sp.exp(-(e**2)) / sp.sqrt(sp.pi)


def terms_of(expression: sp.Expr) -> TermSum | None:
    """Return an expression in x as a sum of terms, or None if it is not of that kind (or would be too long)."""
    if not expression.has(X):
        return TermSum([(Term(), expression)])
    if expression == X:
        return TermSum([(Term(1), sp.S.One)])
    if expression.is_Add:
        return _joined(expression.args, lambda left, right: left + right)
    if expression.is_Mul:
        return _joined(expression.args, lambda left, right: left * right)
    if expression.is_Pow and expression.args[1].is_Integer:
        return _power(*expression.args)
    rule = _RULES.get(expression.func)
    coefficients = _polynomial_argument(expression) if rule is not None else None
    return None if rule is None or coefficients is None else rule(*coefficients)


def _joined(parts: Iterable[sp.Expr], rule: Callable[[TermSum, TermSum], TermSum]) -> TermSum | None:
    found = [terms_of(part) for part in parts]
    known = [part for part in found if part is not None]
    if len(known) < len(found) or sum(len(part) for part in known) > MOST_TERMS:
        return None
    result = reduce(rule, known)
    return result if len(result) <= MOST_TERMS else None


def _power(base: sp.Expr, exponent: sp.Integer) -> TermSum | None:
    if base == X:
        return TermSum([(Term(int(exponent)), sp.S.One)])
    inner = terms_of(base)
    if inner is None or exponent < 0 or exponent > _HIGHEST_POWER:
        return None
    result = TermSum([(Term(), sp.S.One)])
    for _ in range(int(exponent)):
        result = result * inner
        if len(result) > MOST_TERMS:
            return None
    return result


def _polynomial_argument(expression: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """Coefficients (c0, c1, c2) of an argument c0 + c1 x + c2 x^2."""
    argument = expression.args[0]
    if not argument.is_polynomial(X) or sp.degree(argument, X) > 2:
        return None
    expanded = sp.expand(argument)
    return expanded.coeff(X, 0), expanded.coeff(X, 1), expanded.coeff(X, 2)


def _exponential(c0: sp.Expr, c1: sp.Expr, c2: sp.Expr) -> TermSum | None:
    if c2 != 0 and not c2.is_nonpositive:
        return None
    return TermSum([(Term(0, c1, -c2), sp.exp(c0))])


def _two_exponentials(
    at_plus: sp.Expr, at_minus: sp.Expr, imaginary: bool
) -> Callable[[sp.Expr, sp.Expr, sp.Expr], TermSum | None]:
    unit = sp.I if imaginary else sp.S.One

    def rule(c0: sp.Expr, c1: sp.Expr, c2: sp.Expr) -> TermSum | None:
        if c2 != 0:
            return None
        return TermSum(
            [(Term(0, unit * c1), at_plus * sp.exp(unit * c0)), (Term(0, -unit * c1), at_minus * sp.exp(-unit * c0))]
        )

    return rule


def _error_function(c0: sp.Expr, c1: sp.Expr, c2: sp.Expr) -> TermSum | None:
    return TermSum([(Term(0, erfs=((c1, c0),)), sp.S.One)]) if c2 == 0 else None


def _complementary(c0: sp.Expr, c1: sp.Expr, c2: sp.Expr) -> TermSum | None:
    erf = _error_function(c0, c1, c2)
    return None if erf is None else TermSum([(Term(), sp.S.One)]) - erf


_HALF = sp.Rational(1, 2)
_RULES: dict[object, Callable[[sp.Expr, sp.Expr, sp.Expr], TermSum | None]] = {
    sp.exp: _exponential,
    sp.sin: _two_exponentials(-sp.I / 2, sp.I / 2, imaginary=True),
    sp.cos: _two_exponentials(_HALF, _HALF, imaginary=True),
    sp.sinh: _two_exponentials(_HALF, -_HALF, imaginary=False),
    sp.cosh: _two_exponentials(_HALF, _HALF, imaginary=False),
    sp.erf: _error_function,
    sp.erfc: _complementary,
}
