"""Piecewise-polynomial activations, typed by hand for mpmath in the form of tests/gaussian.py."""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
from mpmath import mpf

from tests.gaussian import Pieces

INF = mpmath.inf


def odd(upper: Sequence[tuple[Any, Any, list[Any]]]) -> Pieces:
    """The odd function with these pieces for x > 0."""
    mirrored = [(-high, -low, [c * (-1) ** (k + 1) for k, c in enumerate(cs)]) for low, high, cs in reversed(upper)]
    return [*mirrored, *upper]


def dead_up_to(tau: Any, upper: Sequence[tuple[Any, Any, list[Any]]]) -> Pieces:
    """The odd function that is zero on (-tau, tau), with these pieces for x > tau."""
    pieces = odd(upper)
    return [*pieces[: len(upper)], (-tau, tau, [0]), *pieces[len(upper) :]]


def shrink(lambd: Any) -> Pieces:
    return dead_up_to(lambd, [(lambd, INF, [-lambd, 1])])


def firm(tau: Any, width: Any) -> Pieces:
    rise = (tau + width) / width
    return dead_up_to(tau, [(tau, tau + width, [-rise * tau, rise]), (tau + width, INF, [0, 1])])


def cel0(lambd: Any, a: Any) -> Pieces:
    level = mpmath.sqrt(2 * lambd)
    rise = 1 / (1 - a * a)
    return dead_up_to(a * level, [(a * level, level / a, [-rise * a * level, rise]), (level / a, INF, [0, 1])])


def scad(lambd: Any, a: Any) -> Pieces:
    between = [-a * lambd / (a - 2), (a - 1) / (a - 2)]
    return dead_up_to(
        lambd, [(lambd, 2 * lambd, [-lambd, 1]), (2 * lambd, a * lambd, between), (a * lambd, INF, [0, 1])]
    )


def staircase(step: Any, levels: Any) -> Pieces:
    top = int(levels)
    ends = [*(step * (2 * k + 1) / 2 for k in range(top)), INF]
    return dead_up_to(step / 2, [(ends[k - 1], ends[k], [k * step]) for k in range(1, top + 1)])


def trapezoid(tau: Any, ramp: Any, flat: Any) -> Pieces:
    top = tau + ramp
    fall = top + flat
    end = fall + ramp
    return dead_up_to(tau, [(tau, top, [-tau, 1]), (top, fall, [ramp]), (fall, end, [end, -1]), (end, INF, [0])])


def power(degree: Any) -> list[Any]:
    return [0] * int(degree) + [1]


def hermite(degree: Any) -> list[Any]:
    """He_n / sqrt(n!), by He_(k+1) = x He_k - k He_(k-1)."""
    before, current = [mpf(0)], [mpf(1)]
    for k in range(int(degree)):
        padded = [k * c for c in before] + [mpf(0)] * (k + 2 - len(before))
        before, current = current, [a - b for a, b in zip([mpf(0), *current], padded, strict=True)]
    return [c / mpmath.sqrt(mpmath.factorial(int(degree))) for c in current]


PIECES: dict[str, Callable[..., Pieces]] = {
    "linear": lambda: [(-INF, INF, [0, 1])],
    "relu": lambda: [(-INF, 0, [0]), (0, INF, [0, 1])],
    "relu6": lambda: [(-INF, 0, [0]), (0, 6, [0, 1]), (6, INF, [6])],
    "leaky_relu": lambda negative_slope: [(-INF, 0, [0, negative_slope]), (0, INF, [0, 1])],
    "hardtanh": lambda min_val, max_val: [
        (-INF, min_val, [min_val]),
        (min_val, max_val, [0, 1]),
        (max_val, INF, [max_val]),
    ],
    "relu_tau": lambda tau: [(-INF, tau, [0]), (tau, INF, [-tau, 1])],
    "crelu": lambda tau, m: [(-INF, tau, [0]), (tau, tau + m, [-tau, 1]), (tau + m, INF, [m])],
    "soft_threshold": lambda tau: [(-INF, -tau, [tau, 1]), (-tau, tau, [0]), (tau, INF, [-tau, 1])],
    "cst": lambda tau, m: [
        (-INF, -tau - m, [-m]),
        (-tau - m, -tau, [tau, 1]),
        (-tau, tau, [0]),
        (tau, tau + m, [-tau, 1]),
        (tau + m, INF, [m]),
    ],
    "hard_threshold": lambda tau: [(-INF, -tau, [0, 1]), (-tau, tau, [0]), (tau, INF, [0, 1])],
    "abrelu": lambda a, b: [(-INF, 0, [0, a]), (0, INF, [0, b])],
    "abs": lambda: [(-INF, 0, [0, -1]), (0, INF, [0, 1])],
    "asymmetric_dead_zone": lambda tau_minus, tau_plus: [
        (-INF, -tau_minus, [tau_minus, 1]),
        (-tau_minus, tau_plus, [0]),
        (tau_plus, INF, [-tau_plus, 1]),
    ],
    "cel0": cel0,
    "firm": firm,
    "hardshrink": lambda lambd: dead_up_to(lambd, [(lambd, INF, [0, 1])]),
    "hardsigmoid": lambda: [(-INF, -3, [0]), (-3, 3, [mpf(1) / 2, mpf(1) / 6]), (3, INF, [1])],
    "hardswish": lambda: [(-INF, -3, [0]), (-3, 3, [0, mpf(1) / 2, mpf(1) / 6]), (3, INF, [0, 1])],
    "hermite": lambda degree: [(-INF, INF, hermite(degree))],
    "jumprelu": lambda theta: [(-INF, theta, [0]), (theta, INF, [0, 1])],
    "monomial": lambda degree: [(-INF, INF, power(degree))],
    "rectified_monomial": lambda degree: [(-INF, 0, [0]), (0, INF, power(degree))],
    "scad": scad,
    "sign": lambda: odd([(0, INF, [1])]),
    "softshrink": shrink,
    "squared_relu": lambda: [(-INF, 0, [0]), (0, INF, [0, 0, 1])],
    "staircase": staircase,
    "threshold": lambda threshold, value: [(-INF, threshold, [value]), (threshold, INF, [0, 1])],
    "trapezoid": trapezoid,
}
