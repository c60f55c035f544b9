r"""`slope_moment_derivative`: d/dq E[phi'^2], the sensitivity of chi_1 to the variance.

Polynomial pieces have it exactly, as one more functional (see `functionals`), kinks of phi included: by its terms at
the kinks or as E[phi'^2 (z^2 - 1)]/(2 q), whichever has the smaller error bound.  For other expressions phi' is taken
for an activation itself, whose jumps are the kinks of phi: the certified quadrature that gives dE/dq of phi^2 gives it
of phi'^2.

A Python function has no such phi'.  For it the derivative comes from certified values of S(q) = E[phi'^2] by
interpolation in u = log q.  S is analytic wherever Re(1/q) > 0, hence in the strip |Im u| < pi/2, whatever phi is:
kinks make no difference.  On an interval of half width w about u the Chebyshev coefficients of S fall like rho^-k for
the ellipse of half height theta < pi/2, and with Q the largest |q|/cos(theta) there

.. math::
    |S(q)| \le M = \sqrt{Q / |q|_{min}}\; S(Q),

for the complex Gaussian density is at most that factor times the real one of variance Q.  So the slope at the middle of
the interpolating polynomial of degree n is off by at most ``4 M sum_{k > n} k rho^-k`` (a coefficient left out and its
alias, each 2 M rho^-k at most), plus the errors of the values times the weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from numpy.polynomial import chebyshev

from ..activations import Activation, as_activation
from ..activations.symbols import X
from ..errors import NoEdgeOfChaosError, PrecisionError
from .arguments import checked_arguments
from .cases import computed
from .computation import Computation
from .functionals import Coefficients, Functional, moment_functionals
from .libraries import NUMPY
from .plan import factored
from .quadrature import rule_for

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

_DEGREE = 24
_HALF_WIDTH = 0.4
"""Of the interval in log q: wider, the weights are smaller and the coefficients fall more slowly."""
_HALF_HEIGHT = 1.1
"""Of the ellipse: higher, the coefficients fall faster, and the bound asks for S at larger variances."""
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class SlopeMomentDerivative:
    """d/dq E[phi'^2] with a bound of its error: float64 arrays of one shape.

    Attributes
    ----------
    value : array
        The derivative, in units of 1 over a variance.
    error : array
        Bound of its absolute error.
    """

    value: Array
    error: Array


def slope_moment_derivative(act: Activation | str, q: ArrayLike, /, **parameters: ArrayLike) -> SlopeMomentDerivative:
    r"""Return d/dq E[phi'(sqrt(q) Z)^2], contributions of kinks included.

    Times sigma_w2 it is d chi_1/dq.  For the clipped ReLU, with a = tau/sqrt(q) and b = (tau + m)/sqrt(q),
    E[phi'^2] = Phi(b) - Phi(a) and the derivative is (a pdf(a) - b pdf(b)) / (2 q).

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.  Parameters may stay symbolic if they are given here.
    q : array_like
        Variances (not standard deviations), finite and > 0, any shape.  NaN gives NaN.
    **parameters : array_like
        Numbers or arrays for the free parameters, broadcast against `q`.

    Returns
    -------
    SlopeMomentDerivative
        Arrays of the broadcast shape.  The bound is below 1e-13 of ``E[phi'^2 |z^2 - 1|]/(2 q)`` for polynomial pieces,
        and a few times that (measured over the catalogue) for other expressions; for Python functions some
        1e-8 of E[phi'^2]/q, for their slopes are known from values alone.

    Raises
    ------
    NoEdgeOfChaosError
        phi jumps or is as steep as a square root somewhere, so that E[phi'^2] is infinite.
    DomainError, DtypeError, SymbolicParameterError, UnknownNameError, PrecisionError
        As `gaussian_moments` does.

    Examples
    --------
    >>> found = slope_moment_derivative("crelu", 1.0, tau=1.0, m=1.0)
    >>> print(f"{found.value:.12f}")
    0.066994395746
    >>> print(f"{slope_moment_derivative('tanh', 1.0).value:.10f}")
    -0.1782962749
    """
    act = as_activation(act)

    def compute(case: Activation, variances: Array, values: dict[str, Array]) -> dict[str, Array]:
        _refuse_infinite_slopes(case)
        if case.is_polynomial:
            found = _exact(case, variances, values)
        else:
            found = _interpolated(case, variances) if case.function is not None else _by_quadrature(case, variances)
        return dict(zip(("value", "error"), found, strict=True))

    return SlopeMomentDerivative(**computed(act, checked_arguments(act, q, parameters), ("value", "error"), compute))


def _refuse_infinite_slopes(act: Activation) -> None:
    if act.slope_is_infinite:
        raise NoEdgeOfChaosError(
            f"E[phi'^2] of {act.label} is infinite at every variance, since phi jumps or has an infinite slope, so it "
            "has no derivative: use a continuous activation of finite slope, for instance soft_threshold in place of "
            "hard_threshold."
        )


def _exact(act: Activation, q: Array, values: dict[str, Array]) -> tuple[Array, Array]:
    """The better of two exact forms: where ramps are narrow, the terms at their ends cancel, and the weights do not."""
    computation = Computation(act, _both_forms(act))
    found, errors = computation.values_and_bounds(q, tuple(values.values()), NUMPY)
    first = errors[0] <= errors[1]
    return np.where(first, *found), np.where(first, *errors)


@lru_cache(maxsize=512)
def _both_forms(act: Activation) -> tuple[Functional, Functional]:
    """``d/dq E[f]`` by way of the points where f = phi'^2 jumps, and as ``E[f (u^2 - 1)] / (2 q)``."""
    moment = moment_functionals(act).moments["slope_moment"]
    weighted = tuple((ends, _times_weight(ends[0], p)) for ends, p in moment.parts)
    return moment.in_q(), Functional(weighted, (), moment.order + 1, moment.power - 2)


def _times_weight(start: sp.Expr, coefficients: Coefficients) -> Coefficients:
    """Coefficients of P(t) (u^2 - 1)/2 with u = start + t."""
    weight = ((start**2 - 1) / 2, start, sp.Rational(1, 2))
    product = [sp.Integer(0)] * (len(coefficients) + 2)
    for k, coefficient in enumerate(coefficients):
        for j, factor in enumerate(weight):
            product[k + j] += coefficient * factor
    return tuple(factored(c) for c in product)


def _by_quadrature(act: Activation, q: Array) -> tuple[Array, Array]:
    moments = rule_for(_slope_of(act)).moments(q)
    return moments["d_second_moment"], moments["d_second_moment_error"]


@lru_cache(maxsize=128)
def _slope_of(act: Activation) -> Activation:
    """The slope phi' as an activation."""
    slopes = [(piece.lower, piece.upper, sp.diff(piece.expression, X)) for piece in act.pieces]
    return Activation.from_pieces(slopes, name=f"slope of {act.label}")


def _interpolated(act: Activation, q: Array) -> tuple[Array, Array]:
    """The slope in log q of the interpolating polynomial at the middle of an interval about each variance."""
    points, weights, tail, reach, factor = _interpolation()
    rule = rule_for(act)
    everywhere = np.concatenate([np.outer(q, np.exp(points)).ravel(), reach * q])
    moments = rule.moments(everywhere)
    values, errors = (moments[f"slope_moment{kind}"] for kind in ("", "_error"))
    if not np.isfinite(values).all():
        raise PrecisionError(
            f"E[phi'^2] of {act.label} leaves the range of float64 near a variance of {q.max():.3g}: "
            "choose smaller variances."
        )
    shape = (q.size, points.size)
    inner, inner_errors = values[: -q.size].reshape(shape), errors[: -q.size].reshape(shape)
    # A variance is rounded to half a unit in the last place, which moves S by less than its own size times that.
    rounding = (inner_errors + (2 + _DEGREE / 2) * _EPSILON * inner) @ np.abs(weights)
    error = rounding + tail * factor * (values[-q.size :] + errors[-q.size :])
    slope = inner @ weights
    return slope / q, (error + _EPSILON * np.abs(slope)) / q


@lru_cache(maxsize=1)
def _interpolation() -> tuple[Array, Array, float, float, float]:
    """Nodes in log q about 0, the weights of the slope at 0, and what bounds the rest.

    The bound is ``tail * factor * S(reach * q)``.
    """
    nodes: Array = np.cos(np.pi * (2 * np.arange(_DEGREE + 1) + 1) / (2 * (_DEGREE + 1)))
    degrees = np.arange(_DEGREE + 1)
    basis = chebyshev.chebvander(nodes, _DEGREE)
    slopes = np.where(degrees % 2 == 1, degrees * (-1.0) ** (degrees // 2), 0.0)  # T_k'(0)
    halved = np.where(degrees == 0, 1.0, 2.0) / nodes.size
    weights = (basis * halved) @ slopes / _HALF_WIDTH
    height = _HALF_HEIGHT / _HALF_WIDTH
    rho = height + math.hypot(1.0, height)
    # sum over k > n of k r^k with r = 1 / rho
    r, n = 1 / rho, _DEGREE
    tail = 4 * r ** (n + 1) * ((n + 1) - n * r) / (1 - r) ** 2 / _HALF_WIDTH
    farthest = math.exp(_HALF_WIDTH * math.hypot(1.0, height))
    reach = farthest / math.cos(_HALF_HEIGHT)
    return _HALF_WIDTH * nodes, weights, tail, reach, math.sqrt(reach * farthest)
