"""Check derived closed forms against the independent high-precision reference: `verify`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from sympy.core.evalf import PrecisionExhausted

from ..activations import Activation, as_activation
from ..balls import ball_moments
from ..checks import integer_between
from ..errors import PrecisionError
from ..formulas import QUANTITIES, SIGMA_B2, SIGMA_W2, Formulas, derive
from ..kernels.high_precision import moments_to_digits
from ..kernels.result import MOMENT_NAMES
from ..moments import Q
from ..reference import ReferenceValue, reference_moments
from .report import VerificationReport, VerificationRow

MOST_DIGITS = 250
"""Relative errors are reported as floats, which end at 1e-308; beyond 250 digits they would fade to 0."""

_EXTRA_DIGITS = 15
_Q_RANGE = (0.05, 20.0)
_SIGMA_RANGE = (0.1, 10.0)


def verify(
    act: Activation | str,
    digits: int = 50,
    *,
    points: int = 8,
    seed: int = 0,
    formulas: Formulas | None = None,
    balls: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> VerificationReport:
    """Compare every closed form of `act` with integrals that share no code with the derivation.

    Where no closed form is known, a second quadrature of another kind takes its place: the derivative form by the
    double exponential rule against the weight form by Gauss-Legendre rules.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.  Parameters with numbers keep them; symbolic ones are drawn from their typical
        ranges.
    digits : int
        Decimal digits of relative agreement that are asked for, 5 to 250.
    points : int
        How many points (q, sigma_w2, sigma_b2, free parameters) are drawn; q is log-uniform on [0.05, 20].
    seed : int
        Of the draw; the same seed gives the same points.
    formulas : Formulas, optional
        Formulas to put to the test in place of the derived ones, for instance from a paper.
    balls : bool
        Ask a third judge too: rigorous enclosures by ball arithmetic (`ball_moments`; needs the extra ``balls``).
    on_progress : callable, optional
        Called as ``on_progress(done, total)`` after each point.

    Returns
    -------
    VerificationReport

    Raises
    ------
    PrecisionError
        The reference integrals did not settle, or an integral could not be enclosed.
    MissingExtraError
        `balls` is asked for and python-flint is not installed.

    Examples
    --------
    >>> from vmap_theory import activation, verify
    >>> report = verify(activation("crelu", tau=1, m=1), digits=30, points=2)
    >>> report.passed, len(report.rows)
    (True, 14)
    """
    act = as_activation(act)
    digits = integer_between("digits", digits, 5, MOST_DIGITS)
    points = integer_between("points", points, 1, 10**6)
    rng = np.random.default_rng(seed)
    rows: list[VerificationRow] = []
    for done in range(1, points + 1):
        rows.extend(_rows_at_point(act, formulas, _draw_point(act, rng), digits, balls))
        if on_progress is not None:
            on_progress(done, points)
    worst = max(row.relative_error for row in rows)
    passed = worst < 10.0**-digits and all(row.enclosed is not False for row in rows)
    return VerificationReport(act.label, digits, passed, worst, tuple(rows))


def _draw_point(act: Activation, rng: np.random.Generator) -> dict[sp.Symbol, sp.Rational]:
    def log_uniform(low: float, high: float) -> sp.Rational:
        return sp.Rational(round(float(np.exp(rng.uniform(np.log(low), np.log(high)))) * 10**4), 10**4)

    point = {
        Q: log_uniform(*_Q_RANGE),
        SIGMA_W2: log_uniform(*_SIGMA_RANGE),
        SIGMA_B2: log_uniform(*_SIGMA_RANGE),
    }
    return point | {parameter.symbol: parameter.draw(rng) for parameter in act.free_parameters}


def _rows_at_point(
    act: Activation, given: Formulas | None, point: dict[sp.Symbol, sp.Rational], digits: int, balls: bool
) -> list[VerificationRow]:
    integers = {p.name: point[p.symbol] for p in act.free_parameters if p.integer}
    tested = derive(act.bind(**integers)) if given is None else given
    numeric = act.bind(**{p.name: point[p.symbol] for p in act.free_parameters})
    expected = _expected(reference_moments(numeric, point[Q], digits), point)
    labels = {symbol.name: str(value) for symbol, value in point.items()}
    integrals = _second_quadrature(numeric, tested, point, digits)
    enclosures = _enclosures(numeric, point, digits) if balls else {}
    rows = []
    for name in QUANTITIES:
        closed = integrals[name] if name in integrals else _evaluated(getattr(tested, name), point, digits)
        rows.append(
            VerificationRow(
                name,
                labels,
                "integral" if name in integrals else "closed form",
                mpmath.nstr(closed, digits),
                mpmath.nstr(expected[name].value, digits),
                _relative_error(closed, expected[name], digits),
                _lies_in(closed, enclosures.get(name), digits),
            )
        )
    return rows


def _second_quadrature(
    act: Activation, tested: Formulas, point: dict[sp.Symbol, sp.Rational], digits: int
) -> dict[str, Any]:
    """Values of the quantities that `tested` leaves as integrals."""
    wanted = [name for name in QUANTITIES if getattr(tested, name).has(sp.Integral)]
    own = derive(tested.activation) if wanted else tested
    for name in wanted:
        if getattr(tested, name) != getattr(own, name):
            raise PrecisionError(
                f"{name} holds an integral of its own, which is not evaluated: give a closed form to be verified."
            )
    if not wanted:
        return {}
    values = _in_quantities(moments_to_digits(act, point[Q], digits), point, digits)
    return {name: values[name] for name in wanted}


def _in_quantities(moments: dict[str, Any], point: dict[sp.Symbol, sp.Rational], digits: int) -> dict[str, Any]:
    """All quantities from the five moments."""
    with mpmath.workdps(digits + _EXTRA_DIGITS):
        found = {name: mpmath.mpf(value) for name, value in moments.items()}
        weight, bias = (mpmath.mpf(int(point[s].p)) / int(point[s].q) for s in (SIGMA_W2, SIGMA_B2))
        return {
            "second_moment": found["second_moment"],
            "slope_moment": found["slope_moment"],
            "sparsity": found["sparsity"],
            "V": weight * found["second_moment"] + bias,
            "dV": weight * found["d_second_moment"],
            "d2V": weight * found["d2_second_moment"],
            "chi_1": weight * found["slope_moment"],
        }


def _enclosures(act: Activation, point: dict[sp.Symbol, sp.Rational], digits: int) -> dict[str, tuple[Any, Any]]:
    """Midpoints and radii of all quantities that are finite."""
    balls = ball_moments(act, point[Q], digits)
    names = [name for name in MOMENT_NAMES if getattr(balls, name) is not None]
    infinite = {name: mpmath.inf for name in MOMENT_NAMES if name not in names}
    middle = _in_quantities({name: getattr(balls, name).midpoint for name in names} | infinite, point, digits)
    radius = _in_quantities(
        {name: getattr(balls, name).radius for name in names} | infinite, point | {SIGMA_B2: sp.Integer(0)}, digits
    )
    return {name: (middle[name], radius[name]) for name in QUANTITIES if mpmath.isfinite(middle[name])}


def _lies_in(value: Any, enclosure: tuple[Any, Any] | None, digits: int) -> bool | None:
    if enclosure is None:
        return None
    with mpmath.workdps(digits + _EXTRA_DIGITS):
        middle, radius = enclosure
        return bool(abs(value - middle) <= radius + abs(middle) * mpmath.mpf(10) ** -digits)


def _expected(moments: dict[str, ReferenceValue], point: dict[sp.Symbol, sp.Rational]) -> dict[str, ReferenceValue]:
    """Build the reference values of all quantities from the five moments."""

    def scaled(moment: ReferenceValue, shift: Any = 0) -> ReferenceValue:
        context = moment.value.context
        weight = context.mpf(int(point[SIGMA_W2].p)) / int(point[SIGMA_W2].q)
        return ReferenceValue(weight * moment.value + shift, weight * moment.scale + abs(shift))

    second = moments["second_moment"]
    bias = second.value.context.mpf(int(point[SIGMA_B2].p)) / int(point[SIGMA_B2].q)
    return {
        "second_moment": second,
        "slope_moment": moments["slope_moment"],
        "sparsity": moments["sparsity"],
        "V": scaled(second, bias),
        "dV": scaled(moments["d_second_moment"]),
        "d2V": scaled(moments["d2_second_moment"]),
        "chi_1": scaled(moments["slope_moment"]),
    }


def _evaluated(expression: sp.Expr, point: dict[sp.Symbol, sp.Rational], digits: int) -> Any:
    """Evaluate a closed form; SymPy raises its working precision until the digits are certain."""
    exact = expression.xreplace(point)
    if exact == sp.oo:
        return mpmath.inf
    try:
        if exact.has(sp.I):
            number = _real_part(exact, digits + _EXTRA_DIGITS)
        else:
            number = exact.evalf(digits + _EXTRA_DIGITS, maxn=100 * digits, strict=True)
        if not number.is_real:
            raise TypeError
    except (PrecisionExhausted, TypeError, AttributeError, ValueError):
        raise PrecisionError(
            f"the formula {str(exact)[:80]} has no real value that can be told to {digits} digits: simplify it."
        ) from None
    with mpmath.workdps(digits + _EXTRA_DIGITS):
        return mpmath.make_mpf(number._mpf_) if hasattr(number, "_mpf_") else mpmath.mpf(int(number))


def _real_part(exact: sp.Expr, digits: int) -> sp.Expr:
    """Value of a formula that is a sum of conjugate pairs, of whose imaginary part evalf would want digits."""
    coarse, fine = (exact.evalf(precision) for precision in (2 * digits + 40, 3 * digits + 80))
    (value, rest), (other, _) = fine.as_real_imag(), coarse.as_real_imag()
    tolerance = sp.Float(10, 10) ** -digits * abs(value)
    if not value.is_Float or abs(value - other) > tolerance or abs(rest) > tolerance:
        return sp.nan  # neither real nor settled
    return value


def _relative_error(closed: Any, expected: ReferenceValue, digits: int) -> float:
    with mpmath.workdps(digits + _EXTRA_DIGITS):
        reference, scale = (mpmath.make_mpf(number._mpf_) for number in (expected.value, expected.scale))
        if mpmath.isinf(reference) or mpmath.isinf(closed) or scale == 0:
            return 0.0 if closed == reference else float("inf")
        return float(abs(closed - reference) / mpmath.make_mpf(expected.yardstick._mpf_))
