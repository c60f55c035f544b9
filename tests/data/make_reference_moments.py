"""Make reference_moments.json: Gaussian moments of every family to 50 digits, by mpmath alone.

Run from the root of the repository (about a minute on one core):

    python -m tests.data.make_reference_moments

Each number is computed twice, from truncated moments at 250 digits and by quadrature at 70, and both must agree to 50.
Parameters and q are the float64 numbers that stand in the file, taken exactly.  A new family needs its pieces in
`PIECES` and its parameters in `CASES`.
"""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath

from tests.gaussian import MOMENTS, Pieces, derivative, moments_by_quadrature, moments_by_recursion, product, value_at

INF = mpmath.inf
Case = tuple[float, dict[str, float]]

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
}

QS = (0.05, 0.37, 1.0, 2.9, 20.0)
TAUS = (0.0, 0.01, 0.3, 1.0, 2.2, 4.0, 6.0, 8.0)
LEVELS = (1e-3, 0.05, 0.8, 3.0, 20.0)


def scaled(q: float, **ratios: float) -> Case:
    """A case whose parameters are given in units of sqrt(q)."""
    return q, {name: ratio * q**0.5 for name, ratio in ratios.items()}


def thresholds() -> list[Case]:
    return [scaled(q, tau=tau) for tau in TAUS for q in (0.05, 1.0, 20.0)]


def thresholds_and_levels() -> list[Case]:
    variances = itertools.cycle(QS)
    return [scaled(next(variances), tau=tau, m=m) for tau in TAUS for m in (*LEVELS, 1.0)]


CASES: dict[str, list[Case]] = {
    "linear": [(q, {}) for q in QS],
    "relu": [(q, {}) for q in QS],
    "relu6": [((6 / ratio) ** 2, {}) for ratio in (1e-3, 0.05, 0.8, 3.0, 8.0)],
    "leaky_relu": [(q, {"negative_slope": a}) for q in (0.05, 20.0) for a in (-1.0, -0.3, 0.0, 0.01, 0.5, 1.0)],
    "hardtanh": [
        scaled(q, min_val=-low, max_val=high) for q in (0.05, 20.0) for low in (0.0, 1e-3, 1.0, 8.0) for high in LEVELS
    ],
    "relu_tau": thresholds(),
    "soft_threshold": thresholds(),
    "hard_threshold": thresholds(),
    "crelu": thresholds_and_levels(),
    "cst": thresholds_and_levels(),
}


def size_of_terms(pieces: Pieces, q: Any) -> Any:
    """What an error of the second derivative is relative to: the sum of the absolute values of the terms of

    4 q^2 d2E/dq2 = E[z^2 w'' - z w'] + sum of kink terms z^2 |[w']| n(z) + sum of jump terms |z (z^2 - 3) [w]| n(z),

    w = phi^2 as a function of z.  On the pieces of all families here w'' >= 0 and z w' >= 0, up to a factor (mixed
    signs occur for no family), so absolute values may be taken of the integrals.
    """
    root = mpmath.sqrt(q)
    squares = [product(c, c) for _, _, c in pieces]
    total = mpmath.mpf(0)
    for (low, high, _), w in zip(pieces, squares, strict=True):
        for a, b in ((low, min(high, 0)), (max(low, 0), high)):
            if not a < b:
                continue

            def integral(polynomial: list[Any], a: Any = a, b: Any = b) -> Any:
                return mpmath.quad(
                    lambda z: value_at(polynomial, z * root) * mpmath.npdf(z), [max(a / root, -25), min(b / root, 25)]
                )

            total += abs(integral(product([0, 0, 1], derivative(derivative(w)))))
            total += abs(integral(product([0, 1], derivative(w))))
    for (_, at, _), left, right in zip(pieces, squares, squares[1:], strict=False):
        z = at / root
        bend = value_at(derivative(right), at) - value_at(derivative(left), at)
        rise = value_at(right, at) - value_at(left, at)
        total += (abs(bend) * root * z**2 + abs(rise * z) * (z**2 + 3)) * mpmath.npdf(z)
    return total / (4 * q**2)


def entry(family: str, q: float, parameters: dict[str, float]) -> dict[str, Any]:
    with mpmath.workdps(250):
        pieces = PIECES[family](**{name: mpmath.mpf(value) for name, value in parameters.items()})
        pieces = [piece for piece in pieces if piece[0] < piece[1]]
        values = moments_by_recursion(pieces, q)
        jumps = any(
            abs(value_at(left[2], left[1]) - value_at(right[2], left[1])) > mpmath.mpf(10) ** -200
            for left, right in itertools.pairwise(pieces)
        )
    check = moments_by_quadrature(pieces, q)
    with mpmath.workdps(60):
        size = size_of_terms(pieces, mpmath.mpf(q))
        for name in MOMENTS:
            yardstick = size if name == "d2_second_moment" else abs(values[name])
            if abs(values[name] - check[name]) > yardstick * mpmath.mpf(10) ** -50:
                raise ArithmeticError(f"the two routes disagree: {family}, q = {q}, {parameters}, {name}")
        if jumps:
            values["slope_moment"] = mpmath.inf
        if abs(values["d2_second_moment"]) < size * mpmath.mpf(10) ** -150:  # zero by cancellation, as for ReLU
            values["d2_second_moment"] = mpmath.mpf(0)
        texts = {name: mpmath.nstr(values[name], 50) for name in MOMENTS}
        return {"q": q, "parameters": parameters, **texts, "d2_size_of_terms": mpmath.nstr(size, 20)}


def main() -> None:
    lines = []
    for family, cases in CASES.items():
        entries = [json.dumps(entry(family, *case)) for case in cases]
        lines.append(f"{json.dumps(family)}: [\n" + ",\n".join(entries) + "\n]")
    Path(__file__).with_name("reference_moments.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
