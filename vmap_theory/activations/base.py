"""The frozen value `Activation`: polynomial pieces on intervals, with parameters, break points and a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sympy as sp

from ..errors import ExpressionError, PiecesError, SymbolicParameterError, UnknownNameError
from .parameters import REAL, Parameter
from .partition import X, compare, flatten, sign_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Piece:
    """One polynomial on the open interval ``(lower, upper)``."""

    lower: sp.Expr
    upper: sp.Expr
    expression: sp.Expr


@dataclass(frozen=True)
class Break:
    """A point where two pieces meet.

    Attributes
    ----------
    at : sympy expression
        Where.
    jump : sympy expression
        phi(at+) - phi(at-); zero where phi is continuous.
    slope_change : sympy expression
        phi'(at+) - phi'(at-).
    """

    at: sp.Expr
    jump: sp.Expr
    slope_change: sp.Expr


@dataclass(frozen=True)
class Limit:
    """What the activation becomes as a parameter goes to a value: another family.

    Attributes
    ----------
    parameter, value : str, sympy number
        Which parameter goes where; the value may be oo.
    family : str
        Name of the other family.
    family_values : tuple of (str, sympy expression)
        Values of the other family's parameters where they are not those of the same name: numbers or parameters of
        this family.
    """

    parameter: str
    value: sp.Expr
    family: str
    family_values: tuple[tuple[str, sp.Expr], ...] = ()


@dataclass(frozen=True, repr=False)
class Activation:
    """A piecewise-polynomial activation phi(x), an immutable and hashable value.

    Make one with `vmap_theory.activation` (by name), `vmap_theory.parse_activation` (from text) or
    `Activation.from_expression` (from SymPy).  Calling it evaluates phi on an array.

    Attributes
    ----------
    name : str
        Name in the registry, or ``custom``.
    expression : sympy expression
        phi as it was written, in ``x`` and the parameters that have no value yet.
    pieces : tuple of Piece
        Ascending, without gaps, from -oo to oo.
    parameters : tuple of Parameter
        All parameters, with or without a value.
    values : tuple of (str, sympy number)
        The parameters that have a value, exactly.
    title, source : str
        A line for people and the reference it comes from.
    limits : tuple of Limit
        Other families that it contains as limits.

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
    pieces: tuple[Piece, ...]
    parameters: tuple[Parameter, ...] = ()
    values: tuple[tuple[str, sp.Expr], ...] = ()
    title: str = field(default="", compare=False)
    source: str = field(default="", compare=False)
    limits: tuple[Limit, ...] = field(default=(), compare=False)

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
        **values: Any,
    ) -> Activation:
        """Make an activation from a SymPy expression in the symbol ``x``.

        Parameters
        ----------
        expression : sympy expression
            A nest of Piecewise, Max, Min, Abs, sign, Heaviside and polynomials in ``x``.  Symbols are told apart by
            name alone.
        parameters : sequence of Parameter
            Declarations; a symbol that is not declared becomes a parameter on (0, oo).
        name, title, source, limits
            As in `Activation`.
        **values : number
            Values of parameters; they are put in before break points are ordered.

        Raises
        ------
        ExpressionError
            A piece is not a polynomial in x.
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
        partition = flatten(exact)
        ends = (-sp.oo, *partition.breaks, sp.oo)
        pieces = tuple(Piece(*triple) for triple in zip(ends, ends[1:], partition.parts, strict=False))
        return cls(name, exact, pieces, wholly, bound, title, source, tuple(limits))

    @classmethod
    def from_pieces(
        cls,
        pieces: Iterable[tuple[Any, Any, Any]],
        parameters: Sequence[Parameter] = (),
        *,
        name: str = "custom",
        **values: Any,
    ) -> Activation:
        """Make an activation from triples ``(lower, upper, polynomial in x)`` that cover the whole line.

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
        try:
            triples = [tuple(sp.sympify(part, strict=True) for part in piece) for piece in pieces]
        except (sp.SympifyError, TypeError) as error:
            raise ExpressionError(
                f"pieces hold something that is no number and no SymPy expression: {error}."
            ) from None
        if not triples or any(len(triple) != 3 for triple in triples):
            raise PiecesError("pieces must be a list of triples (lower, upper, expression); at least one is needed.")
        infinite = {sp.Float("inf"): sp.oo, sp.Float("-inf"): -sp.oo}
        triples = [tuple(infinite.get(part, part) for part in triple) for triple in triples]
        if any(not end.is_extended_real for triple in triples for end in triple[:2]):
            raise PiecesError("the ends of a piece must be real numbers, oo or -oo.")
        wanted = [-sp.oo, *(upper for _, upper, _ in triples[:-1])]
        if triples[0][0] != -sp.oo:
            raise PiecesError(
                f"the pieces leave a gap: nothing is defined for x < {triples[0][0]}. Start the first at -oo."
            )
        for (lower, upper, _), expected in zip(triples, wanted, strict=True):
            meets = lower == expected or (lower.is_finite and expected.is_finite and compare(lower, expected) == 0)
            if not meets:
                kind = "overlap" if (lower - expected).is_negative else "leave a gap"
                raise PiecesError(
                    f"the pieces {kind}: one ends at {expected} and the next starts at {lower}. "
                    "Give ascending pieces that meet."
                )
            if (upper - lower).is_nonpositive:
                raise PiecesError(
                    f"the piece from {lower} to {upper} is empty: its upper end must lie above its lower end."
                )
        if triples[-1][1] != sp.oo:
            raise PiecesError(
                f"the pieces leave a gap: nothing is defined for x > {triples[-1][1]}. End the last at oo."
            )
        branches = [(expr, sp.Symbol("x") < upper if upper != sp.oo else True) for _, upper, expr in triples]
        return cls.from_expression(sp.Piecewise(*branches), parameters, name=name, **values)

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
        pieces = []
        for piece in self.pieces:
            parts = [_put_in(part, self.parameters, new) for part in (piece.lower, piece.upper, piece.expression)]
            if compare(parts[0], parts[1]) < 0:
                pieces.append(Piece(parts[0], parts[1], sp.expand(parts[2])))
        order = {parameter.name: index for index, parameter in enumerate(self.parameters)}
        return replace(
            self,
            expression=_put_in(self.expression, self.parameters, new),
            pieces=tuple(pieces),
            values=tuple(sorted((*self.values, *new), key=lambda pair: order[pair[0]])),
        )

    @cached_property
    def breaks(self) -> tuple[Break, ...]:
        """All points where pieces meet, ascending, with jump and slope change."""

        def step(left: Piece, right: Piece, order: int) -> sp.Expr:
            difference = sp.diff(right.expression - left.expression, X, order).subs(X, right.lower)
            # Radicals and roots of polynomials vanish without looking it: sign_of decides by value.
            return sp.Integer(0) if sign_of(difference) == 0 else sp.factor(sp.expand(difference))

        return tuple(
            Break(right.lower, step(left, right, 0), step(left, right, 1)) for left, right in pairwise(self.pieces)
        )

    @property
    def kinks(self) -> tuple[Break, ...]:
        """The break points where the slope changes."""
        return tuple(point for point in self.breaks if point.slope_change != 0)

    @property
    def jumps(self) -> tuple[Break, ...]:
        """The break points where phi itself jumps; with one, E[phi'^2] is infinite."""
        return tuple(point for point in self.breaks if point.jump != 0)

    @property
    def asymptotes(self) -> tuple[sp.Expr, sp.Expr]:
        """The polynomials that phi equals far to the left and far to the right."""
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
        """
        from ..checks import real_array

        self.require_numbers("evaluating an activation")
        points = real_array("x", x, finite=False)
        return _evaluate(self, points)


def _short(number: sp.Expr) -> str:
    """An exact number as it is, or as the float that it came from."""
    return str(number) if len(str(number)) < 12 else repr(float(number))


def _evaluate(act: Activation, points: NDArray[np.float64]) -> NDArray[np.float64] | np.float64:
    import numpy as np

    ends, coefficients, at_breaks = _float_pieces(act)
    values = np.full(points.shape, np.nan)
    which = np.searchsorted(ends, points, side="right")
    for index, polynomial in enumerate(coefficients):
        here = (which == index) & ~np.isnan(points)
        if here.any():
            inside = points[here]
            total = np.full(inside.shape, polynomial[0])  # Horner's rule; a constant piece never touches x = inf
            for coefficient in polynomial[1:]:
                total = total * inside + coefficient
            values[here] = total
    for point, value in zip(ends, at_breaks, strict=True):
        values[points == point] = value
    return values[()]


@lru_cache(maxsize=1024)
def _float_pieces(act: Activation) -> tuple[list[float], list[list[float]], list[float]]:
    coefficients = [[float(c) for c in sp.Poly(piece.expression, X).all_coeffs()] for piece in act.pieces]
    ends = [float(point.at) for point in act.breaks]
    return ends, coefficients, [float(act.expression.subs(X, point.at)) for point in act.breaks]


def _undeclared(name: str, has_value: bool) -> Parameter:
    if has_value:  # the user's number decides; no domain was declared that it could leave
        return Parameter(name, REAL)
    return Parameter(name)


def _symbol_for(name: str, parameters: Sequence[Parameter]) -> sp.Symbol:
    return X if name == X.name else next(p.symbol for p in parameters if p.name == name)


def _put_in(expression: sp.Expr, parameters: Sequence[Parameter], values: Sequence[tuple[str, sp.Expr]]) -> sp.Expr:
    symbols: Mapping[str, sp.Symbol] = {parameter.name: parameter.symbol for parameter in parameters}
    return expression.subs({symbols[name]: value for name, value in values}, simultaneous=True)
