r"""Gaussian moments as data: integrals of polynomials over half-line parts, plus terms at break points.

A `Functional` stands for

.. math::
    q^{-r} \Big( \sum_{parts} \int P(t)\, n(start + t)\, dt + \sum_{points} \sum_{k, j} C_{kj}\, u^k s^{-j} n(u) \Big)

with the standard normal density in units of s = sqrt(q), that is `n(x) dx = pdf(x/s) dx/s` under the integral and
`n(u) = pdf(u)`, u = at/s, in the terms at points.  The five moments of an activation are functionals, and so is every
derivative of one in q or in a parameter, exactly and to any order:

- s d/ds moves onto the polynomial as x d/dx (scaling x instead of differentiating the density), and a jump [P] at a
  point leaves u [P] n(u) there;
- d/dtheta differentiates the polynomial at fixed x, and a point that moves leaves -[P] (d at/dtheta) n(u)/s.

With P = phi^2 this gives, among others,

.. math::
    q\, dE/dq         &= \tfrac12 \int u\, w' + \tfrac12 \sum u\, [w]\, n(u), \qquad w = \phi^2 \\
    4 q^2\, d^2E/dq^2 &= \int (u^2 w'' - u\, w') + \sum s\, u^2 [w']\, n(u) + \sum u (u^2 - 3) [w]\, n(u)

whose first line is a sum of non-negative terms for every activation that grows away from zero.  What the textbook
difference of erfc and exp loses for tau/s > 6, these forms never had to subtract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from ..activations.base import Activation
from .plan import Plan, factored, plan_for

Ends = tuple[sp.Expr, sp.Expr]
Coefficients = tuple[sp.Expr, ...]
Weights = Mapping[tuple[int, int], sp.Expr]


@dataclass(frozen=True)
class Functional:
    """A Gaussian moment or a derivative of one, in units of `plan.UNIT`.

    Attributes
    ----------
    parts : tuple of ((start, stop), coefficients of P)
        Each pair of ends once; coefficients lowest power of t first.
    points : tuple of (at, ((k, j), C) pairs)
        Each point once.
    order : int
        r, the power of 1/q in front.
    power : int
        The functional scales as this power of the unit of x.
    """

    parts: tuple[tuple[Ends, Coefficients], ...]
    points: tuple[tuple[sp.Expr, tuple[tuple[tuple[int, int], sp.Expr], ...]], ...]
    order: int
    power: int

    @property
    def is_zero(self) -> bool:
        """Whether it is zero for all arguments."""
        return not self.parts and not self.points

    def in_q(self) -> Functional:
        """The derivative in q: ``d/dq q^-r F = q^-(r+1) (s dF/ds / 2 - r F)``."""
        half, rest = sp.Rational(1, 2), -sp.Integer(self.order)
        parts = [(ends, _scaled(_euler(ends[0], p), half)) for ends, p in self.parts]
        parts += [(ends, _scaled(p, rest)) for ends, p in self.parts]
        points = [(at, {(1, 0): half * jump}) for at, jump in _jumps(self.parts)]
        for at, weights in self.points:
            for (k, j), weight in weights:
                points.append((at, {(k + 2, j): half * weight, (k, j): (rest - half * (k + j)) * weight}))
        return _collected(parts, points, self.order + 1, self.power - 2)

    def in_parameter(self, symbol: sp.Symbol, dimension: int) -> Functional:
        """The derivative in a parameter of a dimension (see `plan`); `symbol` as it occurs in the expressions."""
        parts = [(ends, _derivative(ends[0], p, symbol)) for ends, p in self.parts]
        points = [(at, {(0, 1): -jump * sp.diff(at, symbol)}) for at, jump in _jumps(self.parts)]
        for at, weights in self.points:
            moves = sp.diff(at, symbol)
            for (k, j), weight in weights:
                points.append((at, {(k, j): sp.diff(weight, symbol), (k + 1, j + 1): -weight * moves}))
                if k:
                    points.append((at, {(k - 1, j + 1): k * weight * moves}))
        return _collected(parts, points, self.order, self.power - dimension)


@dataclass(frozen=True)
class MomentFunctionals:
    """The five moments of an activation, and where its values decide between cases.

    Attributes
    ----------
    moments : dict of str -> Functional
        By the names of `result.MOMENT_NAMES`.
    density : Functional
        P(phi != 0).
    vanishing : tuple of ((start, stop), coefficients of phi)
        Parts on which phi may vanish for single values of the parameters, such as a slope of 0.
    plan : Plan
        Where it comes from.
    """

    moments: Mapping[str, Functional]
    density: Functional
    vanishing: tuple[tuple[Ends, Coefficients], ...]
    plan: Plan


@lru_cache(maxsize=512)
def moment_functionals(act: Activation) -> MomentFunctionals:
    """Return the moments of an activation whose pieces are polynomials.

    Raises
    ------
    SymbolicParameterError
        The sign of a break point depends on the parameters that are left symbolic.
    """
    plan = plan_for(act)
    squares = [((part.start, part.stop), _product(part.coefficients, part.coefficients)) for part in plan.parts]
    slopes = [((part.start, part.stop), _slope(part.coefficients)) for part in plan.parts]
    one = (sp.Integer(1),)
    zeros = [((part.start, part.stop), one) for part in plan.parts if not part.coefficients]
    others = [((part.start, part.stop), one) for part in plan.parts if part.coefficients]
    second = _collected(squares, [], 0, 2)
    moments = {
        "second_moment": second,
        "d_second_moment": second.in_q(),
        "d2_second_moment": second.in_q().in_q(),
        "slope_moment": _collected([(ends, _product(p, p)) for ends, p in slopes], [], 0, 0),
        "sparsity": _collected(zeros, [], 0, 0),
    }
    vanishing = tuple(
        ((part.start, part.stop), part.coefficients)
        for part in plan.parts
        if part.coefficients and not any(c.is_zero is False for c in part.coefficients)
    )
    return MomentFunctionals(moments, _collected(others, [], 0, 0), vanishing, plan)


def _product(left: Coefficients, right: Coefficients) -> Coefficients:
    result = [sp.Integer(0)] * max(len(left) + len(right) - 1, 0)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            result[i + j] += a * b
    return tuple(result)


def _slope(coefficients: Coefficients) -> Coefficients:
    """P'(t)."""
    return tuple(power * c for power, c in enumerate(coefficients))[1:]


def _euler(start: sp.Expr, p: Coefficients) -> Coefficients:
    """Coefficients of x P', where x = start + t."""
    slope = _slope(p)
    return tuple(
        start * (slope[k] if k < len(slope) else 0) + (slope[k - 1] if k else 0) for k in range(len(slope) + 1)
    )


def _derivative(start: sp.Expr, p: Coefficients, symbol: sp.Symbol) -> Coefficients:
    """Coefficients of dP/dtheta at fixed x: t = x - start moves with the start."""
    moves, slope = sp.diff(start, symbol), _slope(p)
    return tuple(sp.diff(c, symbol) - moves * (slope[k] if k < len(slope) else 0) for k, c in enumerate(p))


def _scaled(p: Coefficients, factor: sp.Expr) -> Coefficients:
    return tuple(factor * c for c in p)


def _jumps(parts: Sequence[tuple[Ends, Coefficients]]) -> list[tuple[sp.Expr, sp.Expr]]:
    """(point, what P gains there, outwards), one entry for every end of a part; they are summed later.

    A point at 0 does not move and has weight u = 0.
    """
    found = []
    for (start, stop), p in parts:
        if start != 0 and p:
            found.append((start, p[0]))
        if stop != sp.oo:
            found.append((stop, -sum(c * (stop - start) ** power for power, c in enumerate(p))))
    return found


def _collected(
    parts: Sequence[tuple[Ends, Coefficients]],
    points: Sequence[tuple[sp.Expr, Weights]],
    order: int,
    power: int,
) -> Functional:
    """Sum the terms on the same ends and at the same points, and drop what vanishes."""
    by_ends: dict[Ends, list[sp.Expr]] = {}
    for ends, p in parts:
        total = by_ends.setdefault(ends, [])
        total += [sp.Integer(0)] * (len(p) - len(total))
        for k, c in enumerate(p):
            total[k] += c
    by_point: dict[sp.Expr, dict[tuple[int, int], sp.Expr]] = {}
    for at, weights in points:
        found = by_point.setdefault(at, {})
        for key, weight in weights.items():
            found[key] = found.get(key, sp.Integer(0)) + weight
    kept_parts = []
    for ends, total in by_ends.items():
        exact = [factored(c) for c in total]
        while exact and exact[-1] == 0:
            exact.pop()
        if exact:
            kept_parts.append((ends, tuple(exact)))
    kept_points = []
    for at, found in by_point.items():
        terms = tuple((key, exact) for key, weight in sorted(found.items()) if (exact := factored(weight)) != 0)
        if terms:
            kept_points.append((at, terms))
    return Functional(tuple(kept_parts), tuple(kept_points), order, power)
