r"""Truncated Gaussian moments in closed form, and the canonical form that every derived formula has.

With n(x; q) the density of N(0, q) and Q(x; q) = erfc(x / sqrt(2 q)) / 2 its upper tail, the tail moments

.. math:: T_k(a) = \int_a^\infty x^k n(x; q)\,dx = \alpha_k(a, q)\, Q(a; q) + \beta_k(a, q)\, n(a; q)

obey ``alpha_0 = 1, beta_0 = 0, alpha_1 = 0, beta_1 = q`` and, by one integration by parts,

.. math:: \alpha_k = (k-1)\, q\, \alpha_{k-2}, \qquad \beta_k = (k-1)\, q\, \beta_{k-2} + q\, a^{k-1}.

A piecewise polynomial f is its leftmost polynomial plus, at each break a, the change of polynomial times the step at
a; hence E[f] is a polynomial moment plus tail moments of the changes.  A derivative in q is an expectation again: the
heat equation gives ``d^r/dq^r E[f] = 2^-r E[f^(2r)]`` with f^(2r) a *distribution*, whose point masses at the breaks
are the kink terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from .activations.partition import X, compare, sign_of
from .errors import PiecesError

Q = sp.Symbol("q", positive=True)
"""The pre-activation variance, in every formula."""

_MOST_FACTORED = 40  # terms; factoring more takes seconds and shortens nothing


@dataclass(frozen=True)
class TailTerm:
    """``erfc_factor * erfc(at / sqrt(2 q)) + density_factor * n(at; q)``; ``at >= 0`` wherever its sign is known."""

    at: sp.Expr
    erfc_factor: sp.Expr
    density_factor: sp.Expr


@dataclass(frozen=True)
class GaussianForm:
    """The canonical form ``constant + sum of tail terms`` of a Gaussian expectation.

    The functions 1, erfc(a / sqrt(2 q)) and exp(-a^2 / (2 q)) for distinct a >= 0 are linearly independent over the
    rational functions of sqrt(q), and each factor has one normal form, so two equal expectations have the same form
    (irrational numbers stay as they were written).

    Attributes
    ----------
    constant : sympy expression
        The part without erfc or exp, rational in q and the parameters.
    terms : tuple of TailTerm
        Ascending in ``at``; no term is zero and no point stands twice.
    """

    constant: sp.Expr
    terms: tuple[TailTerm, ...]

    def expression(self) -> sp.Expr:
        """Return the form as one SymPy expression in q and the parameters."""
        total = self.constant
        for term in self.terms:
            total += term.erfc_factor * sp.erfc(sp.sqrt(2) * term.at / (2 * sp.sqrt(Q)))
            total += term.density_factor * normal_density(term.at)
        return total


def normal_density(at: sp.Expr) -> sp.Expr:
    """Density of N(0, q) at a point, ``exp(-at^2/(2 q)) / sqrt(2 pi q)``."""
    return sp.exp(-(at**2) / (2 * Q)) / (sp.sqrt(2) * sp.sqrt(sp.pi) * sp.sqrt(Q))


def expectation(breaks: Sequence[sp.Expr], polynomials: Sequence[sp.Expr], q_derivatives: int = 0) -> GaussianForm:
    r"""Return ``d^r/dq^r E[f(X)]`` for X ~ N(0, q) and a piecewise polynomial f, in canonical form.

    Parameters
    ----------
    breaks : sequence of sympy expressions
        Ascending break points, free of q.
    polynomials : sequence of sympy expressions in x
        One more than `breaks`.
    q_derivatives : int
        r >= 0.  Jumps and kinks of f at the breaks enter as point masses:
        ``E[D^(2r) f] = E[{f^(2r)}] + sum_a sum_j step_j(a) (-1)^(2r-1-j) n^(2r-1-j)(a)``,
        where step_j(a) is the jump of the j-th derivative of f at a.

    Examples
    --------
    >>> relu_squared = expectation([sp.Integer(0)], [sp.Integer(0), X**2])
    >>> relu_squared.expression()
    q/2
    """
    order = 2 * q_derivatives
    smooth = [sp.diff(polynomial, X, order) for polynomial in polynomials]
    constant = _full_moment(smooth[0])
    factors: list[tuple[sp.Expr, sp.Expr, sp.Expr]] = []
    for at, left, right, f_left, f_right in zip(breaks, smooth, smooth[1:], polynomials, polynomials[1:], strict=False):
        alpha, beta = _tail_moment(sp.expand(right - left), at)
        beta += _point_masses(sp.expand(f_right - f_left), at, order)
        if at.is_nonpositive and not at.is_zero:  # Q(-a) = 1 - Q(a) keeps every erfc on its small side
            constant += alpha
            at, alpha = sp.expand(-at), -alpha
        factors.append((at, alpha, beta))
    scale = sp.Rational(1, 2**q_derivatives)
    constant, terms = _collected(constant, factors, scale)
    return GaussianForm(constant, terms)


def _full_moment(polynomial: sp.Expr) -> sp.Expr:
    """E[polynomial] over the whole line: E[X^k] = (k - 1)!! q^(k/2) for even k."""
    terms = sp.Poly(polynomial, X).terms()
    return sum((c * sp.factorial2(k - 1) * Q ** (k // 2) for (k,), c in terms if k % 2 == 0), sp.Integer(0))


def _tail_moment(polynomial: sp.Expr, at: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Factors (alpha, beta) of the integral of `polynomial` times the density over (at, oo)."""
    coefficients = sp.Poly(polynomial, X).all_coeffs()[::-1]
    alphas, betas = [sp.Integer(1), sp.Integer(0)], [sp.Integer(0), Q]
    for k in range(2, len(coefficients)):
        alphas.append((k - 1) * Q * alphas[k - 2])
        betas.append((k - 1) * Q * betas[k - 2] + Q * at ** (k - 1))
    alpha = sum((c * a for c, a in zip(coefficients, alphas, strict=False)), sp.Integer(0))
    beta = sum((c * b for c, b in zip(coefficients, betas, strict=False)), sp.Integer(0))
    return alpha, beta


def _point_masses(change: sp.Expr, at: sp.Expr, order: int) -> sp.Expr:
    """Density factor of the point masses that D^order f has at `at`, where f changes by the polynomial `change`."""
    total = sp.Integer(0)
    for j in range(order):
        step = sp.diff(change, X, j).subs(X, at)
        k = order - 1 - j
        total += step * _hermite_scaled(k, at)  # (-1)^k n^(k)(a) = He_k(a/sqrt(q)) q^(-k/2) n(a)
    return total


def _hermite_scaled(k: int, at: sp.Expr) -> sp.Expr:
    """``He_k(at/sqrt(q)) q^(-k/2)``, a polynomial in at and 1/q."""
    previous, current = sp.Integer(0), sp.Integer(1)
    for i in range(k):
        previous, current = current, (at * current - i * previous) / Q
    return current


def _collected(
    constant: sp.Expr, factors: Sequence[tuple[sp.Expr, sp.Expr, sp.Expr]], scale: sp.Rational
) -> tuple[sp.Expr, tuple[TailTerm, ...]]:
    """Join terms at the same point, and at zero put Q(0) = 1/2 into the constant."""
    points: list[sp.Expr] = []
    sums: dict[sp.Expr, tuple[sp.Expr, sp.Expr]] = {}
    for at, alpha, beta in factors:
        if at.is_zero:
            constant, alpha, at = constant + alpha / 2, sp.Integer(0), sp.Integer(0)
        at = next((point for point in points if _equal(point, at)), at)
        if at not in sums:
            points.append(at)
            sums[at] = (sp.Integer(0), sp.Integer(0))
        sums[at] = (sums[at][0] + alpha, sums[at][1] + beta)
    terms = []
    for at in points:
        term = TailTerm(at, _canonical(scale * sums[at][0] / 2), _canonical(scale * sums[at][1]))
        if term.erfc_factor != 0 or term.density_factor != 0:
            terms.append(term)
    return _canonical(scale * constant), tuple(_sorted_terms(terms))


def _canonical(coefficient: sp.Expr) -> sp.Expr:
    """Factored where parameters are symbolic and the terms few; else a sum of powers of q."""
    expanded = sp.expand(coefficient)
    if expanded.free_symbols <= {Q}:  # radicals can vanish without looking it: by value
        powers = sp.collect(expanded, Q, evaluate=False)
        return sum((power * c for power, c in powers.items() if c.is_Rational or sign_of(c) != 0), sp.Integer(0))
    if len(sp.Add.make_args(expanded)) > _MOST_FACTORED:
        return expanded
    return sp.factor(expanded)


def _equal(left: sp.Expr, right: sp.Expr) -> bool:
    return bool(left == right) or (not (left - right).free_symbols and compare(left, right) == 0)


def _sorted_terms(terms: list[TailTerm]) -> list[TailTerm]:
    """Ascending points; insertion keeps the order defined where two points cannot be compared."""
    result: list[TailTerm] = []
    for term in terms:
        place = len(result)
        while place and _lies_below(term.at, result[place - 1].at):
            place -= 1
        result.insert(place, term)
    return result


def _lies_below(left: sp.Expr, right: sp.Expr) -> bool:
    try:
        return compare(left, right) < 0
    except PiecesError:  # |a| and |b| of opposite sides need not be ordered; their names decide
        return bool(sp.default_sort_key(left) < sp.default_sort_key(right))
