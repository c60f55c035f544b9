"""Activations made of another one, its powers and its slope, whose moments are noise and sensitivity."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp

from ..activations import Activation
from ..activations.evaluation import derivative
from ..activations.symbols import X

_KINDS: dict[str, Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    "square": lambda phi, _: phi**2,
    "cube": lambda phi, _: phi**3,
    "slope": lambda _, slope: slope,
    "squared slope": lambda _, slope: slope**2,
    "product": lambda phi, slope: phi * slope,
}


@lru_cache(maxsize=512)
def derived(act: Activation, kind: str) -> Activation:
    """Return phi^2, phi^3, phi', phi'^2 or phi phi' (``square``, ``cube``, ...) as an activation.

    For activations that have expressions; free parameters stay free.  The second moment of each is a fourth moment (or
    sixth) of what phi and phi' are; that of the slope, which jumps at the kinks of phi, is E[phi'^2] with derivatives
    in q that hold the kink terms.
    """
    expressions = [_KINDS[kind](piece.expression, derivative(piece.expression)) for piece in act.pieces]
    conditions = [piece.upper > X for piece in act.pieces[:-1]]
    branches = zip(expressions, [*conditions, True], strict=True)
    return Activation.from_expression(
        sp.Piecewise(*branches), act.free_parameters, name=f"{kind} of {act.label}", limits=act.limits
    )
