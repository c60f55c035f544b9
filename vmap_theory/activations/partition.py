"""Flatten an expression in x into intervals that each hold one polynomial.

Nests of ``Piecewise``, ``Max``, ``Min``, ``Abs``, ``sign`` and ``Heaviside`` become a list of break points and one
polynomial between each pair.  Break points may depend on parameters; their order is decided from the signs that the
parameters' domains give, never from sampled values, so that it holds for every allowed value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from ..errors import ExpressionError, PiecesError

X = sp.Symbol("x", real=True)
"""The variable of every activation."""

MAX_DEGREE = 16
"""Highest degree of a piece; the integrals need twice that, and cost grows with it."""

MAX_TERMS = 60
"""Most terms of a piece when it is multiplied out; phi^2 can have its square."""

MAX_BREAKS = 64
"""Most break points; nested Abs doubles them at every level."""

_ALLOWED = "pieces must be polynomials, joined by Piecewise, Max, Min, Abs, sign or Heaviside."


@dataclass(frozen=True)
class Partition:
    """A function of x that is given by one value (a polynomial or a truth value) between neighbouring breaks.

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
    """Whether two values are equal, two polynomials however their coefficients are written."""
    if left == right or isinstance(left, bool) or isinstance(right, bool):
        return bool(left == right)
    coefficients = sp.Poly(left - right, X).all_coeffs()
    return all(sign_of(coefficient) == 0 for coefficient in coefficients)


def flatten(expression: sp.Expr) -> Partition:
    """Return the polynomial pieces of `expression`.

    Raises
    ------
    ExpressionError
        A piece is not a polynomial in x.
    PiecesError
        A Piecewise is undefined somewhere, or the order of two break points depends on the parameters.

    Examples
    --------
    >>> flatten(sp.Max(X - 1, 0))
    Partition(breaks=(1,), parts=(0, x - 1))
    """
    return _flatten(expression).simplified()


def sign_of(expression: sp.Expr) -> int | None:
    """Sign that holds for all parameter values: 1 for > 0 or >= 0, -1 for < 0 or <= 0, 0 for zero, None if unknown."""
    if not expression.free_symbols:
        return _sign_of_number(expression)
    for form in (sp.expand, sp.factor):
        value = form(expression)
        if value.is_zero:
            return 0
        if value.is_nonnegative:
            return 1
        if value.is_nonpositive:
            return -1
    return None


def _sign_of_number(number: sp.Expr) -> int:
    """Sign of an exact real number, by its value: however it is written, as radicals, roots of polynomials or sines.

    What is below 1e-60 of its terms counts as zero; for numbers that a person writes down, that is zero.
    """
    if number.is_Rational:
        return int(sp.sign(number))
    size = max((abs(term.evalf(20)) for term in sp.Add.make_args(number)), default=sp.Integer(0))
    value = number.evalf(80, maxn=400)
    if not value.is_real:
        raise ExpressionError(f"{number} is not a real number: activations take real values.")
    return 0 if abs(value) <= size * sp.Float("1e-60") else int(sp.sign(value))


def compare(left: sp.Expr, right: sp.Expr) -> int:
    """Order of two points on the extended line: -1, 0 or 1 as `left` lies below, at or above `right`."""
    if left == right:
        return 0
    if left == -sp.oo or right == sp.oo:
        return -1
    if left == sp.oo or right == -sp.oo:
        return 1
    order = sign_of(left - right)
    if order is None:
        raise PiecesError(
            f"the order of the break points {left} and {right} depends on the parameters: "
            "give numbers for them, or declare domains whose signs decide it."
        )
    return order


def _flatten(node: Any) -> Partition:
    if isinstance(node, (Relational, BooleanAtom, BooleanFunction)):
        return _flatten_condition(node)
    if not node.has(X):
        return Partition((), (_constant(node),))
    if isinstance(node, sp.Piecewise):
        return _flatten_piecewise(node)
    if isinstance(node, (sp.Max, sp.Min)):
        keep_first = 1 if isinstance(node, sp.Max) else -1
        return _reduce(node.args, lambda f, g: _choose_by_sign(_combine((f, g), _difference), f, g, keep_first))
    if isinstance(node, (sp.Abs, sp.sign, sp.Heaviside)):
        inner = _flatten(node.args[0])
        if isinstance(node, sp.Abs):
            return _choose_by_sign(inner, inner, _combine((inner,), lambda f: sp.expand(-f)), 1)
        below = sp.Integer(-1 if isinstance(node, sp.sign) else 0)
        return _choose_by_sign(inner, Partition((), (sp.Integer(1),)), Partition((), (below,)), 1)
    if isinstance(node, (sp.Add, sp.Mul)) or (isinstance(node, sp.Pow) and not node.args[1].has(X)):
        rebuild = node.func
        return _combine([_flatten(arg) for arg in node.args], lambda *values: _polynomial(rebuild(*values), node))
    if node == X:
        return Partition((), (X,))
    raise ExpressionError(f"{node} is not a polynomial in x: {_ALLOWED}")


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
    breaks = _sorted_unique([point for partition in partitions for point in partition.breaks])
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


def _sign_partition(polynomials: Partition) -> Partition:
    ends = (-sp.oo, *polynomials.breaks, sp.oo)
    breaks: list[sp.Expr] = []
    parts: list[int] = []
    for low, high, polynomial in zip(ends, ends[1:], polynomials.parts, strict=False):
        roots, sign = _real_roots(polynomial)
        inner: list[sp.Expr] = []
        signs = [sign]  # from the right, where the leading coefficient rules, to the left
        for root, multiplicity in reversed(roots):
            if multiplicity % 2:
                sign = -sign
            inner.insert(0, root)
            signs.insert(0, sign)
        while inner and compare(inner[0], low) <= 0:
            inner.pop(0)
            signs.pop(0)
        while inner and compare(inner[-1], high) >= 0:
            inner.pop()
            signs.pop()
        breaks.extend(inner)
        parts.extend(signs)
        if high != sp.oo:
            breaks.append(high)
    return Partition(tuple(breaks), tuple(parts))


def _real_roots(polynomial: Any) -> tuple[list[tuple[sp.Expr, int]], int]:
    """Real roots in ascending order with multiplicity, and the sign far to the right."""
    coefficients = sp.Poly(polynomial, X).all_coeffs()
    leading = sign_of(coefficients[0])
    if leading is None:
        raise PiecesError(
            f"the sign of {coefficients[0]} depends on the parameters: "
            "give numbers for them, or declare domains whose signs decide it."
        )
    if len(coefficients) == 1:
        return [], leading
    if len(coefficients) == 2:
        return [(sp.cancel(-coefficients[1] / coefficients[0]), 1)], leading
    if polynomial.free_symbols == {X}:
        return _ascending(_numeric_roots(polynomial)), leading
    found = sp.roots(sp.Poly(polynomial, X))
    if sum(found.values()) < len(coefficients) - 1:
        raise PiecesError(f"the zeros of {polynomial} have no closed form in the parameters: give numbers for them.")
    if any(root.is_real is None for root in found):
        raise PiecesError(f"whether {polynomial} has real zeros depends on the parameters: give numbers for them.")
    return _ascending({root: count for root, count in found.items() if root.is_real}), leading


def _numeric_roots(polynomial: sp.Expr) -> dict[sp.Expr, int]:
    """Real roots, in radicals where SymPy has short ones, else as exact roots of rational polynomials."""
    found: dict[sp.Expr, int] = sp.roots(sp.Poly(polynomial, X))
    if sum(found.values()) == sp.degree(polynomial, X) and all(root.is_real is not None for root in found):
        return {root: count for root, count in found.items() if root.is_real}
    exact: dict[sp.Expr, int] = {}
    try:
        for root in sp.real_roots(sp.Poly(polynomial, X)):
            exact[root] = exact.get(root, 0) + 1
    except NotImplementedError:
        raise PiecesError(
            f"the zeros of {polynomial} cannot be found exactly: write its coefficients as rational numbers."
        ) from None
    return exact


def _ascending(roots: dict[sp.Expr, int]) -> list[tuple[sp.Expr, int]]:
    return sorted(roots.items(), key=cmp_to_key(_compare_roots))


def _compare_roots(left: tuple[sp.Expr, int], right: tuple[sp.Expr, int]) -> int:
    return compare(left[0], right[0])


def _sorted_unique(points: Sequence[sp.Expr]) -> list[sp.Expr]:
    result: list[sp.Expr] = []
    for point in sorted(points, key=cmp_to_key(compare)):
        if not result or compare(result[-1], point) != 0:
            result.append(point)
    return result


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


def _constant(node: sp.Expr) -> sp.Expr:
    real = node.is_extended_real and node.is_finite is not False and node.is_commutative
    if not real or (not node.free_symbols and not node.evalf(5).is_Float and not node.is_Rational):
        raise ExpressionError(f"{node} is not a finite real number: activations take real values.")
    _refuse_too_many_terms(node)
    return sp.expand(node)


def _polynomial(node: sp.Expr, written: sp.Expr) -> sp.Expr:
    degree = _degree_bound(node)
    if degree is None:
        raise ExpressionError(f"{written} is not a polynomial in x: {_ALLOWED}")
    if degree > MAX_DEGREE:
        raise ExpressionError(f"{written} has degree {degree} in x: the highest that is supported is {MAX_DEGREE}.")
    _refuse_too_many_terms(node)
    return sp.expand(node)


def _refuse_too_many_terms(node: sp.Expr) -> None:
    count = _term_bound(node)
    if count > MAX_TERMS:
        raise ExpressionError(
            f"{str(node)[:60]} has up to {count} terms when multiplied out: the most that is supported is {MAX_TERMS}. "
            "Give numbers for some parameters, or use fewer of them in a power."
        )


def _term_bound(node: sp.Expr) -> int:
    """Number of terms of an expanded expression, bounded before anything is expanded."""
    if isinstance(node, sp.Add):
        return sum(_term_bound(arg) for arg in node.args)
    if isinstance(node, sp.Mul):
        return math.prod(_term_bound(arg) for arg in node.args)
    if isinstance(node, sp.Pow) and node.args[1].is_Integer and not node.args[0].is_Atom:
        terms, power = _term_bound(node.args[0]), abs(int(node.args[1]))
        return math.comb(terms + power - 1, power)
    return 1


def _degree_bound(node: sp.Expr) -> int | None:
    """Degree in x before anything is expanded, so that (x + 1)**10000 is refused and not expanded."""
    if not node.has(X):
        return 0
    if node == X:
        return 1
    inner = [_degree_bound(arg) for arg in node.args]
    if any(degree is None for degree in inner):
        return None
    degrees = [degree for degree in inner if degree is not None]
    if isinstance(node, sp.Add):
        return max(degrees)
    if isinstance(node, sp.Mul):
        return sum(degrees)
    if isinstance(node, sp.Pow) and node.args[1].is_Integer and node.args[1] >= 0:
        return degrees[0] * int(node.args[1])
    return None
