"""Activations that are no piecewise polynomials, typed by hand for mpmath: their parts, slopes and singularities.

Every slope is written out, and `tests.data.make_reference_moments` compares it with a difference quotient.  A clearance
is the distance to the nearest singularity in the complex plane; it decides how fine the panels are, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import cos, erf, exp, mpf, pi, sin, sqrt, tanh

from tests.data.function_moments import Function, Part

INF = mpmath.inf


def off_axis(height: Any, at: Any = 0.0) -> Callable[[float], float]:
    """Clearance of singularities at `at` +- i times `height` and times larger numbers."""
    return lambda x: float(((x - float(at)) ** 2 + float(height) ** 2) ** 0.5)


def error_function(scale: Any) -> Callable[[float], float]:
    """Clearance of erf(x / scale): no singularity, but growth like exp(-z^2) off the axis, until it is constant."""
    return lambda x: float(scale) * max(2.5, abs(x / float(scale)) - 14)


def whole(phi: Function, slope: Function, clearance: Callable[[float], float] | None = None, growth: Any = 0.0) -> Any:
    """One part, the whole line."""
    return [Part(-INF, INF, phi, slope, *(() if clearance is None else (clearance,)), growth=growth)]


def two_sided(phi_below: Function, slope_below: Function, phi_above: Function, slope_above: Function) -> Any:
    """A part below zero and one above."""
    return [Part(-INF, 0, phi_below, slope_below), Part(0, INF, phi_above, slope_above)]


def logistic(x: Any) -> Any:
    return 1 / (1 + exp(-x))


def elu(alpha: Any) -> Any:
    return two_sided(lambda x: alpha * mpmath.expm1(x), lambda x: alpha * exp(x), lambda x: x, lambda x: mpf(1))


def celu(alpha: Any) -> Any:
    return two_sided(lambda x: alpha * mpmath.expm1(x / alpha), lambda x: exp(x / alpha), lambda x: x, lambda x: mpf(1))


def selu() -> Any:
    alpha, scale = mpf("1.6732632423543772848170429916717"), mpf("1.0507009873554804934193349852946")
    return two_sided(
        lambda x: scale * alpha * mpmath.expm1(x),
        lambda x: scale * alpha * exp(x),
        lambda x: scale * x,
        lambda x: scale,
    )


def gelu() -> Any:
    return whole(
        lambda x: x * (1 + erf(x / sqrt(2))) / 2,
        lambda x: (1 + erf(x / sqrt(2))) / 2 + x * exp(-x * x / 2) / sqrt(2 * pi),
        error_function(2**0.5),
    )


def gelu_tanh() -> Any:
    c, k = mpf("0.044715"), sqrt(2 / pi)

    def slope(x: Any) -> Any:
        t = tanh(k * (x + c * x**3))
        return (1 + t) / 2 + x * (1 - t * t) * k * (1 + 3 * c * x * x) / 2

    # The poles solve k (x + c x^3) = (n + 1/2) pi i: at heights above 2.5, and outside the cones of 30 degrees.
    return whole(lambda x: x * (1 + tanh(k * (x + c * x**3))) / 2, slope, lambda x: max(2.5, abs(x) / 2))


def swish(beta: Any) -> Any:
    def slope(x: Any) -> Any:
        s = logistic(beta * x)
        return s + beta * x * s * (1 - s)

    return whole(lambda x: x * logistic(beta * x), slope, off_axis(pi / beta))


def softplus(beta: Any) -> Any:
    return whole(lambda x: mpmath.log1p(exp(beta * x)) / beta, lambda x: logistic(beta * x), off_axis(mpmath.pi / beta))


def mish() -> Any:
    """x tanh(log(1 + e^x)), where tanh(log(u)) = (u^2 - 1)/(u^2 + 1)."""

    def slope(x: Any) -> Any:
        t = tanh(mpmath.log1p(exp(x)))
        return t + x * (1 - t * t) * logistic(x)

    # Poles where (1 + e^x)^2 = -1, that is at log(2)/2 +- 3 pi i/4.
    return whole(lambda x: x * tanh(mpmath.log1p(exp(x))), slope, off_axis(0.75 * 3.14159, at=0.34657))


def softsign() -> Any:
    return [
        Part(-INF, 0, lambda x: x / (1 - x), lambda x: 1 / (1 - x) ** 2, lambda x: 1 - x),
        Part(0, INF, lambda x: x / (1 + x), lambda x: 1 / (1 + x) ** 2, lambda x: 1 + x),
    ]


def erf_of(b: Any) -> Any:
    return whole(lambda x: erf(b * x), lambda x: 2 * b / sqrt(pi) * exp(-b * b * x * x), error_function(1 / b))


def sigmoid_like() -> Any:
    width = mpf("2.4020563531719796")
    return whole(
        lambda x: (1 + erf(x / width)) / 2, lambda x: exp(-((x / width) ** 2)) / sqrt(pi) / width, error_function(width)
    )


def rbf(gamma: Any) -> Any:
    w = sqrt(2 * gamma)
    return whole(lambda x: sqrt(2) * sin(w * x + pi / 4), lambda x: sqrt(2) * w * cos(w * x + pi / 4))


def isru(alpha: Any) -> Any:
    return whole(
        lambda x: x / sqrt(1 + alpha * x * x),
        lambda x: (1 + alpha * x * x) ** mpf("-1.5"),
        off_axis(1 / sqrt(alpha)) if alpha else None,
    )


def bent_identity() -> Any:
    return whole(lambda x: (sqrt(x * x + 1) - 1) / 2 + x, lambda x: x / sqrt(x * x + 1) / 2 + 1, off_axis(1))


def gaussian(b: Any) -> Any:
    return whole(lambda x: exp(-b * x * x), lambda x: -2 * b * x * exp(-b * x * x), error_function(1 / sqrt(b)))


def garrote(tau: Any) -> Any:
    outer = (lambda x: x - tau * tau / x, lambda x: 1 + (tau / x) ** 2, abs)
    return [Part(-INF, -tau, *outer), Part(-tau, tau, None, None), Part(tau, INF, *outer)]


def half_threshold(lambd: Any) -> Any:
    threshold = mpmath.cbrt(54) / 4 * mpmath.cbrt(lambd) ** 2
    branch_point = 3 * (lambd / 8) ** (mpf(2) / 3)  # where the argument of arccos is 1

    def kept(x: Any) -> Any:
        angle = mpmath.acos(lambd / 8 * (abs(x) / 3) ** mpf("-1.5"))
        return 2 * x / 3 * (1 + cos(2 * pi / 3 - 2 * angle / 3))

    def slope(x: Any) -> Any:
        """y = phi(x) solves y - x + (lambd/4) y^(-1/2) = 0 for x > 0, so that y' = 1 / (1 - (lambd/8) y^(-3/2))."""
        return 1 / (1 - lambd / 8 * abs(kept(x)) ** mpf("-1.5"))

    outer = (kept, slope, lambda x: abs(x) - float(branch_point))
    return [Part(-INF, -threshold, *outer), Part(-threshold, threshold, None, None), Part(threshold, INF, *outer)]


FUNCTIONS: dict[str, Callable[..., list[Part]]] = {
    "arctan": lambda: whole(mpmath.atan, lambda x: 1 / (1 + x * x), off_axis(1)),
    "bent_identity": bent_identity,
    "celu": celu,
    "cos": lambda b: whole(lambda x: cos(b * x), lambda x: -b * sin(b * x)),
    "elu": elu,
    "erf": erf_of,
    "exp": lambda b: whole(lambda x: exp(b * x), lambda x: b * exp(b * x), growth=b),
    "garrote": garrote,
    "gaussian": gaussian,
    "gcu": lambda: whole(lambda x: x * cos(x), lambda x: cos(x) - x * sin(x)),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "half_threshold": half_threshold,
    "isru": isru,
    "lisht": lambda: whole(lambda x: x * tanh(x), lambda x: tanh(x) + x * (1 - tanh(x) ** 2), off_axis(mpmath.pi / 2)),
    "logsigmoid": lambda: whole(lambda x: -mpmath.log1p(exp(-x)), lambda x: logistic(-x), off_axis(mpmath.pi)),
    "mish": mish,
    "rbf": rbf,
    "selu": selu,
    "sigmoid": lambda: whole(logistic, lambda x: logistic(x) * logistic(-x), off_axis(mpmath.pi)),
    "sigmoid_like": sigmoid_like,
    "silu": lambda: swish(mpf(1)),
    "sin": lambda b: whole(lambda x: sin(b * x), lambda x: b * cos(b * x)),
    "snake": lambda a: whole(lambda x: x + sin(a * x) ** 2 / a, lambda x: 1 + sin(2 * a * x)),
    "softplus": softplus,
    "softsign": softsign,
    "swish": swish,
    "tanh": lambda: whole(tanh, lambda x: 1 - tanh(x) ** 2, off_axis(mpmath.pi / 2)),
    "tanhshrink": lambda: whole(lambda x: x - tanh(x), lambda x: tanh(x) ** 2, off_axis(mpmath.pi / 2)),
}
