"""New activations from known ones: affine changes of input and output, and sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sympy as sp

from ..errors import DomainError, ExpressionError
from .opaque import OpaqueFunction
from .parameters import Parameter, exact_number
from .symbols import X

if TYPE_CHECKING:
    from .base import Activation


def affine_change(act: Activation, numbers: Sequence[Any]) -> Activation:
    """``a phi(b x + c) + d`` for numbers (a, b, c, d)."""
    a, b, c, d = (exact_number(name, value) for name, value in zip("abcd", numbers, strict=True))
    for name, value in (("a", a), ("b", b)):
        if value == 0:
            raise DomainError(f"{name} = 0 makes a phi(b x + c) + d a constant: give another number.")
    name = f"affine({act.label})"
    if act.function is not None:
        inner, (fa, fb, fc, fd) = act.function, map(float, (a, b, c, d))
        breaks = sorted(((piece.lower - c) / b for piece in act.pieces[1:]), key=float)
        changed = OpaqueFunction(lambda x: fa * inner(fb * x + fc) + fd, takes_arrays=True)
        return type(act).from_function(changed, breaks, name=name)
    return type(act).from_expression(a * act.expression.xreplace({X: b * X + c}) + d, act.free_parameters, name=name)


def sum_of(left: Activation, right: Activation) -> Activation:
    """``phi_1(x) + phi_2(x)``; free parameters of one name are one parameter."""
    if left.function is not None or right.function is not None:
        raise ExpressionError("Python functions cannot be added as activations: add them in a Python function.")
    parameters: dict[str, Parameter] = {}
    for parameter in (*left.free_parameters, *right.free_parameters):
        if parameters.setdefault(parameter.name, parameter).domain != parameter.domain:
            raise ExpressionError(
                f"{left.label} and {right.label} both have a parameter {parameter.name}, with different domains: "
                "give one of them a value first."
            )
    total: sp.Expr = left.expression + right.expression
    return type(left).from_expression(total, list(parameters.values()), name=f"{left.label} + {right.label}")
