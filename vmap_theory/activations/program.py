"""Evaluate expressions in x in any number system, without making code of them.

A `Program` holds several expressions as one list of steps in which equal parts are computed once.  An `Algebra` gives
the steps their meaning: float64 arrays (`FLOATS`), mpmath numbers of a context (`mpmath_algebra`), or another number
system from outside, such as balls.  Patterns
that lose digits or overflow when taken literally are rewritten: log(1 + exp(u)), log(1 + u), exp(u) - 1, 1 +- erf(u)
and 1 +- tanh(u).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import sympy as sp
from scipy import special

from ..errors import ExpressionError, SymbolicParameterError

_MOST_BITS = 1300  # of the argument of an exponential

Step = tuple[str, Any, tuple[int, ...]]

FUNCTION_NAMES: Mapping[Any, str] = {
    sp.Abs: "abs",
    sp.Max: "max",
    sp.Min: "min",
    sp.acos: "acos",
    sp.asin: "asin",
    sp.asinh: "asinh",
    sp.atan: "atan",
    sp.cos: "cos",
    sp.cosh: "cosh",
    sp.erf: "erf",
    sp.erfc: "erfc",
    sp.exp: "exp",
    sp.log: "log",
    sp.sin: "sin",
    sp.sinh: "sinh",
    sp.tan: "tan",
    sp.tanh: "tanh",
}
"""The functions that an expression may hold, and what an algebra calls them."""


@dataclass(frozen=True)
class Algebra:
    """A number system.

    Attributes
    ----------
    number : callable
        Exact SymPy number -> number.
    functions : mapping
        The names of `FUNCTION_NAMES`, and ``expm1``, ``log1p``, ``log1pexp``.
    power : callable
        ``power(base, exponent)`` for an exponent that is no integer, a number of the algebra.
    """

    number: Callable[[sp.Expr], Any]
    functions: Mapping[str, Callable[..., Any]]
    power: Callable[[Any, Any], Any]


class Program:
    """Several expressions as one list of steps.

    Parameters
    ----------
    expressions : sequence of sympy expressions
        In any symbols; no Piecewise.

    Raises
    ------
    ExpressionError
        An expression holds a function that is not in `FUNCTION_NAMES`.
    """

    def __init__(self, expressions: Sequence[sp.Expr]) -> None:
        self._steps: list[Step] = []
        self._places: dict[sp.Expr, int] = {}
        self._outputs = [self._place_of(expression) for expression in expressions]

    def run(self, values: Mapping[str, Any], algebra: Algebra) -> list[Any]:
        """Evaluate; `values` gives each symbol, by name, a number of the algebra (or an array of them)."""
        done: list[Any] = []
        for kind, payload, places in self._steps:
            operands = [done[place] for place in places]
            if kind == "add":
                result = reduce(lambda a, b: a + b, operands)
            elif kind == "mul":
                result = reduce(lambda a, b: a * b, operands)
            elif kind == "call":
                result = algebra.functions[payload](*operands)
            elif kind == "integer power":
                result = _integer_power(operands[0], payload)
            elif kind == "power":
                result = algebra.power(*operands)
            elif kind == "number":
                result = algebra.number(payload)
            else:
                result = values[payload]
            done.append(result)
        return [done[place] for place in self._outputs]

    def _place_of(self, expression: sp.Expr) -> int:
        if expression not in self._places:
            step = self._step(expression)
            self._places[expression] = len(self._steps)
            self._steps.append(step)
        return self._places[expression]

    def _near_one(self, call: sp.Expr, sign: int) -> int | None:
        """Place of ``1 + sign * call`` in a form that keeps its digits where the two nearly cancel."""
        inner = call.args[0]
        if isinstance(call, sp.exp):
            if sign == 1:
                return None
            return self._added(
                "mul", None, (self._place_of(sp.Integer(-1)), self._added("call", "expm1", (self._place_of(inner),)))
            )
        if isinstance(call, sp.erf):
            return self._added("call", "erfc", (self._place_of(-sign * inner),))
        logistic = 1 + sp.exp(-2 * sign * inner)  # 1 + tanh(u) = 2 / (1 + exp(-2 u))
        return self._place_of(2 / logistic)

    def _added(self, *step: Any) -> int:
        self._steps.append(step)
        return len(self._steps) - 1

    def _step(self, node: sp.Expr) -> Step:
        if node.is_Symbol:
            return "symbol", node.name, ()
        if not node.free_symbols:
            return "number", node, ()
        if node.is_Add:
            one, rest = node.as_coeff_Add()
            factor, call = rest.as_coeff_Mul()
            if one != 0 and factor in (one, -one) and call.func in _NEAR_ONE:
                place = self._near_one(call, 1 if factor == one else -1)
                if place is not None:
                    return "mul", None, (self._place_of(one), place)
            return "add", None, tuple(self._place_of(argument) for argument in node.args)
        if node.is_Mul:
            return "mul", None, tuple(self._place_of(argument) for argument in node.args)
        if node.is_Pow:
            base, exponent = node.args
            if exponent.is_Integer:
                return "integer power", int(exponent), (self._place_of(base),)
            return "power", None, (self._place_of(base), self._place_of(exponent))
        if isinstance(node, sp.log):
            one, rest = node.args[0].as_coeff_Add()
            if one == 1:
                if isinstance(rest, sp.exp):
                    return "call", "log1pexp", (self._place_of(rest.args[0]),)
                return "call", "log1p", (self._place_of(rest),)
        if node.func not in FUNCTION_NAMES:
            raise ExpressionError(f"{node} cannot be evaluated: {node.func} is not among the functions known.")
        return "call", FUNCTION_NAMES[node.func], tuple(self._place_of(argument) for argument in node.args)


_NEAR_ONE = (sp.exp, sp.erf, sp.tanh)


def _integer_power(base: Any, exponent: int) -> Any:
    """By repeated squaring: NumPy's power of a float array rounds worse and is slow for negative bases."""
    if exponent < 0:
        return 1 / _integer_power(base, -exponent)
    result = None
    while exponent:
        if exponent & 1:
            result = base if result is None else result * base
        exponent >>= 1
        if exponent:
            base = base * base
    return result


FLOATS = Algebra(
    number=float,
    functions={
        "abs": np.abs,
        "max": lambda *values: reduce(np.maximum, values),
        "min": lambda *values: reduce(np.minimum, values),
        "acos": np.arccos,
        "asin": np.arcsin,
        "asinh": np.arcsinh,
        "atan": np.arctan,
        "cos": np.cos,
        "cosh": np.cosh,
        "erf": special.erf,
        "erfc": special.erfc,
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "log1pexp": lambda u: np.logaddexp(0.0, u),
        "sin": np.sin,
        "sinh": np.sinh,
        "tan": np.tan,
        "tanh": np.tanh,
    },
    power=np.power,
)
"""float64 arrays."""


@lru_cache(maxsize=64)
def mpmath_algebra(context: Any) -> Algebra:
    """Return the number system of an mpmath context, at the precision that it has when a program runs."""
    known: dict[tuple[sp.Expr, int], Any] = {}

    def number(exact: sp.Expr) -> Any:
        key = exact, context.prec
        if key not in known:
            known[key] = mpmath_number(exact, context)
        return known[key]

    names = set(FUNCTION_NAMES.values()) - {"abs", "max", "min"} | {"expm1", "log1p"}
    functions: dict[str, Callable[..., Any]] = {name: getattr(context, name) for name in names}
    functions |= {"abs": abs, "max": max, "min": min}
    for name in ("exp", "expm1", "sinh", "cosh"):
        functions[name] = _bounded(functions[name], name, context)
    functions["log1pexp"] = lambda u: _log1pexp(u, context)
    return Algebra(number, functions, lambda base, exponent: context.power(base, exponent))


def _log1pexp(u: Any, context: Any) -> Any:
    small = context.exp(-abs(u))
    # log(1 + e) is e to the working precision where e is far below it; mpmath would line up all bits between.
    rest = small if abs(u) > 4 * context.prec else context.log1p(small)
    return u + rest if u > 0 else rest


def _bounded(function: Callable[[Any], Any], name: str, context: Any) -> Callable[[Any], Any]:
    """Let exp(u) for |u| > 2^1300, of which mpmath would write out every bit, be infinite or zero."""

    def bounded(u: Any) -> Any:
        size = context.re(u)
        if context.mag(size) < _MOST_BITS:
            return function(u)
        if size > 0 or name == "cosh":
            return context.inf
        return {"exp": context.zero, "expm1": context.mpf(-1), "sinh": context.ninf}[name]

    return bounded


def mpmath_number(exact: sp.Expr, context: Any) -> Any:
    """Return an exact real number, oo and -oo included, in the precision of an mpmath context."""
    if exact == sp.oo:
        return context.inf
    if exact == -sp.oo:
        return context.ninf
    if exact.is_Rational:
        return context.mpf(int(exact.p)) / int(exact.q)
    return _irrational(exact, context, context.dps)


def _irrational(exact: sp.Expr, context: Any, dps: int) -> Any:
    return context.make_mpf(_evaluated(exact, dps))


@lru_cache(maxsize=4096)
def _evaluated(exact: sp.Expr, dps: int) -> Any:
    return exact.evalf(dps + 5, maxn=10 * dps + 100, strict=True)._mpf_


def evaluate(expression: sp.Expr, values: Mapping[str, Any]) -> Any:
    """Evaluate one expression in float64, with floats or arrays for its symbols.

    Raises
    ------
    SymbolicParameterError
        It holds a function that has no float64 version.
    """
    try:
        program = compiled(expression)
    except ExpressionError:
        raise SymbolicParameterError(
            f"{expression} cannot be evaluated on arrays of parameters: put the parameters in with .bind(...) first."
        ) from None
    return program.run(values, FLOATS)[0]


@lru_cache(maxsize=4096)
def compiled(*expressions: sp.Expr) -> Program:
    """Return the program of some expressions, made once."""
    return Program(expressions)
