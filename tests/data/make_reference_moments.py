"""Make reference_moments.json: Gaussian moments of every family to 50 digits, by mpmath alone.

Run from the root of the repository (five minutes on one core), for all families or for those named:

    python -m tests.data.make_reference_moments [FAMILY ...]

Each number is computed twice: piecewise polynomials from truncated moments at 250 digits and by quadrature at 70, all
others by the two kinds of quadrature of `tests.data.function_moments`.  Both must agree to 50 digits, or to 70 of the
size of the terms where these cancel; what is below 10^-150 of that size (10^-60 by quadrature alone) is written as
zero.  Parameters and q are the float64 numbers that stand in the file, taken exactly.  A new family needs its
definition in `PIECES` or `FUNCTIONS` and its parameters in `CASES`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import mpmath

from tests.data.cases import CASES
from tests.data.function_moments import DPS, Part, by_double_exponentials, by_gauss_legendre, has_jump, parts_of
from tests.data.functions import FUNCTIONS
from tests.data.pieces import PIECES
from tests.gaussian import MOMENTS, Pieces, derivative, moments_by_quadrature, moments_by_recursion, product, value_at

DATA = Path(__file__).with_name("reference_moments.json")
KINK_SIZED = {"linear", "relu", "relu6", "leaky_relu", "hardtanh", "relu_tau", "crelu", "soft_threshold", "cst"}
KINK_SIZED |= {"hard_threshold"}
"""Families whose second derivative is measured against `size_of_terms` alone.  For all others the integral of the
absolute value, E[phi^2 |z^4 - 6 z^2 + 3|]/(4 q^2), is taken where it is larger, and that of the first derivative,
E[phi^2 |z^2 - 1|]/(2 q), stands beside it."""


def size_of_terms(pieces: Pieces, q: Any) -> Any:
    """What an error of the second derivative is relative to: the sum of the absolute values of the terms of

    4 q^2 d2E/dq2 = E[z^2 w'' - z w'] + sum of kink terms z^2 |[w']| n(z) + sum of jump terms |z (z^2 - 3) [w]| n(z),

    w = phi^2 as a function of z.  On the pieces of nearly all families w'' >= 0 and z w' >= 0, up to a factor, so
    absolute values may be taken of the integrals; where signs mix, as for Hermite polynomials, this is too small.
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


def entry(family: str, q: float, parameters: dict[str, Any]) -> dict[str, Any]:
    if family in FUNCTIONS:
        with mpmath.workdps(DPS):
            parts = FUNCTIONS[family](**{name: mpmath.mpf(value) for name, value in parameters.items()})
            check_slopes(family, parts)
        values, sizes = by_gauss_legendre(parts, q)
        check = by_double_exponentials(parts, q)
    else:
        with mpmath.workdps(250):
            pieces = PIECES[family](**{name: mpmath.mpf(value) for name, value in parameters.items()})
            pieces = [piece for piece in pieces if piece[0] < piece[1]]
            parts = parts_of(pieces)
            values = moments_by_recursion(pieces, q)
        check = moments_by_quadrature(pieces, q)
        third, sizes = by_gauss_legendre(parts, q)
        agree(family, q, parameters, values, third, sizes)
    agree(family, q, parameters, values, check, sizes)
    cancelled = 60 if family in FUNCTIONS else 150  # digits, of 78 and of 250
    with mpmath.workdps(60):
        for name in MOMENTS:
            if abs(values[name]) < sizes[name] * mpmath.mpf(10) ** -cancelled:  # a zero, as V'' of ReLU
                values[name] = mpmath.mpf(0)
        if has_jump(parts):
            values["slope_moment"] = mpmath.inf
        texts = {name: mpmath.nstr(values[name], 50) for name in MOMENTS}
        by_kinks = mpmath.mpf(0) if family in FUNCTIONS else size_of_terms(pieces, mpmath.mpf(q))
        if family in KINK_SIZED:
            texts["d2_size_of_terms"] = mpmath.nstr(by_kinks, 20)
        else:
            texts["d2_size_of_terms"] = mpmath.nstr(max(by_kinks, sizes["d2_second_moment"]), 20)
            texts["d_size_of_terms"] = mpmath.nstr(sizes["d_second_moment"], 20)
        return {"q": q, "parameters": parameters, **texts}


def agree(family: str, q: float, parameters: dict[str, Any], values: Any, check: Any, sizes: Any) -> None:
    """Refuse numbers that differ by 10^-50 of themselves, or by 10^-70 of the size of their terms."""
    with mpmath.workdps(60):
        for name in MOMENTS:
            yardstick = max(abs(values[name]), sizes[name] * mpmath.mpf(10) ** -20)
            if abs(values[name] - check[name]) > yardstick * mpmath.mpf(10) ** -50:
                raise ArithmeticError(f"two routes disagree: {family}, q = {q}, {parameters}, {name}")


def check_slopes(family: str, parts: list[Part]) -> None:
    """Compare the slopes typed by hand with difference quotients."""
    for part in parts:
        if part.phi is None or part.slope is None:
            continue
        low, high = max(part.lower, min(part.upper, 0) - 3), min(part.upper, max(part.lower, 0) + 3)
        for fraction in (mpmath.mpf("0.3"), mpmath.mpf("0.9")):
            at = low + (high - low) * fraction
            if abs(mpmath.diff(part.phi, at) - part.slope(at)) > (1 + abs(part.slope(at))) * mpmath.mpf(10) ** -25:
                raise ArithmeticError(f"the slope of {family} at x = {mpmath.nstr(at, 5)} is not its derivative")


def main(names: list[str]) -> None:
    entries = json.loads(DATA.read_text()) if names else {}
    for family in names or CASES:
        start = time.perf_counter()
        entries[family] = [entry(family, *case) for case in CASES[family]]
        print(f"{family}: {len(CASES[family])} cases, {time.perf_counter() - start:.1f} s", flush=True)
    lines = [f"{json.dumps(f)}: [\n" + ",\n".join(map(json.dumps, entries[f])) + "\n]" for f in CASES if f in entries]
    DATA.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
