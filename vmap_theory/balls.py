"""Rigorous enclosures of Gaussian moments by ball arithmetic (python-flint): the third judge.

Every number is a ball that is proven to hold the truth: `acb.integral` encloses the integral over a finite interval
whatever the integrand does between any points, which no rule with sampled points can promise.  Two things lie outside
that proof and are stated: beyond three halves of the cut (where the weight is 10^-100 for 30 digits) the integrand is
taken to fall on, since phi grows slower than exp(c x^2), which `activations.admission` tests by value; and whether phi
jumps is asked of the activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from .activations import Activation, as_activation
from .activations.features import features
from .activations.parameters import exact_number
from .activations.program import Algebra, Program
from .activations.signs import ascending, compare
from .activations.symbols import X
from .checks import integer_between
from .errors import DomainError, MissingExtraError, PrecisionError, SymbolicParameterError

_GUARD_DIGITS = 20
_MOST_DIGITS = 1000
_SHALLOWEST, _DEEPEST = 4, 14  # halvings of the tail
_MOST_EVALUATIONS = 200_000


@dataclass(frozen=True)
class Ball:
    """A number known to lie within `radius` of `midpoint`; both are mpmath numbers, exact."""

    midpoint: Any
    radius: Any

    def __contains__(self, number: Any) -> bool:
        """Whether an mpmath number lies inside."""
        return bool(abs(number - self.midpoint) <= self.radius)


@dataclass(frozen=True)
class BallMoments:
    """Gaussian moments as balls.

    Attributes
    ----------
    second_moment, d_second_moment, d2_second_moment : Ball
        E[phi^2] and its first two derivatives in q.
    slope_moment : Ball or None
        E[phi'^2]; None where it is infinite.
    sparsity : Ball
        P(phi = 0).
    """

    second_moment: Ball
    d_second_moment: Ball
    d2_second_moment: Ball
    slope_moment: Ball | None
    sparsity: Ball


def ball_moments(act: Activation | str, q: Any, digits: int = 30) -> BallMoments:
    """Enclose all Gaussian moments of `act` at variance `q`.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry; with a number for every parameter, not made from a Python function.
    q : number
        The variance, > 0; taken exactly.
    digits : int
        Decimal digits aimed at; the radii tell what was reached.

    Returns
    -------
    BallMoments

    Raises
    ------
    MissingExtraError
        python-flint is not installed (extra ``balls``).
    SymbolicParameterError
        A parameter has no number, or phi is a Python function.
    PrecisionError
        An integral could not be enclosed: phi is singular at an end of a piece.

    Examples
    --------
    >>> from vmap_theory.balls import ball_moments  # doctest: +SKIP
    >>> found = ball_moments("tanh", 1, digits=30)  # doctest: +SKIP
    >>> found.second_moment.radius < 1e-30  # doctest: +SKIP
    True
    """
    act = as_activation(act)
    act.require_numbers("an enclosure")
    if act.function is not None:
        raise SymbolicParameterError(f"{act.label} is a Python function: only an expression can be enclosed.")
    variance = exact_number("q", q)
    if not variance > 0:
        raise DomainError(f"q = {q} is outside its domain: it must be a number > 0.")
    digits = integer_between("digits", digits, 5, _MOST_DIGITS)
    try:
        import flint
    except ImportError:
        raise MissingExtraError.needing("ball arithmetic", "balls") from None
    with flint.ctx.workdps(digits + _GUARD_DIGITS):
        return _Encloser(flint, act, variance, digits).moments()


class _Encloser:
    """The integrals of one activation at one variance, at flint's current precision."""

    def __init__(self, flint: Any, act: Activation, q: sp.Expr, digits: int) -> None:
        self._flint, self._act, self._digits = flint, act, digits
        self._q = self._number(q).real
        self._root_q = self._q.sqrt()
        self._norm = 1 / (2 * flint.arb.pi() * self._q).sqrt()

    def moments(self) -> BallMoments:
        second, second_z2, second_z4, slope, zeros = (self._flint.arb(0),) * 5
        for piece in self._act.pieces:
            cuts = ascending([sp.Integer(0), *(sp.Rational(at) for at in features(piece.expression))])
            inner = [cut for cut in cuts if compare(piece.lower, cut) < 0 and compare(cut, piece.upper) < 0]
            for low, high in pairwise([piece.lower, *inner, piece.upper]):
                if piece.expression == 0:
                    zeros += self._mass(low, high)
                    continue
                phi = Program([piece.expression])
                second += self._integral(phi, low, high, 0)
                second_z2 += self._integral(phi, low, high, 2)
                second_z4 += self._integral(phi, low, high, 4)
                if not self._act.slope_is_infinite:
                    slope += self._integral(Program([sp.diff(piece.expression, X)]), low, high, 0)
        q = self._q
        return BallMoments(
            self._ball(second),
            self._ball((second_z2 - second) / (2 * q)),
            self._ball((second_z4 - 6 * second_z2 + 3 * second) / (4 * q * q)),
            None if self._act.slope_is_infinite else self._ball(slope),
            self._ball(zeros),
        )

    def _integral(self, program: Program, low: sp.Expr, high: sp.Expr, power: int) -> Any:
        """Enclose the integral of (program)^2 z^power times the density of N(0, q), z = x / sqrt(q)."""

        def integrand(x: Any, analytic: bool) -> Any:
            value = program.run({X.name: x}, self._algebra(analytic))[0]
            z = x / self._root_q
            return value * value * z**power * (-z * z / 2).exp() * self._norm

        total = self._flint.arb(0)
        cut = self._cut()
        start = -cut if low == -sp.oo else self._number(low).real
        stop = cut if high == sp.oo else self._number(high).real
        if high == sp.oo and not start < cut:  # a sparse tail beyond the usual cut
            stop = cut = 2 * start + cut
            total += self._tail(integrand, stop)
        elif high == sp.oo:
            total += self._tail(integrand, cut)
        if low == -sp.oo and not -cut < stop:
            start = 2 * stop - cut
            total += self._tail(lambda x, analytic: integrand(-x, analytic), -start)
        elif low == -sp.oo:
            total += self._tail(lambda x, analytic: integrand(-x, analytic), cut)
        found = self._flint.acb.integral(
            integrand,
            self._flint.acb(start),
            self._flint.acb(stop),
            rel_tol=self._flint.arb(10) ** -(self._digits + 5),
            eval_limit=_MOST_EVALUATIONS,
        )
        if not found.real.is_finite():
            raise PrecisionError(
                f"the integral of {self._act.label} between {low} and {high} could not be enclosed: phi is singular "
                "there, or turns too often."
            )
        return total + found.real

    def _tail(self, integrand: Any, cut: Any) -> Any:
        """Enclose the integral from `cut` to infinity: the next half of the cut twice over stands for all of it."""
        nearest = self._over(integrand, cut, 3 * cut / 2, 0)
        return nearest + self._flint.arb(0, abs(nearest).upper())

    def _over(self, integrand: Any, low: Any, high: Any, depth: int) -> Any:
        """Enclose an integral by the range of its integrand; halved where a ball is too wide to say anything."""
        found = (high - low) * integrand(self._flint.acb(low.union(high)), False).real
        if depth >= _SHALLOWEST and (found.is_finite() or depth >= _DEEPEST):
            return found
        middle = (low + high) / 2
        return self._over(integrand, low, middle, depth + 1) + self._over(integrand, middle, high, depth + 1)

    def _cut(self) -> Any:
        """exp(-z^2/2) is below 10^-(2 digits) beyond, which leaves room for whatever phi does there."""
        return self._root_q * (4 * (self._digits + _GUARD_DIGITS) * self._flint.arb(10).log()).sqrt()

    def _mass(self, low: sp.Expr, high: sp.Expr) -> Any:
        """Probability of an interval on one side of 0, as a difference of upper tails."""
        if compare(high, sp.Integer(0)) <= 0:
            low, high = -high, -low
        tails = [
            self._flint.arb(0) if end == sp.oo else (self._number(end).real / (2 * self._q).sqrt()).erfc() / 2
            for end in (low, high)
        ]
        return tails[0] - tails[1]

    def _ball(self, value: Any) -> Ball:
        import mpmath

        context = mpmath.MPContext()
        context.dps = self._digits + _GUARD_DIGITS
        midpoint, radius = (context.mpf(_man_exp(part)) for part in (value.mid(), value.rad()))
        return Ball(midpoint, radius)

    def _number(self, exact: sp.Expr) -> Any:
        if exact.is_Rational:
            return self._flint.acb(self._flint.arb(self._flint.fmpq(int(exact.p), int(exact.q))))
        digits = self._digits + 2 * _GUARD_DIGITS
        value = exact.evalf(digits, maxn=10 * digits, strict=True)
        size = max(abs(float(value)), 1e-300)
        return self._flint.acb(self._flint.arb(str(value), str(sp.Float(size, 5) * sp.Float(10, 5) ** (1 - digits))))

    def _algebra(self, analytic: bool) -> Algebra:
        """Balls; functions with branch cuts say whether an argument touches one."""
        imaginary = self._flint.acb(0, 1)

        def log(z: Any) -> Any:
            return z.log(analytic=analytic)

        def sqrt(z: Any) -> Any:
            return z.sqrt(analytic=analytic)

        def asin(z: Any) -> Any:
            return -imaginary * log(imaginary * z + sqrt(1 - z * z))

        functions: dict[str, Any] = {
            name: (lambda z, name=name: getattr(z, name)())
            for name in ("cos", "cosh", "erf", "erfc", "exp", "expm1", "sin", "sinh", "tan", "tanh")
        }
        functions |= {
            "log": log,
            "log1p": lambda z: log(1 + z),
            "log1pexp": lambda z: log(1 + z.exp()),
            "asin": asin,
            "acos": lambda z: self._flint.acb.pi() / 2 - asin(z),
            "asinh": lambda z: log(z + sqrt(z * z + 1)),
            "atan": lambda z: imaginary / 2 * (log(1 - imaginary * z) - log(1 + imaginary * z)),
        }
        return Algebra(self._number, functions, lambda base, exponent: base.pow(exponent, analytic=analytic))


def _man_exp(value: Any) -> tuple[int, int]:
    mantissa, exponent = value.man_exp()
    return int(mantissa), int(exponent)
