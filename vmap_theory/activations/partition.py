"""Flatten an expression in x into intervals that each hold one expression without a case distinction.

Nests of ``Piecewise``, ``Max``, ``Min``, ``Abs``, ``sign``, ``Heaviside``, ``floor`` and ``ceiling`` become a list of
break points and one expression between each pair.  Break points may depend on parameters; their order is decided from
the signs that the parameters' domains give, never from sampled values, so that it holds for every allowed value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from ..errors import ExpressionError, PiecesError
from .polynomials import degree_bound, expanded, refuse_too_many_terms
from .program import FUNCTION_NAMES
from .signs import ascending, compare, trial_values, vanishes
from .symbols import X
from .zeros import signs_between

MAX_BREAKS = 64
"""Most break points; nested Abs doubles them at every level."""


@dataclass(frozen=True)
class Partition:
    """A function of x that is given by one value (an expression or a truth value) between neighbouring breaks.

    Attributes
    ----------
    breaks : tuple of sympy expressions
        Ascending end points.
    parts : tuple
        One more than `breaks`: the value left of the first break, between the breaks, right of the last.
    """

    breaks: tuple[sp.Expr, ...]
    parts: tuple[Any, ...]

    def simplified(self) -> Partition:
        """Join neighbours that hold the same value."""
        breaks: list[sp.Expr] = []
        parts = [self.parts[0]]
        for point, part in zip(self.breaks, self.parts[1:], strict=True):
            if not _same(part, parts[-1]):
                breaks.append(point)
                parts.append(part)
        return Partition(tuple(breaks), tuple(parts))


def _same(left: Any, right: Any) -> bool:
    """Whether two values are equal, two expressions however they are written."""
    if left == right or isinstance(left, bool) or isinstance(right, bool):
        return bool(left == right)
    if degree_bound(left) is None or degree_bound(right) is None:
        return bool(sp.expand(left - right) == 0)
    return all(vanishes(coefficient) for coefficient in sp.Poly(left - right, X).all_coeffs())


def flatten(expression: sp.Expr) -> Partition:
    """Return the pieces of `expression`.

    Raises
    ------
    ExpressionError
        It holds a function that is not known, a number that is not real, or a polynomial of too high a degree.
    PiecesError
        A Piecewise is undefined somewhere, the zeros that a case distinction needs cannot be listed, or the order of
        two break points depends on the parameters.

    Examples
    --------
    >>> flatten(sp.Max(X - 1, 0))
    Partition(breaks=(1,), parts=(0, x - 1))
    >>> flatten(sp.exp(-sp.Abs(X)))
    Partition(breaks=(0,), parts=(exp(x), exp(-x)))
    """
    result = _flatten(expression).simplified()
    ends = (-sp.oo, *result.breaks, sp.oo)
    for low, high, part in zip(ends, ends[1:], result.parts, strict=False):
        if part is sp.nan:
            raise ExpressionError(f"{expression} has no finite real value for x in ({low}, {high}).")
    return result


def _flatten(node: Any) -> Partition:
    if isinstance(node, (Relational, BooleanAtom, BooleanFunction)):
        return _flatten_condition(node)
    if not node.has(X):
        return Partition((), (constant(node),))
    if isinstance(node, sp.Piecewise):
        return _flatten_piecewise(node)
    if isinstance(node, (sp.Max, sp.Min)):
        keep_first = 1 if isinstance(node, sp.Max) else -1
        return _reduce(node.args, lambda f, g: _choose_by_sign(_combine((f, g), _difference), f, g, keep_first))
    if isinstance(node, (sp.Abs, sp.sign, sp.Heaviside)):
        inner = _flatten(node.args[0])
        if isinstance(node, sp.Abs):
            return _choose_by_sign(inner, inner, _combine((inner,), _negated), 1)
        below = sp.Integer(-1 if isinstance(node, sp.sign) else 0)
        return _choose_by_sign(inner, Partition((), (sp.Integer(1),)), Partition((), (below,)), 1)
    if isinstance(node, (sp.floor, sp.ceiling)):
        return _flatten_staircase(node)
    if node == X:
        return Partition((), (X,))
    if isinstance(node, (sp.Add, sp.Mul, sp.Pow)) or node.func in FUNCTION_NAMES or _is_polynomial_family(node):
        return _combine([_flatten(arg) for arg in node.args], lambda *values: _rebuilt(node, values))
    raise ExpressionError(
        f"{node} holds {node.func}, which is not among the functions known: {', '.join(sorted(_known_functions()))}."
    )


def _negated(value: sp.Expr) -> sp.Expr:
    return -value if degree_bound(value) is None else sp.expand(-value)


def _is_polynomial_family(node: Any) -> bool:
    """Whether SymPy turns a call such as hermite_prob(3, x) into a polynomial, given its degree."""
    return isinstance(node, (sp.hermite, sp.hermite_prob))


def _known_functions() -> list[str]:
    special = ("Piecewise", "sign", "Heaviside", "floor", "ceiling", "hermite", "hermite_prob")
    return [function.__name__ for function in FUNCTION_NAMES] + list(special)


def _rebuilt(node: sp.Expr, values: Sequence[sp.Expr]) -> sp.Expr:
    """The same function of the pieces of its arguments; polynomials are multiplied out."""
    result = node.func(*values)
    if result.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
        return sp.nan  # an error only where a case distinction around it does not leave this branch out
    if not result.has(X):
        return constant(result)
    return result if degree_bound(result) is None else expanded(result)


def _flatten_staircase(node: sp.Expr) -> Partition:
    """Floor or ceiling of something that is linear and bounded between its breaks."""
    inner = _flatten(node.args[0])
    ends = (-sp.oo, *inner.breaks, sp.oo)
    breaks: list[sp.Expr] = []
    parts: list[sp.Expr] = []
    for low, high, value in zip(ends, ends[1:], inner.parts, strict=False):
        steps, levels = _stairs(node, value, low, high)
        breaks.extend(steps)
        parts.extend(levels)
        if high != sp.oo:
            breaks.append(high)
    return Partition(tuple(breaks), tuple(parts))


def _stairs(node: sp.Expr, value: sp.Expr, low: sp.Expr, high: sp.Expr) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """Break points inside (low, high), and the constant between each pair of them."""
    refusal = PiecesError(
        f"{node} has infinitely many steps, or steps that depend on the parameters: clip its argument to numbers, "
        "as in floor(Min(Max(x, -3), 3))."
    )
    if not value.has(X):
        if not value.is_number:
            raise refusal
        return [], [node.func(value)]
    degree = degree_bound(value)
    ends = [sp.cancel(value.subs(X, end)) for end in (low, high)]
    if degree != 1 or not all(end.is_number and end.is_finite for end in ends):
        raise refusal
    offset, slope = value.coeff(X, 0), value.coeff(X, 1)
    rising = compare(ends[0], ends[1]) < 0
    bottom, top = ends if rising else ends[::-1]
    crossed = list(range(int(sp.floor(bottom)) + 1, int(sp.ceiling(top))))
    if len(crossed) > MAX_BREAKS:
        raise PiecesError(f"{node} has more than {MAX_BREAKS} steps: clip its argument to a smaller interval.")
    shift = 0 if isinstance(node, sp.floor) else 1
    lowest = int(sp.floor(bottom)) + shift
    levels = [sp.Integer(lowest + index) for index in range(len(crossed) + 1)]
    steps = [sp.cancel((level - offset) / slope) for level in crossed]
    return (steps, levels) if rising else (steps[::-1], levels[::-1])


def _flatten_piecewise(node: sp.Piecewise) -> Partition:
    flat = [_flatten(part) for branch in node.args for part in (branch.expr, branch.cond)]

    def first_true(*values: Any) -> Any:
        for value, condition in zip(values[::2], values[1::2], strict=True):
            if condition:
                return value
        return None

    result = _combine(flat, first_true)
    for index, part in enumerate(result.parts):
        if part is None:
            low = result.breaks[index - 1] if index else -sp.oo
            high = result.breaks[index] if index < len(result.breaks) else sp.oo
            raise PiecesError(
                f"the pieces leave a gap: nothing is defined for x in ({low}, {high}). "
                "End the Piecewise with a pair (expression, True), or add the missing piece."
            )
    return result


def _flatten_condition(node: Any) -> Partition:
    if node in (sp.true, sp.false):
        return Partition((), (bool(node),))
    if isinstance(node, Relational):
        difference = _combine([_flatten(node.lhs), _flatten(node.rhs)], _difference)
        if isinstance(node, (sp.Eq, sp.Ne)):  # true or false at single points alone, which no integral sees
            return _combine((difference,), lambda f: (f == 0) == isinstance(node, sp.Eq))
        wanted = 1 if isinstance(node, (sp.Gt, sp.Ge)) else -1
        truth = _choose_by_sign(difference, Partition((), (True,)), Partition((), (False,)), wanted)
        if isinstance(node, (sp.Gt, sp.Lt)):  # where both sides are the same polynomial the strict relation fails
            return _combine((truth, difference), lambda holds, f: holds and f != 0)
        return truth
    if isinstance(node, BooleanFunction) and isinstance(node, (sp.And, sp.Or, sp.Not)):
        rules: dict[Any, Callable[..., bool]] = {
            sp.And: lambda *values: all(values),
            sp.Or: lambda *values: any(values),
            sp.Not: lambda value: not value,
        }
        return _combine([_flatten(arg) for arg in node.args], rules[node.func])
    raise ExpressionError(f"{node} is not a condition on x that can be read: use <, <=, >, >=, And, Or, Not.")


def _combine(partitions: Sequence[Partition], rule: Callable[..., Any]) -> Partition:
    """Apply `rule` to the values of all `partitions` on their common refinement."""
    breaks = ascending([point for partition in partitions for point in partition.breaks])
    if len(breaks) > MAX_BREAKS:
        raise PiecesError(f"the activation has more than {MAX_BREAKS} break points: use fewer nested Abs, Max and Min.")
    rank = {point: index for index, point in enumerate(breaks)}
    # A break equal to a listed one, but written otherwise, is found by comparison.
    positions = [[_rank_of(point, breaks, rank) for point in partition.breaks] for partition in partitions]
    parts = []
    for interval in range(len(breaks) + 1):
        values = (
            partition.parts[sum(index < interval for index in places)]
            for partition, places in zip(partitions, positions, strict=True)
        )
        parts.append(rule(*values))
    return Partition(tuple(breaks), tuple(parts))


def _choose_by_sign(decider: Partition, at_plus: Partition, at_minus: Partition, wanted: int) -> Partition:
    """Take `at_plus` where the sign of `decider` is `wanted` or zero, `at_minus` elsewhere."""
    signs = _sign_partition(decider)
    return _combine((signs, at_plus, at_minus), lambda sign, plus, minus: plus if sign in (wanted, 0) else minus)


def _sign_partition(values: Partition) -> Partition:
    ends = (-sp.oo, *values.breaks, sp.oo)
    breaks: list[sp.Expr] = []
    parts: list[int] = []
    for low, high, value in zip(ends, ends[1:], values.parts, strict=False):
        inner, signs = signs_between(value, low, high)
        breaks.extend(inner)
        parts.extend(signs)
        if high != sp.oo:
            breaks.append(high)
    return Partition(tuple(breaks), tuple(parts))


def _rank_of(point: sp.Expr, breaks: Sequence[sp.Expr], rank: dict[sp.Expr, int]) -> int:
    if point in rank:
        return rank[point]
    return next(index for index, other in enumerate(breaks) if compare(point, other) == 0)


def _reduce(arguments: Sequence[Any], rule: Callable[[Partition, Partition], Partition]) -> Partition:
    result = _flatten(arguments[0])
    for argument in arguments[1:]:
        result = rule(result, _flatten(argument))
    return result


def _difference(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    return sp.expand(left - right)


def constant(node: sp.Expr) -> sp.Expr:
    """Return a real finite constant multiplied out, or raise `ExpressionError`."""
    value = node.xreplace(trial_values([node])).evalf(5)
    if not node.is_commutative or not (value.is_Float or value.is_Rational):
        raise ExpressionError(f"{node} is not a finite real number: activations take real values.")
    refuse_too_many_terms(node)
    return sp.expand(node)
