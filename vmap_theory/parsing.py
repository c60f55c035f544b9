"""Text to activation, through Python's grammar and an allow-list.  Nothing of the text is ever evaluated.

The text is read into Python's abstract syntax tree, and each node is turned into SymPy by hand.  A node, a name or a
function that is not listed here is refused, as are numbers and powers that would be too large to work with.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp

from .activations.base import Activation
from .activations.parameters import Parameter
from .activations.registry import family, family_names
from .activations.symbols import X
from .errors import DtypeError, ExpressionError, UnknownNameError

MAX_LENGTH = 2000
MAX_NODES = 500
MAX_DEPTH = 40
MAX_BITS = 256
"""Longest text, largest and deepest syntax tree, and most bits in a number that a text may ask for."""

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Abs": sp.Abs,
    "And": sp.And,
    "Heaviside": sp.Heaviside,
    "Max": sp.Max,
    "Min": sp.Min,
    "Not": sp.Not,
    "Or": sp.Or,
    "Piecewise": sp.Piecewise,
    "abs": sp.Abs,
    "acos": sp.acos,
    "asin": sp.asin,
    "asinh": sp.asinh,
    "atan": sp.atan,
    "ceiling": sp.ceiling,
    "cos": sp.cos,
    "cosh": sp.cosh,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "exp": sp.exp,
    "floor": sp.floor,
    "log": sp.log,
    "max": sp.Max,
    "min": sp.Min,
    "sigmoid": lambda u: 1 / (1 + sp.exp(-u)),
    "sign": sp.sign,
    "sin": sp.sin,
    "sinh": sp.sinh,
    "sqrt": sp.sqrt,
    "tan": sp.tan,
    "tanh": sp.tanh,
}
"""The functions that a text may call: SymPy's names, Python's ``abs``, ``max``, ``min``, and ``sigmoid``."""

CONSTANTS: Mapping[str, sp.Expr] = {"pi": sp.pi, "E": sp.E}

_COMPARISONS: Mapping[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: sp.Lt,
    ast.LtE: sp.Le,
    ast.Gt: sp.Gt,
    ast.GtE: sp.Ge,
}


def parse_activation(
    text: str, /, *, name: str = "custom", parameters: Sequence[Parameter] = (), **values: Any
) -> Activation:
    """Read an activation from text.

    Parameters
    ----------
    text : str
        An expression in ``x``, such as ``Piecewise((0, x < tau), (x - tau, x < tau + m), (m, True))`` or
        ``Min(Max(x - tau, 0), m)`` or ``x * tanh(beta * x)``.  Powers are written ``**`` or ``^``.  Every name other
        than ``x``, ``pi``, ``E`` and the functions (Piecewise, Max, Min, Abs, sign, Heaviside, floor, ceiling; sqrt,
        exp, log, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, erf, erfc, sigmoid; And, Or, Not) is a
        parameter.  Families of the registry are functions of x and their parameters, as in ``2*gelu(3*x + 1)`` or
        ``crelu(x, tau, m) - crelu(-x, tau, m)``.  Decimal numbers are exact: 0.3 is 3/10.
    name : str
        A name for legends and reports.
    parameters : sequence of Parameter
        Declared domains and typical ranges.  A parameter that is not declared may have any real value given here; left
        without one it is positive.
    **values : number
        Values of parameters.

    Raises
    ------
    ExpressionError
        The text is not an expression of the allowed kind.
    UnknownNameError
        It calls a function that is not listed; the nearest is offered.
    PiecesError
        The pieces leave a gap, or their order depends on the parameters.

    Examples
    --------
    >>> act = parse_activation("Max(x - tau, 0)", tau=1)
    >>> act([0.5, 3.0])
    array([0., 2.])
    """
    if not isinstance(name, str):
        raise DtypeError(f"name = {name!r} is not text: it names the activation, and no parameter can be called so.")
    expression = parse_expression(text)
    if not expression.has(X):
        raise ExpressionError(f"{_shortened(text)} does not depend on x: write the activation as an expression in x.")
    return Activation.from_expression(expression, parameters, name=name, **values)


def parse_expression(text: str) -> sp.Expr:
    """Read a SymPy expression from text through the allow-list; the checks are those of `parse_activation`."""
    if not isinstance(text, str):
        raise ExpressionError(f"the expression must be text, not {type(text).__name__}.")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the text has {len(text)} characters: the most that is read is {MAX_LENGTH}.")
    written = text.strip().replace("^", "**")
    try:
        with warnings.catch_warnings():  # Python warns of odd literals such as 0x1for on standard error
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(written, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(
            f"{_shortened(text)} is not an expression: {getattr(error, 'msg', None) or error}."
        ) from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ExpressionError(f"the expression has more than {MAX_NODES} parts: split it or simplify it.")
    if _depth(tree) > MAX_DEPTH:
        raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep: simplify it.")
    result = _Reader(written).read(tree.body)
    if not isinstance(result, sp.Expr):
        raise ExpressionError(f"{_shortened(text)} is not a real-valued expression in x.")
    if result.has(sp.nan, sp.oo, -sp.oo, sp.zoo):
        raise ExpressionError(f"{_shortened(text)} is not finite: it holds {result}.")
    return result


class _Reader:
    """Turns syntax nodes into SymPy; one method a kind of node, and no other kind is let through."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, node: ast.expr) -> Any:
        method = getattr(self, f"_read_{type(node).__name__}", None)
        if method is None:
            raise ExpressionError(
                f"{self._source(node)} is not allowed ({type(node).__name__}): write numbers, names, + - * / **, "
                "comparisons and calls of the listed functions."
            )
        try:
            return method(node)
        except (TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
            if isinstance(error, ExpressionError):
                raise
            raise ExpressionError(f"{self._source(node)} cannot be read: {error}.") from None

    def _read_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool):
            return sp.true if node.value else sp.false
        if isinstance(node.value, int):
            self._check_size(node, node.value.bit_length())
            return sp.Integer(node.value)
        written = self._source(node).replace("_", "")
        if isinstance(node.value, float) and re.fullmatch(r"\d*\.?\d*(e[+-]?\d{1,3})?", written, re.IGNORECASE):
            if math.isinf(node.value) or (node.value == 0 and re.search(r"[1-9]", written.lower().split("e")[0])):
                raise ExpressionError(f"{written} is beyond the range of float64.")
            return sp.Rational(written)
        raise ExpressionError(f"{self._source(node)} is not a real number.")

    def _read_Name(self, node: ast.Name) -> Any:
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        if node.id in FUNCTIONS:
            raise ExpressionError(f"{node.id} is a function: call it, as in {node.id}(...).")
        if node.id in family_names():
            raise ExpressionError(f"{node.id} is an activation of the registry: call it, as in {node.id}(x).")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", node.id):
            raise ExpressionError(f"{node.id!r} cannot name a parameter: use letters, digits and inner underscores.")
        return sp.Symbol(node.id, real=True)

    def _read_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.read(node.operand)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return value
        if isinstance(node.op, (ast.Not, ast.Invert)):
            return self._logical(node, sp.Not, [value])
        raise ExpressionError(f"{self._source(node)} is not allowed.")

    def _read_BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.read(node.left), self.read(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return self._product(node, left, right)
            case ast.Div():
                return left / right
            case ast.Pow():
                return self._power(node, left, right)
            case ast.BitAnd():
                return self._logical(node, sp.And, [left, right])
            case ast.BitOr():
                return self._logical(node, sp.Or, [left, right])
        raise ExpressionError(f"{self._source(node)} is not allowed: the operators are + - * / ** & |.")

    def _read_BoolOp(self, node: ast.BoolOp) -> Any:
        joined = sp.And if isinstance(node.op, ast.And) else sp.Or
        return self._logical(node, joined, [self.read(value) for value in node.values])

    def _read_Compare(self, node: ast.Compare) -> Any:
        terms = [self.read(term) for term in (node.left, *node.comparators)]
        relations = []
        for operator, left, right in zip(node.ops, terms, terms[1:], strict=False):
            if type(operator) not in _COMPARISONS:
                raise ExpressionError(f"{self._source(node)} is not allowed: compare with <, <=, > or >=.")
            relations.append(_COMPARISONS[type(operator)](left, right))
        return sp.And(*relations)

    def _read_Tuple(self, node: ast.Tuple) -> Any:
        return tuple(self.read(element) for element in node.elts)

    def _read_Call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name):
            raise ExpressionError(f"{self._source(node)} is not allowed: call one of the listed functions by its name.")
        if node.keywords:
            raise ExpressionError(f"{self._source(node)} has keyword arguments: give arguments by position alone.")
        if node.func.id not in FUNCTIONS and node.func.id not in family_names():
            raise UnknownNameError.among("function", node.func.id, {*FUNCTIONS, *family_names()})
        arguments = [self.read(argument) for argument in node.args]
        if not arguments:
            raise ExpressionError(f"{self._source(node)} has no arguments.")
        if node.func.id not in FUNCTIONS:
            return self._family_of(node, node.func.id, arguments)
        if node.func.id == "Piecewise":
            return sp.Piecewise(*(self._branch(argument) for argument in arguments))
        if any(isinstance(argument, tuple) for argument in arguments):
            raise ExpressionError(f"{self._source(node)}: only Piecewise takes pairs.")
        function = FUNCTIONS[node.func.id]
        if function in (sp.And, sp.Or, sp.Not):
            return self._logical(node, function, arguments)
        for argument in arguments:
            if argument.is_number and not abs(argument.evalf(10)) <= MAX_BITS:
                raise ExpressionError(f"{self._source(node)}: numbers inside functions must not exceed {MAX_BITS}.")
        return function(*arguments)

    def _family_of(self, node: ast.Call, name: str, arguments: Sequence[Any]) -> Any:
        """A family of the registry as a function of its input, then its parameters in their order."""
        act = family(name)
        if len(arguments) - 1 > len(act.parameters) or any(not isinstance(part, sp.Expr) for part in arguments):
            names = ", ".join(["x", *(parameter.name for parameter in act.parameters)])
            raise ExpressionError(f"{self._source(node)}: {name} takes ({names}).")
        values: dict[sp.Symbol, sp.Expr] = {X: arguments[0]}
        for index, parameter in enumerate(act.parameters, start=1):
            value = arguments[index] if index < len(arguments) else parameter.default
            if value is None:
                raise ExpressionError(f"{self._source(node)}: give {parameter.name} too, as a number or a name.")
            values[parameter.symbol] = parameter.accept(value) if value.is_number else value
        return act.expression.subs(values, simultaneous=True)

    def _logical(self, node: ast.expr, joined: Callable[..., Any], conditions: Sequence[Any]) -> Any:
        if any(isinstance(condition, (sp.Expr, tuple)) for condition in conditions):
            raise ExpressionError(f"{self._source(node)}: 'and', 'or' and 'not' join conditions such as x < 1.")
        return joined(*conditions)

    def _branch(self, argument: Any) -> tuple[Any, Any]:
        if not isinstance(argument, tuple) or len(argument) != 2:
            raise ExpressionError("each argument of Piecewise is a pair (expression, condition).")
        expression, condition = argument
        if isinstance(condition, sp.Expr) or not isinstance(expression, sp.Expr):
            raise ExpressionError(f"({expression}, {condition}) is not a pair (expression, condition).")
        return expression, condition

    def _product(self, node: ast.BinOp, left: Any, right: Any) -> Any:
        if left.is_number and right.is_number:
            self._check_size(node, _bits(left) + _bits(right))
        return left * right

    def _power(self, node: ast.BinOp, base: Any, exponent: Any) -> Any:
        if not exponent.is_number:
            return sp.exp(exponent * sp.log(base)) if base.is_positive else base**exponent
        if not exponent.is_Rational:
            raise ExpressionError(f"{self._source(node)} is not allowed: a number in an exponent must be rational.")
        if abs(exponent) > MAX_BITS:
            raise ExpressionError(f"{self._source(node)} is too large a power: exponents go to {MAX_BITS}.")
        if base.is_number:
            self._check_size(node, _bits(base) * max(1, abs(exponent)))
        return base**exponent

    def _check_size(self, node: ast.expr, bits: Any) -> None:
        if bits > MAX_BITS:
            raise ExpressionError(f"{self._source(node)} is too large a number: the most is {MAX_BITS} bits.")

    def _source(self, node: ast.expr) -> str:
        return _shortened(ast.get_source_segment(self._text, node) or ast.dump(node), quoted=False)


def _depth(node: ast.AST) -> int:
    return 1 + max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)


def _bits(number: sp.Expr) -> float:
    """Bits that the parts of an exact number take, a bound on the work that powers of it cause."""
    return max((float(r.p.bit_length() + r.q.bit_length()) for r in number.atoms(sp.Rational)), default=1.0)


def _shortened(text: str, quoted: bool = True) -> str:
    brief = text if len(text) <= 60 else text[:57] + "..."
    return repr(brief) if quoted else brief
