"""The frozen value `Activation`: pieces on intervals, with parameters, break points and a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import sympy as sp

from ..errors import ExpressionError, SymbolicParameterError, UnknownNameError
from .admission import slope_is_square_integrable
from .combination import affine_change, sum_of
from .evaluation import evaluate_on
from .opaque import OpaqueFunction, opaque_pieces
from .parameters import REAL, Parameter
from .pieces import Break as Break
from .pieces import Piece as Piece
from .pieces import checked_triples, meeting_point, pieces_of
from .polynomials import is_polynomial
from .relations import Limit as Limit
from .relations import TorchModule as TorchModule
from .signs import compare
from .symbols import X

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


LIVE: WeakValueDictionary[int, Activation] = WeakValueDictionary()
"""Every activation by its id, for compilers that can pass a number through compiled code but no such object."""


@dataclass(frozen=True, repr=False)
class Activation:
    """An activation phi(x), given piece by piece, an immutable and hashable value.

    Make one with `vmap_theory.activation` (by name), `vmap_theory.parse_activation` (from text),
    `Activation.from_expression` (from SymPy) or `Activation.from_function` (from a Python function).  Calling it
    evaluates phi on an array.

    Attributes
    ----------
    name : str
        Name in the registry, or ``custom``.
    expression : sympy expression
        phi as it was written, in ``x`` and the parameters that have no value yet.
    known_pieces : tuple of Piece
        Ascending, without gaps, from -oo to oo; empty as long as an integer parameter that they depend on as a whole
        has no value.  `pieces` is the same, checked.
    parameters : tuple of Parameter
        All parameters, with or without a value.
    values : tuple of (str, sympy number)
        The parameters that have a value, exactly.
    title, source : str
        A line for people and the reference it comes from.
    limits : tuple of Limit
        Other families that it contains as limits.
    torch : tuple of TorchModule
        The modules of PyTorch that compute it.
    penalty : sympy expression or None
        g, if phi is a proximal operator: ``phi(u) = argmin_x (x - u)^2 / 2 + g(x)``; oo where x is not allowed.
    function : OpaqueFunction or None
        The Python function that it was made from, if it was.

    Examples
    --------
    >>> from vmap_theory import activation
    >>> act = activation("crelu", tau=1, m=2)
    >>> act([0.0, 1.5, 9.0])
    array([0. , 0.5, 2. ])
    >>> [(str(b.at), str(b.slope_change)) for b in act.kinks]
    [('1', '1'), ('3', '-1')]
    """

    name: str
    expression: sp.Expr
    known_pieces: tuple[Piece, ...]
    parameters: tuple[Parameter, ...] = ()
    values: tuple[tuple[str, sp.Expr], ...] = ()
    title: str = field(default="", compare=False)
    source: str = field(default="", compare=False)
    limits: tuple[Limit, ...] = field(default=(), compare=False)
    torch: tuple[TorchModule, ...] = field(default=(), compare=False)
    penalty: sp.Expr | None = field(default=None, compare=False)
    function: OpaqueFunction | None = None

    def __post_init__(self) -> None:
        LIVE[id(self)] = self

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        LIVE[id(self)] = self

    @classmethod
    def from_expression(
        cls,
        expression: sp.Expr,
        parameters: Sequence[Parameter] = (),
        *,
        name: str = "custom",
        title: str = "",
        source: str = "",
        limits: Sequence[Limit] = (),
        torch: Sequence[TorchModule] = (),
        penalty: sp.Expr | None = None,
        **values: Any,
    ) -> Activation:
        """Make an activation from a SymPy expression in the symbol ``x``.

        Parameters
        ----------
        expression : sympy expression
            A nest of Piecewise, Max, Min, Abs, sign, Heaviside, floor and the usual functions in ``x``.  Symbols are
            told apart by name alone.
        parameters : sequence of Parameter
            Declarations; a symbol that is not declared becomes a parameter on (0, oo).
        name, title, source, limits, torch, penalty
            As in `Activation`.
        **values : number
            Values of parameters; they are put in before break points are ordered.

        Raises
        ------
        ExpressionError
            A piece is complex or undefined somewhere, holds a function that is not known, or E[phi^2] is infinite.
        PiecesError
            The pieces leave a gap, or their order depends on the parameters.
        UnknownNameError
            A value is given for a name that the expression does not hold.
        """
        if not isinstance(expression, sp.Expr):
            raise ExpressionError(
                f"{expression!r} is not a SymPy expression in x: pass text to parse_activation instead."
            )
        declared = {parameter.name: parameter for parameter in parameters}
        free = sorted({symbol.name for symbol in expression.free_symbols} - {X.name})
        for unused in sorted(set(values) - set(free) - set(declared)):
            raise UnknownNameError.among("parameter", unused, free)
        wholly = tuple(parameters) + tuple(_undeclared(n, n in values) for n in free if n not in declared)
        to_symbols = {symbol: _symbol_for(symbol.name, wholly) for symbol in expression.free_symbols}
        bound = tuple((p.name, p.accept(values[p.name])) for p in wholly if values.get(p.name) is not None)
        exact = expression.replace(lambda part: part.is_Float, lambda part: sp.Rational(part)).xreplace(to_symbols)
        exact = _put_in(exact, wholly, bound)
        return cls(
            name,
            exact,
            () if any(symbol.is_integer for symbol in exact.free_symbols) else pieces_of(exact),
            wholly,
            bound,
            title,
            source,
            tuple(limits),
            tuple(torch),
            penalty,
        )

    @classmethod
    def from_pieces(
        cls,
        pieces: Iterable[tuple[Any, Any, Any]],
        parameters: Sequence[Parameter] = (),
        *,
        name: str = "custom",
        **values: Any,
    ) -> Activation:
        """Make an activation from triples ``(lower, upper, expression in x)`` that cover the whole line.

        Raises
        ------
        PiecesError
            Two pieces overlap, or a gap lies between them.

        Examples
        --------
        >>> x = sp.Symbol("x")
        >>> Activation.from_pieces([(-sp.oo, 0, 0), (0, sp.oo, x**2)])([-1.0, 3.0])
        array([0., 9.])
        """
        triples = checked_triples(pieces)
        branches = [(expr, sp.Symbol("x") < upper if upper != sp.oo else True) for _, upper, expr in triples]
        return cls.from_expression(sp.Piecewise(*branches), parameters, name=name, **values)

    @classmethod
    def from_function(
        cls, function: Callable[[Any], Any], breaks: Sequence[Any] = (), *, name: str = "custom"
    ) -> Activation:
        """Make an activation from a Python function of one real variable, with the points where it is not smooth.

        Parameters
        ----------
        function : callable
            phi; takes a float64 array, or one float at a time, and gives real finite values.
        breaks : sequence of numbers
            Every point where phi jumps or has a kink.  They are checked, not believed: a place between them where phi
            turns out not to be smooth is an error that names it.
        name : str
            For legends and reports.

        Raises
        ------
        ExpressionError
            `function` is not callable, or its values are not real, finite and of the shape of its argument.
        PiecesError
            Break points are not ascending finite numbers.

        Examples
        --------
        >>> import numpy as np
        >>> act = Activation.from_function(lambda x: np.maximum(np.tanh(x), 0), breaks=[0])
        >>> act([-1.0, 0.5])
        array([0.        , 0.46211716])
        """
        opaque = OpaqueFunction.checked(function, name)
        expression, pieces = opaque_pieces(opaque, breaks)
        return cls(name, expression, pieces, function=opaque)

    def affine(self, a: Any = 1, b: Any = 1, c: Any = 0, d: Any = 0) -> Activation:
        """Return the activation ``a phi(b x + c) + d``, for numbers; parameters stay as they are.

        Raises
        ------
        DomainError, DtypeError
            A number is not finite and real, or a or b is 0.

        Examples
        --------
        >>> from vmap_theory import activation
        >>> activation("relu").affine(a=2, c=-1)([0.0, 3.0])
        array([0., 4.])
        """
        return affine_change(self, (a, b, c, d))

    def __add__(self, other: Activation) -> Activation:
        """Return the sum of two activations on their common partition; parameters of one name are one parameter."""
        return sum_of(self, other) if isinstance(other, Activation) else NotImplemented

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces, ascending, without gaps, from -oo to oo.

        Raises
        ------
        SymbolicParameterError
            An integer parameter that they depend on as a whole has no value.
        """
        if not self.known_pieces:
            missing = [parameter.name for parameter in self.free_parameters if parameter.integer]
            raise SymbolicParameterError(
                f"the pieces of {self.name} depend on {', '.join(missing)} as a whole: give a number for it, "
                f"for instance {missing[0]}=3."
            )
        return self.known_pieces

    @property
    def is_polynomial(self) -> bool:
        """Whether every piece is a polynomial of a degree that the exact kernels support."""
        return self.function is None and all(is_polynomial(piece.expression) for piece in self.pieces)

    @property
    def free_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that have no value yet."""
        taken = dict(self.values)
        return tuple(parameter for parameter in self.parameters if parameter.name not in taken)

    def bind(self, /, **values: Any) -> Activation:
        """Return a copy in which the named parameters have the given values (None: left as it is).

        Raises
        ------
        UnknownNameError
            No free parameter has that name.
        DomainError, DtypeError
            A value is not a number of the parameter's domain.
        """
        free = {parameter.name: parameter for parameter in self.free_parameters}
        for given in values:
            if given not in free:
                raise UnknownNameError.among(f"parameter of {self.name}", given, free)
        new = tuple((name, free[name].accept(value)) for name, value in values.items() if value is not None)
        expression = _put_in(self.expression, self.parameters, new)
        order = {parameter.name: index for index, parameter in enumerate(self.parameters)}
        return replace(
            self,
            expression=expression,
            known_pieces=self._pieces_with(expression, new),
            penalty=None if self.penalty is None else _put_in(self.penalty, self.parameters, new),
            values=tuple(sorted((*self.values, *new), key=lambda pair: order[pair[0]])),
        )

    def _pieces_with(self, expression: sp.Expr, new: Sequence[tuple[str, sp.Expr]]) -> tuple[Piece, ...]:
        if not self.known_pieces:
            return () if any(symbol.is_integer for symbol in expression.free_symbols) else pieces_of(expression)
        pieces: list[Piece] = []
        for piece in self.known_pieces:
            parts = [_put_in(part, self.parameters, new) for part in (piece.lower, piece.upper, piece.expression)]
            if compare(parts[0], parts[1]) < 0:
                inner = sp.expand(parts[2]) if is_polynomial(parts[2]) else parts[2]
                joins = bool(pieces) and pieces[-1].expression == inner and is_polynomial(inner)
                start = pieces.pop().lower if joins else parts[0]
                pieces.append(Piece(start, parts[1], inner))
        return tuple(pieces)

    @cached_property
    def breaks(self) -> tuple[Break, ...]:
        """All points where pieces meet, ascending, with jump and slope change."""
        if self.function is not None:
            return self.function.breaks_between(self.pieces)
        return tuple(meeting_point(left, right) for left, right in pairwise(self.pieces))

    @property
    def kinks(self) -> tuple[Break, ...]:
        """The break points where the slope changes."""
        return tuple(point for point in self.breaks if point.slope_change != 0)

    @property
    def jumps(self) -> tuple[Break, ...]:
        """The break points where phi itself jumps; with one, E[phi'^2] is infinite."""
        return tuple(point for point in self.breaks if point.jump != 0)

    @cached_property
    def slope_is_infinite(self) -> bool:
        """Whether E[phi'^2] is infinite: phi jumps, or is as steep as a square root somewhere."""
        if self.jumps:
            return True
        if self.function is not None:
            return False
        return not all(
            slope_is_square_integrable(piece.expression, piece.lower, piece.upper)
            for piece in self.pieces
            if not is_polynomial(piece.expression)
        )

    @property
    def asymptotes(self) -> tuple[sp.Expr, sp.Expr]:
        """The expressions that phi equals far to the left and far to the right."""
        return self.pieces[0].expression, self.pieces[-1].expression

    @property
    def label(self) -> str:
        """Name with the values of its parameters, for legends: ``crelu(tau=1, m=2)``."""
        numbers = ", ".join(f"{name}={float(value):.5g}" for name, value in self.values)
        return f"{self.name}({numbers})" if numbers else self.name

    def require_numbers(self, purpose: str) -> None:
        """Raise `SymbolicParameterError` unless every parameter has a value."""
        missing = [parameter.name for parameter in self.free_parameters]
        if missing:
            raise SymbolicParameterError(
                f"{purpose} needs a number for every parameter of {self.name}; without one: {', '.join(missing)}. "
                f"Give them, for instance {', '.join(f'{n}=1.0' for n in missing)}."
            )

    def __repr__(self) -> str:
        shown = [] if self.source else [str(self.expression)]
        shown += [f"{name}={_short(value)}" for name, value in self.values]
        shown += [parameter.name for parameter in self.free_parameters]
        return f"Activation({', '.join([repr(self.name), *shown])})"

    def __call__(self, x: ArrayLike) -> NDArray[np.float64] | np.float64:
        """Evaluate phi.

        Parameters
        ----------
        x : array_like of real numbers, any shape
            NaN gives NaN; infinities give the limits.

        Returns
        -------
        float64 array of the shape of `x`; accurate to a few units in the last place of each piece's largest term.

        Raises
        ------
        SymbolicParameterError
            A parameter has no value.
        DtypeError
            `x` does not hold real numbers.
        """
        from ..checks import real_array

        self.require_numbers("evaluating an activation")
        points = real_array("x", x, finite=False)
        return evaluate_on(self, points)


def _short(number: sp.Expr) -> str:
    """An exact number as it is, or as the float that it came from."""
    return str(number) if len(str(number)) < 12 else repr(float(number))


def _undeclared(name: str, has_value: bool) -> Parameter:
    if has_value:  # the user's number decides; no domain was declared that it could leave
        return Parameter(name, REAL)
    return Parameter(name)


def _symbol_for(name: str, parameters: Sequence[Parameter]) -> sp.Symbol:
    return X if name == X.name else next(p.symbol for p in parameters if p.name == name)


def _put_in(expression: sp.Expr, parameters: Sequence[Parameter], values: Sequence[tuple[str, sp.Expr]]) -> sp.Expr:
    symbols: Mapping[str, sp.Symbol] = {parameter.name: parameter.symbol for parameter in parameters}
    return expression.subs({symbols[name]: value for name, value in values}, simultaneous=True)
