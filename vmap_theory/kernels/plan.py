"""Turn an activation into polynomials on half-line parts, exactly, before any rounding.

Each piece is cut at 0 and mirrored, so that it lies on ``start <= |x| <= stop`` with ``start >= 0``, and phi is
rewritten as a polynomial in the distance ``t = |x| - start`` from the end nearest zero.  SymPy does that shift, so
coefficients that vanish vanish exactly, and no digits are lost near a threshold.

Everything is measured in a unit: a positive number `UNIT`, in the numeric kernels sqrt(q).  With x = UNIT y the plan is
that of phi(UNIT y) / UNIT, and parameters with a dimension stand for their value over a power of UNIT.  For activations
that know no other length (the clipped and thresholded families) UNIT cancels; hardswish keeps it in its break points.
So squares of 1e-125 and of 1e125 never occur in the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from ..activations.base import Activation
from ..activations.pieces import Piece
from ..activations.signs import sign_of
from ..activations.symbols import X
from ..errors import SymbolicParameterError

UNIT = sp.Symbol("unit of x", positive=True)
"""The unit of x; no parameter can have this name."""

_T = sp.Dummy("t", nonnegative=True)  # no parameter of any name equals it


@dataclass(frozen=True)
class HalfLinePart:
    """phi on one part of the half line ``|x| = start + t``, ``start <= |x| <= stop``, all in units of UNIT.

    Attributes
    ----------
    start, stop : sympy expressions
        Free of x and q; `stop` may be oo.
    coefficients : tuple of sympy expressions
        phi as a polynomial in t, lowest power first; empty where phi is zero.
    """

    start: sp.Expr
    stop: sp.Expr
    coefficients: tuple[sp.Expr, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that the numeric kernels need to know of an activation.

    Attributes
    ----------
    parts : tuple of HalfLinePart
        All of the line, both halves.
    jumps : tuple of sympy expressions
        The jumps of phi, in the activation's own units.
    dimensions : dict of str -> int
        The power of UNIT by which the value of a parameter is divided.
    """

    parts: tuple[HalfLinePart, ...]
    jumps: tuple[sp.Expr, ...]
    dimensions: Mapping[str, int]


@lru_cache(maxsize=512)
def plan_for(act: Activation) -> Plan:
    """Cut `act` into half-line parts.

    Raises
    ------
    SymbolicParameterError
        The sign of a break point depends on the parameters that are left symbolic.
    """
    dimensions = _dimensions([point.at for point in act.breaks])
    in_units = {symbol: UNIT**power * symbol for symbol, power in dimensions.items()}
    parts = tuple(part for piece in act.pieces for part in _cut_at_zero(act, piece, in_units))
    jumps = tuple(point.jump for point in act.jumps)
    return Plan(parts, jumps, {symbol.name: power for symbol, power in dimensions.items()})


def _dimensions(breaks: Sequence[sp.Expr]) -> dict[sp.Symbol, int]:
    """The powers of a length that make every term of every break a length: tau 1, lambda in sqrt(2 lambda) 2.

    Terms without parameters say nothing.  Any answer is right, this one keeps UNIT out of the expressions; where there
    is none in integers, parameters are left as they are.
    """
    symbols = sorted({symbol for at in breaks for symbol in at.free_symbols}, key=str)
    unknown = {symbol: sp.Dummy() for symbol in symbols}
    equations = []
    for at in breaks:
        for term in sp.Add.make_args(sp.expand(at)):
            powers = {base: power for base, power in term.as_powers_dict().items() if base in unknown}
            if term.free_symbols - set(powers) or any(not power.is_Rational for power in powers.values()):
                return {}
            if powers:
                equations.append(sum(power * unknown[base] for base, power in powers.items()) - 1)
    solutions = list(sp.linsolve(equations, *unknown.values())) if equations else []
    if not solutions:
        return {}
    (solution,) = solutions
    found = [value.subs(dict.fromkeys(unknown.values(), 0)) for value in solution]
    return dict(zip(symbols, map(int, found), strict=True)) if all(value.is_Integer for value in found) else {}


def _cut_at_zero(act: Activation, piece: Piece, in_units: dict[sp.Symbol, sp.Expr]) -> list[HalfLinePart]:
    ends = []
    if piece.lower == -sp.oo or _sign(act, piece.lower) < 0:
        if piece.upper == sp.oo or _sign(act, piece.upper) > 0:
            ends = [(sp.Integer(0), -piece.lower, -1), (sp.Integer(0), piece.upper, 1)]
        else:
            ends = [(-piece.upper, -piece.lower, -1)]
    else:
        ends = [(piece.lower, piece.upper, 1)]
    return [_half_line_part(piece.expression, *where, in_units) for where in ends]


def _half_line_part(
    phi: sp.Expr, start: sp.Expr, stop: sp.Expr, direction: int, in_units: dict[sp.Symbol, sp.Expr]
) -> HalfLinePart:
    shifted = sp.Poly(sp.expand(phi.subs(X, direction * (start + _T))), _T)
    coefficients = tuple(
        _in_units(coefficient, power - 1, in_units)
        for power, coefficient in enumerate(shifted.all_coeffs()[::-1] if phi != 0 else ())
    )
    where = [end if end == sp.oo else _in_units(end, -1, in_units) for end in (start, stop)]
    return HalfLinePart(where[0], where[1], coefficients)


def _in_units(expression: sp.Expr, power: int, in_units: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Return UNIT^power times an expression in parameters that are given in units, factored.

    Factored, (tau - 1)^2 keeps its digits near tau = 1, which tau^2 - 2 tau + 1 does not.
    """
    return factored(expression.subs(in_units, simultaneous=True) * UNIT**power)


def factored(expression: sp.Expr) -> sp.Expr:
    """Return the expression expanded, so that what cancels is gone, and factored if it holds symbols."""
    expanded = sp.expand(expression)
    return sp.factor(expanded) if expanded.free_symbols else expanded


def _sign(act: Activation, point: sp.Expr) -> int:
    sign = sign_of(point)
    if sign is None:
        raise SymbolicParameterError(
            f"the sign of the break point {point} of {act.name} depends on its parameters: give numbers for them."
        )
    return sign
