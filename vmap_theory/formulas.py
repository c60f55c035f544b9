"""Closed forms of the variance map and its companions: `derive` and its result, `Formulas`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import sympy as sp

from .activations import Activation, as_activation
from .activations.symbols import X
from .errors import ExpressionError, UnknownNameError
from .latex import to_latex
from .moments import Q, Term, TermSum, expectation, normal_density, terms_of
from .python_code import module_text

SIGMA_W2 = sp.Symbol("sigma_w2", positive=True)
"""Weight variance times fan-in."""

SIGMA_B2 = sp.Symbol("sigma_b2", nonnegative=True)
"""Bias variance."""

QUANTITIES = ("second_moment", "slope_moment", "sparsity", "V", "dV", "d2V", "chi_1")
"""The attributes of `Formulas` that hold an expression, in the order of every listing."""

HEADINGS = {
    "second_moment": "E[phi^2]",
    "slope_moment": "E[phi'^2]",
    "sparsity": "P(phi = 0)",
    "V": "V(q)",
    "dV": "V'(q)",
    "d2V": "V''(q)",
    "chi_1": "chi_1(q)",
}
"""What stands on the left of each formula in plain text."""

LATEX_HEADINGS = {
    "second_moment": r"\mathbb{E}[\phi^2]",
    "slope_moment": r"\mathbb{E}[\phi'^2]",
    "sparsity": r"\mathbb{P}(\phi = 0)",
    "V": "V(q)",
    "dV": "V'(q)",
    "d2V": "V''(q)",
    "chi_1": r"\chi_1(q)",
}

_LONGEST_FRACTION = 10**9
_LONGEST_INTEGER = 10**15


@dataclass(frozen=True)
class Formulas:
    """The maps of one activation as SymPy expressions in q, sigma_w2, sigma_b2 and the free parameters.

    Attributes
    ----------
    activation : Activation
        What they were derived for.
    second_moment, slope_moment : sympy expressions
        E[phi(X)^2] and E[phi'(X)^2] for X ~ N(0, q), q a variance.  A jump of phi makes the latter infinite (oo).
    V, dV, d2V : sympy expressions
        The variance map ``sigma_w2 E[phi^2] + sigma_b2`` and its first two derivatives in q, kink terms included.
    chi_1 : sympy expression
        ``sigma_w2 E[phi'^2]``.
    sparsity : sympy expression
        P(phi(X) = 0).
    is_exact : bool
        True: every expression is a closed form.  False: no closed form is known for some; they are integrals that SymPy
        leaves as they are, and `gaussian_moments` evaluates them with an error bound.

    Examples
    --------
    >>> from vmap_theory import activation, derive
    >>> f = derive(activation("relu"))
    >>> f.V, f.dV, f.d2V, f.chi_1
    (q*sigma_w2/2 + sigma_b2, sigma_w2/2, 0, sigma_w2/2)
    """

    activation: Activation
    second_moment: sp.Expr
    slope_moment: sp.Expr
    sparsity: sp.Expr
    V: sp.Expr
    dV: sp.Expr
    d2V: sp.Expr
    chi_1: sp.Expr
    is_exact: bool = True

    @cached_property
    def symbols(self) -> dict[str, sp.Symbol]:
        """The symbols of all formulas by name, for substitution: ``f.V.subs({f.symbols["q"]: 2})``."""
        found = {Q, SIGMA_W2, SIGMA_B2} | {parameter.symbol for parameter in self.activation.free_parameters}
        return {symbol.name: symbol for symbol in sorted(found, key=lambda symbol: symbol.name)}

    @cached_property
    def exceptions(self) -> tuple[str, ...]:
        """Values of the parameters for which the formulas do not hold, since a piece or a jump vanishes there.

        Put such a value in first: ``derive(act.bind(tau=0))``.

        Examples
        --------
        >>> from vmap_theory import derive, family
        >>> derive(family("leaky_relu")).exceptions, derive(family("crelu")).exceptions
        (('negative_slope = 0',), ())
        """
        found = [
            f"{parameter.name} = 0"
            for parameter in self.activation.free_parameters
            if parameter.domain.contains(0) == sp.true
            and any(
                piece.expression != 0 and piece.expression.subs(parameter.symbol, 0) == 0
                for piece in self.activation.pieces
            )
        ]
        found += [f"{point.jump} = 0" for point in self.activation.jumps if not point.jump.is_nonzero]
        return tuple(dict.fromkeys(found))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical forms: equal for equal formulas, whatever the run, machine or hash seed."""
        text = "\n".join(f"{name} = {sp.sstr(getattr(self, name))}" for name in QUANTITIES)
        return hashlib.sha256(text.encode()).hexdigest()

    def text(self) -> str:
        """All formulas in plain text, one a line; long fractions are shown as decimals of 17 digits."""
        width = max(len(heading) for heading in HEADINGS.values())
        shown = {name: sp.sstr(_readable(getattr(self, name)), full_prec=False) for name in QUANTITIES}
        return "\n".join(f"{HEADINGS[name]:<{width}} = {shown[name]}" for name in QUANTITIES)

    def latex(self, quantity: str | None = None) -> str:
        r"""LaTeX of one quantity, such as ``"V"``, or of all as an ``align*`` body.

        Examples
        --------
        >>> from vmap_theory import activation, derive
        >>> print(derive(activation("linear")).latex("V"))
        V(q) = q \sigma_w^2 + \sigma_b^2
        """
        if quantity is None:
            return " \\\\\n".join(self._latex_line(name, " &= ") for name in QUANTITIES)
        return self._latex_line(quantity, " = ")

    def python(self) -> str:
        """Python text of a module that computes all formulas with NumPy and SciPy alone, one function each.

        ``second_moment(q, ...)``, ``slope_moment(q, ...)``, ``sparsity(q, ...)``, ``variance_map(q, sigma_w2, sigma_b2,
        ...)``, ``variance_map_derivative(q, sigma_w2, ...)``, ``variance_map_second_derivative(q, sigma_w2, ...)`` and
        ``chi_1(q, sigma_w2, ...)``, with the free parameters at the end.  Closed forms are written as they are, and
        lose digits in sparse tails, where `gaussian_moments` does not.  Where none is known, the functions integrate
        with ``scipy.integrate.quad`` and say so.

        Raises
        ------
        ExpressionError
            The activation was made from a Python function, or a formula has no counterpart in SciPy.

        Examples
        --------
        >>> from vmap_theory import activation, derive
        >>> namespace = {}
        >>> exec(derive(activation("relu_tau")).python(), namespace)
        >>> print(f"{namespace['variance_map'](2.0, sigma_w2=4.0, sigma_b2=0.5, tau=1.0):.6f}")
        1.619436
        """
        return module_text(self.activation, {name: getattr(self, name) for name in QUANTITIES}, self.digest)

    def _latex_line(self, quantity: str, equals: str) -> str:
        if quantity not in QUANTITIES:
            raise UnknownNameError.among("quantity", quantity, QUANTITIES)
        right = to_latex(_readable(getattr(self, quantity)))
        return f"{LATEX_HEADINGS[quantity]}{equals}{right}"


def derive(act: Activation | str) -> Formulas:
    """Derive V, V', V'', chi_1, E[phi^2], E[phi'^2] and the sparsity, in closed form where one is known.

    Parameters
    ----------
    act : Activation or str
        With parameters symbolic, numeric or mixed; or a name of the registry.

    Returns
    -------
    Formulas
        Exact for pieces built from polynomials, x^-k away from zero, exp, sin, cos, sinh, cosh of linear arguments,
        exp(-c x^2), and for a factor erf(b x) or normal cdf of b x on the whole line (so that phi^2 holds two);
        ``is_exact`` says so.  Canonical (the same whatever the hash seed); in terms of erfc of non-negative arguments
        where the signs of the break points are known, so that sparse tails keep their digits (SymPy writes erfc(-a)
        as 2 - erfc(a)).

    Notes
    -----
    Method: truncated Gaussian moments (`vmap_theory.moments`), and for the derivatives the heat equation with the
    point masses of (phi^2)'' and (phi^2)'''' at kinks and jumps.  SymPy's own integrator is never asked.

    A formula in symbolic parameters holds for general values.  Where a value changes the structure (leaky_relu with
    slope 0 has zeros, hard_threshold with tau = 0 no jumps), put it in first: ``derive(act.bind(tau=0))``;
    ``Formulas.exceptions`` lists such values.  Oscillating pieces that end somewhere give erfc of complex arguments in
    conjugate pairs: ``.evalf(20, chop=True)`` drops the imaginary part that rounding leaves.
    """
    act = as_activation(act)
    if act.function is not None:
        raise ExpressionError(
            f"{act.label} is a Python function, which has no formulas: use gaussian_moments for numbers."
        )
    return _derived(act)


def has_closed_form(act: Activation | str) -> bool:
    """Whether `derive` finds closed forms for everything: `Formulas.is_exact`, in a fraction of the time.

    Examples
    --------
    >>> has_closed_form("gelu"), has_closed_form("tanh")
    (True, False)
    """
    act = as_activation(act)
    found = _Moments(act)
    found.second_moment(0)
    if found.is_exact and not act.slope_is_infinite:
        found.slope_moment()
    return found.is_exact


@lru_cache(maxsize=256)
def _derived(act: Activation) -> Formulas:
    found = _Moments(act)
    second = [found.second_moment(order) for order in range(3)]
    slope_moment = sp.oo if act.slope_is_infinite else found.slope_moment()
    return Formulas(
        activation=act,
        second_moment=second[0],
        slope_moment=slope_moment,
        sparsity=found.sparsity(),
        V=SIGMA_W2 * second[0] + SIGMA_B2,
        dV=SIGMA_W2 * second[1],
        d2V=SIGMA_W2 * second[2],
        chi_1=SIGMA_W2 * slope_moment,
        is_exact=found.is_exact,
    )


class _Moments:
    """The moments of one activation: closed forms where they are known, else integrals that are left as they are."""

    def __init__(self, act: Activation) -> None:
        self._pieces = act.pieces
        self._breaks = [piece.upper for piece in act.pieces[:-1]]
        self._terms = [terms_of(piece.expression) for piece in act.pieces]
        self.is_exact = True

    def second_moment(self, order: int) -> sp.Expr:
        """d^order/dq^order E[phi^2]."""
        weight = sp.factor(sp.cancel(sp.diff(normal_density(X), Q, order) / normal_density(X)))
        closed = self._expectation(lambda part: part * part, order)
        return self._integral(lambda phi: weight * phi**2) if closed is None else closed

    def slope_moment(self) -> sp.Expr:
        """E[phi'^2]."""
        closed = self._expectation(lambda part: part.derivative() * part.derivative())
        return self._integral(lambda phi: sp.diff(phi, X) ** 2) if closed is None else closed

    def sparsity(self) -> sp.Expr:
        """P(phi = 0), always in closed form."""
        zeros = [TermSum([(Term(), sp.S.One)] if piece.expression == 0 else []) for piece in self._pieces]
        return expectation(self._breaks, zeros)

    def _expectation(self, rule: Callable[[TermSum], TermSum], order: int = 0) -> sp.Expr | None:
        known = [part for part in self._terms if part is not None]
        if len(known) == len(self._terms):
            return expectation(self._breaks, [rule(part) for part in known], order)
        return None

    def _integral(self, integrand: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
        self.is_exact = False
        return sp.Add(
            *(
                sp.Integral(integrand(piece.expression) * normal_density(X), (X, piece.lower, piece.upper))
                for piece in self._pieces
                if piece.expression != 0
            )
        )


def _readable(expression: sp.Expr) -> sp.Expr:
    """Show fractions with long denominators, the exact values of floats, as decimals."""
    return expression.replace(
        lambda part: part.is_Rational and (part.q > _LONGEST_FRACTION or abs(part.p) > _LONGEST_INTEGER),
        lambda part: sp.Float(repr(float(part)), 17),
    )
