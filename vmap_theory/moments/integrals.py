r"""Gaussian expectations of piecewise sums of terms, and their derivatives in q, in closed form.

With n(x; q) the density of N(0, q) and Q(x; q) = erfc(x / sqrt(2 q)) / 2 its upper tail, the tail moments

.. math:: T_k(a) = \int_a^\infty x^k n(x; q)\,dx = \alpha_k(a, q)\, Q(a; q) + \beta_k(a, q)\, n(a; q)

obey ``alpha_0 = 1, beta_0 = 0, alpha_1 = 0, beta_1 = q`` and, by one integration by parts,

.. math:: \alpha_k = (k-1)\, q\, \alpha_{k-2}, \qquad \beta_k = (k-1)\, q\, \beta_{k-2} + q\, a^{k-1}.

Run downwards the recursion gives negative k, on top of ``T_{-1}(a) = E_1(a^2/(2 q)) / (2 sqrt(2 pi q))``.  A factor
``exp(c x - d x^2)`` completes the square: with ``q' = q / (1 + 2 d q)`` it turns N(0, q) into
``sqrt(q'/q) exp(c^2 q'/2)`` times N(c q', q').  Factors erf(b x + e) are integrated over the whole line by Stein's
recursion ``E[x g] = q E[g']`` down to ``E[erf(b x + e)] = erf(e / sqrt(1 + 2 b^2 q))`` and
``E[erf(b x) erf(b' x)] = (2/pi) asin(2 b b' q / sqrt((1 + 2 b^2 q)(1 + 2 b'^2 q)))``.

A piecewise f is its leftmost function plus, at each break a, the change of function times the step at a; hence E[f] is
a moment over the line plus tail moments of the changes.  (Functions that have no integral there, such as 1/x on the
line, cancel: T_k is an antiderivative, and the line stands for its value at -oo.)  A derivative in q is an expectation
again: the heat equation gives ``d^r/dq^r E[f] = 2^-r E[f^(2r)]`` with f^(2r) a *distribution*, whose point masses at
the breaks are the kink terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from ..activations.signs import sign_of
from .canonical import Q, collected
from .terms import Term, TermSum, bell_of

Part = tuple[sp.Expr, sp.Expr]
"""A transcendental factor and its rational coefficient."""


class _NoClosedForm(Exception):  # noqa: N818  (not an error: the answer of a search)
    """Raised inside this module where no closed form is known."""


@dataclass(frozen=True)
class _Gaussian:
    """The measure ``sqrt(weight) exp(exponent)`` times N(0, variance), what completing the square leaves of N(0, q)."""

    variance: sp.Expr = Q
    weight: sp.Expr = sp.S.One
    exponent: sp.Expr = sp.S.Zero

    @property
    def factor(self) -> sp.Expr:
        return sp.sqrt(self.weight) * sp.exp(self.exponent)

    def with_bell(self, linear: sp.Expr, quadratic: sp.Expr) -> tuple[_Gaussian, sp.Expr]:
        """The measure times exp(linear x - quadratic x^2): a Gaussian again, and the mean that it moves to."""
        ratio = sp.cancel(1 / (1 + 2 * quadratic * self.variance))
        variance = sp.cancel(self.variance * ratio)
        moved = _Gaussian(
            variance,
            sp.cancel(self.weight * ratio),
            sp.expand(self.exponent + sp.cancel(linear**2 * variance / 2)),
        )
        return moved, sp.cancel(linear * variance)


def expectation(breaks: Sequence[sp.Expr], functions: Sequence[TermSum], q_derivatives: int = 0) -> sp.Expr | None:
    r"""Return ``d^r/dq^r E[f(X)]`` for X ~ N(0, q) in canonical form, or None if no closed form is known.

    Parameters
    ----------
    breaks : sequence of sympy expressions
        Ascending break points, free of q.
    functions : sequence of TermSum
        f between them, one more than `breaks`.
    q_derivatives : int
        r >= 0.  Jumps and kinks of f at the breaks enter as point masses:
        ``E[D^(2r) f] = E[{f^(2r)}] + sum_a sum_j step_j(a) (-1)^(2r-1-j) n^(2r-1-j)(a)``,
        where step_j(a) is the jump of the j-th derivative of f at a.

    Examples
    --------
    >>> from .terms import terms_of
    >>> from ..activations.symbols import X
    >>> expectation([sp.Integer(0)], [terms_of(sp.Integer(0)), terms_of(X**2)])
    q/2
    >>> expectation([], [terms_of(sp.cos(X))])
    exp(-q/2)
    """
    order = 2 * q_derivatives
    try:
        parts = list(_parts(breaks, functions, order))
    except _NoClosedForm:
        return None
    scale = sp.Rational(1, 2**q_derivatives)
    return collected((factor, scale * coefficient) for factor, coefficient in parts)


def _parts(breaks: Sequence[sp.Expr], functions: Sequence[TermSum], order: int) -> Iterator[Part]:
    smooth = [function.derivative(order) for function in functions]
    for term, coefficient in _one_of_each_pair(smooth[0]):
        yield from _line(term, coefficient)
    for at, (left, right), (f_left, f_right) in zip(breaks, pairwise(smooth), pairwise(functions), strict=True):
        for term, coefficient in _one_of_each_pair(right - left):
            yield from _tail(term, coefficient, at)
        yield from _point_masses(f_right - f_left, at, order)


def _one_of_each_pair(function: TermSum) -> Iterator[tuple[Term, sp.Expr]]:
    """All real terms, and of two conjugate ones that with the positive frequency, doubled: its real part counts."""
    for term, coefficient in function:
        frequency = sp.im(term.linear)
        if frequency == 0:
            yield term, coefficient
        elif sign_of(frequency) == 1 or (sign_of(frequency) is None and not frequency.could_extract_minus_sign()):
            yield term, 2 * coefficient


def _line(term: Term, coefficient: sp.Expr) -> Iterator[Part]:
    """The moment of one term over the whole line; of its real part, if it is complex."""
    if term.power < 0 and (term.linear != 0 or term.erfs):
        raise _NoClosedForm
    measure, mean = _Gaussian().with_bell(term.linear, term.quadratic)
    erfs = tuple((b, sp.expand(e + b * mean)) for b, e in term.erfs)
    if sp.im(term.linear) != 0:
        if erfs:
            raise _NoClosedForm
        yield from _real_parts(measure, coefficient * _polynomial_moment(term.power, mean, measure.variance))
        return
    for k, c in _shifted(term.power, mean):
        for factor, value in _centred(k, erfs, measure):
            yield factor, coefficient * c * value


def _shifted(power: int, mean: sp.Expr) -> Iterator[tuple[int, sp.Expr]]:
    """x^power as powers of y = x - mean."""
    if mean == 0:
        yield power, sp.S.One
        return
    for k in range(power + 1):
        yield k, sp.binomial(power, k) * mean ** (power - k)


def _centred(k: int, erfs: tuple[tuple[sp.Expr, sp.Expr], ...], measure: _Gaussian) -> Iterator[Part]:
    """The moment of y^k erf(b y + e) ... under a centred measure, by Stein's recursion."""
    v = measure.variance
    if not erfs:
        if k % 2 == 0:
            yield measure.factor, _even_moment(k, v)
        return
    if k > 0:
        if k > 1:
            for factor, value in _centred(k - 2, erfs, measure):
                yield factor, v * (k - 1) * value
        for index, (b, e) in enumerate(erfs):
            bell, height = bell_of(b, e)
            inner, mean = measure.with_bell(bell.linear, bell.quadratic)
            rest = tuple((b2, sp.expand(e2 + b2 * mean)) for b2, e2 in erfs[:index] + erfs[index + 1 :])
            for j, c in _shifted(k - 1, mean):
                for factor, value in _centred(j, rest, inner):
                    yield factor, v * height * c * value
        return
    if len(erfs) == 1:
        ((b, e),) = erfs
        if e != 0:
            yield measure.factor * sp.erf(e / sp.sqrt(sp.cancel(1 + 2 * b**2 * v))), sp.S.One
        return
    if len(erfs) == 2 and all(e == 0 for _, e in erfs):
        (b1, _), (b2, _) = erfs
        spread = sp.factor(sp.cancel((1 + 2 * b1**2 * v) * (1 + 2 * b2**2 * v)))
        sine = 2 * b1 * b2 * v / sp.sqrt(spread)
        yield measure.factor * sp.asin(sp.cancel(sine) if b1 == b2 else sine), 2 / sp.pi
        return
    raise _NoClosedForm  # two shifted erfs need Owen's T, three an orthant probability


def _even_moment(k: int, v: sp.Expr) -> sp.Expr:
    """E[y^k] = (k - 1)!! v^(k/2) for even k; for negative k what the downward recursion puts at -oo."""
    if k >= 0:
        return sp.factorial2(k - 1) * v ** (k // 2)
    return _even_moment(k + 2, v) / ((k + 1) * v)


def _polynomial_moment(power: int, mean: sp.Expr, v: sp.Expr) -> sp.Expr:
    return sum((c * _even_moment(k, v) for k, c in _shifted(power, mean) if k % 2 == 0), sp.S.Zero)


def _real_parts(measure: _Gaussian, coefficient: sp.Expr) -> Iterator[Part]:
    """The real part of coefficient times the measure's factor, whose exponent is complex."""
    real, imaginary = sp.expand(coefficient).as_real_imag()
    growth, angle = measure.exponent.as_real_imag()
    size = sp.sqrt(measure.weight) * sp.exp(sp.expand(growth))
    angle = sp.expand(angle)
    yield size * sp.cos(angle), real
    yield size * sp.sin(angle), -imaginary


def _tail(term: Term, coefficient: sp.Expr, at: sp.Expr) -> Iterator[Part]:
    """The integral of one term from `at` to oo; of its real part, if it is complex."""
    if term.erfs or (term.power < 0 and term.linear != 0):
        raise _NoClosedForm
    measure, mean = _Gaussian().with_bell(term.linear, term.quadratic)
    start = sp.expand(at - mean)
    if term.power < 0:
        yield from _inverse_tail(term, coefficient, at, measure)
        return
    alpha, beta = sp.S.Zero, sp.S.Zero
    for k, c in _shifted(term.power, mean):
        alpha_k, beta_k = _tail_factors(k, start, measure.variance)
        alpha, beta = alpha + c * alpha_k, beta + c * beta_k
    if sp.im(term.linear) != 0:
        yield from _complex_tail(term, at, (start, measure), (coefficient * alpha, coefficient * beta))
        return
    yield from _upper_tail(start, measure, coefficient * alpha)
    yield _density(term, at), coefficient * beta


def _tail_factors(k: int, start: sp.Expr, v: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Factors (alpha_k, beta_k) of the tail moment T_k(start)."""
    alpha, beta = (sp.S.Zero, v) if k % 2 else (sp.S.One, sp.S.Zero)
    for j in range(3 if k % 2 else 2, k + 1, 2):
        alpha, beta = (j - 1) * v * alpha, (j - 1) * v * beta + v * start ** (j - 1)
    return alpha, beta


def _upper_tail(start: sp.Expr, measure: _Gaussian, alpha: sp.Expr) -> Iterator[Part]:
    """Alpha Q(start) with erfc on its small side where the sign of `start` is known: Q(-a) = 1 - Q(a)."""
    if start.is_zero:
        yield measure.factor, alpha / 2
    elif start.is_nonpositive:
        yield measure.factor, alpha
        yield measure.factor * _erfc(-start, measure.variance), -alpha / 2
    else:
        yield measure.factor * _erfc(start, measure.variance), alpha / 2


def _erfc(start: sp.Expr, v: sp.Expr) -> sp.Expr:
    if v == Q:
        argument = sp.sqrt(2) * start / (2 * sp.sqrt(Q))
        return sp.erfc(sp.expand(argument) if start.has(Q) else argument)
    return sp.erfc(sp.cancel(start / v) * sp.sqrt(v / 2))


def _density(term: Term, at: sp.Expr) -> sp.Expr:
    """n(at; q) exp(c at - d at^2), with a real exponent."""
    rate = term.linear.as_real_imag()[0]
    size = -at if at.could_extract_minus_sign() else at  # the same factor for a and -a
    exponent = -(size**2) / (2 * Q) + sp.expand(rate * at - term.quadratic * at**2)
    return sp.exp(exponent) / (sp.sqrt(2) * sp.sqrt(sp.pi) * sp.sqrt(Q))


def _inverse_tail(term: Term, coefficient: sp.Expr, at: sp.Expr, measure: _Gaussian) -> Iterator[Part]:
    """T_k for negative k, from T_0 or T_-1 downwards: T_(k-2) = (T_k - v a^(k-1) n(a)) / ((k - 1) v)."""
    v, k = measure.variance, 0 if term.power % 2 == 0 else -1
    head, beta = sp.S.One, sp.S.Zero
    while k > term.power:
        head, beta = head / ((k - 1) * v), (beta - v * at ** (k - 1)) / ((k - 1) * v)
        k -= 2
    if term.power % 2 == 0:
        yield from _upper_tail(at, measure, coefficient * head)
    else:
        integral = sp.expint(1, sp.expand(at**2 / (2 * v))) / (sp.sqrt(2) * sp.sqrt(sp.pi) * sp.sqrt(Q))
        yield integral, coefficient * head / 2
    yield _density(term, at), coefficient * beta


def _complex_tail(
    term: Term, at: sp.Expr, place: tuple[sp.Expr, _Gaussian], factors: tuple[sp.Expr, sp.Expr]
) -> Iterator[Part]:
    """The real part of a tail of oscillating terms: erfc of a complex argument."""
    start, measure = place
    alpha, beta = (sp.expand(factor).as_real_imag() for factor in factors)
    whole = measure.factor * _erfc(start, measure.variance)
    yield sp.re(whole, evaluate=False), alpha[0] / 2
    yield sp.im(whole, evaluate=False), -alpha[1] / 2
    angle = sp.expand(sp.im(term.linear) * at)
    yield _density(term, at), beta[0] * sp.cos(angle) - beta[1] * sp.sin(angle)


def _point_masses(change: TermSum, at: sp.Expr, order: int) -> Iterator[Part]:
    """The point masses that D^order f has at `at`, where f changes by `change`."""
    for j in range(order):
        weight = _hermite_scaled(order - 1 - j, at)  # (-1)^k n^(k)(a) = He_k(a/sqrt(q)) q^(-k/2) n(a)
        for term, coefficient in _one_of_each_pair(change.derivative(j)):
            if term.erfs:
                raise _NoClosedForm
            real, imaginary = sp.expand(coefficient).as_real_imag() if coefficient.has(sp.I) else (coefficient, 0)
            angle = sp.expand(sp.im(term.linear) * at)
            value = real * sp.cos(angle) - imaginary * sp.sin(angle)
            yield _density(term, at), value * at**term.power * weight


def _hermite_scaled(k: int, at: sp.Expr) -> sp.Expr:
    """``He_k(at/sqrt(q)) q^(-k/2)``, a polynomial in at and 1/q."""
    previous, current = sp.Integer(0), sp.Integer(1)
    for i in range(k):
        previous, current = current, (at * current - i * previous) / Q
    return current
