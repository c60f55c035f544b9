"""Parameters of an activation: symbol, domain, typical range; and the exact numbers that they take."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sympy as sp

from ..checks import refuse_tensors
from ..errors import DomainError, DtypeError, ExpressionError
from .signs import compare, sign_of
from .symbols import parameter_symbol

if TYPE_CHECKING:
    import numpy as np

RESERVED_NAMES = frozenset({"x", "q", "q_star", "rho", "sigma_w2", "sigma_b2", "pi", "E", "oo", "inf", "nan", "I"}) | {
    *("name", "expression", "parameters", "title", "source", "limits", "penalty", "torch"),
    *("cls", "self", "text", "values", "bounds", "chunk_size"),
}
"""Names that mean something else in formulas or keyword arguments, so that no parameter can have them."""

POSITIVE = sp.Interval.open(0, sp.oo)
NON_NEGATIVE = sp.Interval(0, sp.oo)
NON_POSITIVE = sp.Interval(-sp.oo, 0)
REAL = sp.Interval(-sp.oo, sp.oo)


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation.

    Attributes
    ----------
    name : str
        Name in formulas and in keyword arguments, such as ``tau``.
    domain : sympy.Interval
        The allowed values.
    typical : tuple of float
        Lower and upper end of the values that occur in practice; verification and tests draw from it.
    default : sympy expression or None
        The customary value that a call without this parameter takes; None: the parameter stays symbolic.
    meaning : str
        One line for tables and docs.
    integer : bool
        Only integers are allowed.  The pieces of an activation may depend on such a parameter as a whole, as the degree
        of a monomial; they are known once it has a value.

    Examples
    --------
    >>> tau = Parameter("tau", sp.Interval(0, sp.oo), typical=(0.1, 3.0))
    >>> tau.domain_text, tau.symbol.is_nonnegative
    ('[0, oo)', True)
    """

    name: str
    domain: sp.Interval = POSITIVE
    typical: tuple[float, float] = (0.2, 2.5)
    default: sp.Expr | None = None
    meaning: str = ""
    integer: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name.startswith("_"):
            raise ExpressionError(f"{self.name!r} cannot name a parameter: use letters, digits and inner underscores.")
        if self.name in RESERVED_NAMES:
            raise ExpressionError(f"the name {self.name!r} is reserved: call the parameter something else.")
        if not isinstance(self.domain, sp.Interval):
            raise DomainError(f"the domain of {self.name} is {self.domain}: give a sympy.Interval with inner points.")
        low, high = self.typical
        if not (low <= high and self._holds(sp.Rational(low)) and self._holds(sp.Rational(high))):
            raise DomainError(
                f"typical range {self.typical} of {self.name} does not lie in its domain {self.domain_text}."
            )

    @property
    def symbol(self) -> sp.Symbol:
        """The SymPy symbol, with the sign or the interval that the domain gives it."""
        return parameter_symbol(self.name, self.domain, integer=self.integer)

    @property
    def domain_text(self) -> str:
        """The domain as a person writes it, for instance ``[0, oo)``."""
        left = "(" if self.domain.left_open else "["
        right = ")" if self.domain.right_open else "]"
        return f"{left}{self.domain.inf}, {self.domain.sup}{right}"

    def accept(self, value: object) -> sp.Expr:
        """Return `value` as an exact number of the domain.

        Raises
        ------
        DtypeError
            Not a real number.
        DomainError
            NaN, infinite or outside the domain.
        """
        number = exact_number(self.name, value)
        if self.integer and not number.is_Integer:
            raise DomainError(f"{self.name} = {value} is not an integer: give one of {self.domain_text}.")
        if not self._holds(number):
            raise DomainError(
                f"{self.name} = {value} is outside its domain {self.domain_text}: "
                f"choose a value there, for instance {self.typical[0]:g}."
            )
        return number

    def draw(self, rng: np.random.Generator) -> sp.Rational:
        """Draw a value from the typical range: an integer, or an exact decimal of at most four places."""
        low, high = self.typical
        if self.integer:
            return sp.Integer(int(rng.integers(int(low), int(high), endpoint=True)))
        value = sp.Rational(round(float(rng.uniform(low, high)) * 10000), 10000)
        return value if self._holds(value) else sp.Rational(high)

    def _holds(self, number: sp.Expr) -> bool:
        low, high = compare(self.domain.inf, number), compare(number, self.domain.sup)
        inside = low <= 0 and high <= 0
        return inside and not (low == 0 and self.domain.left_open) and not (high == 0 and self.domain.right_open)


def exact_number(name: str, value: object) -> sp.Expr:
    """Return `value` as an exact SymPy real number.

    A float is taken as the binary fraction that it is (0.3 becomes 5404319552844595/2**54), so that formulas,
    high-precision checks and float64 kernels all speak of the same number.  Exact SymPy numbers pass unchanged.

    Raises
    ------
    DtypeError
        Text, booleans, complex numbers, arrays, expressions with free symbols.
    DomainError
        NaN or an infinity.

    Examples
    --------
    >>> exact_number("tau", 0.5), exact_number("tau", sp.sqrt(2))
    (1/2, sqrt(2))
    """
    refuse_tensors(
        name,
        value,
        "an activation holds plain numbers. To differentiate, leave the parameter free and pass the tensor on, "
        f"as in gaussian_moments(act, q, {name}=x); else convert it with float(x)",
    )
    plain: Any = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if isinstance(plain, bool):
        raise DtypeError(f"{name} = {value!r} is a truth value: give a real number.")
    if isinstance(plain, float):
        if plain != plain or plain in (float("inf"), float("-inf")):
            raise DomainError(f"{name} = {value} is outside its domain: give a finite real number.")
        return _within_float64(name, sp.Rational(plain))
    if isinstance(plain, (numbers.Integral, Fraction)):
        return _within_float64(name, sp.Rational(plain))
    if isinstance(plain, Decimal) and plain.is_finite() and abs(plain.adjusted()) < 1000:
        return _within_float64(name, sp.Rational(str(plain)))
    if isinstance(plain, sp.Expr):
        if plain.free_symbols:
            raise DtypeError(
                f"{name} = {value} holds free symbols: give a number; vmap_theory.family has every parameter symbolic."
            )
        number = plain.replace(lambda part: part.is_Float and part.is_finite, lambda part: sp.Rational(part))
        if number.is_finite and number.is_extended_real:
            return _within_float64(name, number)
        raise DomainError(f"{name} = {value} is outside its domain: give a finite real number.")
    raise DtypeError(f"{name} = {value!r} is not a real number: give a float, an integer or an exact SymPy number.")


def _within_float64(name: str, number: sp.Expr) -> sp.Expr:
    if sign_of(number) == 0:  # such as sin(1)^2 + cos(1)^2 - 1
        return sp.Integer(0)
    if abs(number.evalf(5)) > 1e300 or float(number) == 0:
        raise DomainError(f"{name} is beyond the range of float64: give 0 or a number from 1e-300 to 1e300 in size.")
    return number
