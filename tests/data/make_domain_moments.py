"""Make domain_moments.json: Gaussian moments of the polynomial families over the whole domain, by mpmath alone.

Run from the root of the repository (its run time stands in the file):

    python -m tests.data.make_domain_moments

Every number is computed with two working precisions, the second twice the first, which are raised until the two agree
to 52 digits; 50 are written.  One case in eleven is checked by quadrature of the pieces, which shares no formula with
the truncated moments.  A number that stays below 10^-(7/8 of the digits) of its scale is written as zero.  Parameters
and q are the float64 numbers that stand in the file, taken exactly ("inf" is the limit of infinite width).
"""

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import mpmath

from tests.data.domain_cases import CASES, FAR_CASES
from tests.data.pieces import PIECES
from tests.gaussian import (
    MOMENTS,
    Pieces,
    derivative,
    is_zero,
    moments_by_quadrature,
    moments_by_recursion,
    product,
    value_at,
)

DATA = Path(__file__).with_name("domain_moments.json")
DIGITS = 50
PRECISIONS = (400, 800, 1600, 3200)
SIZES = ("d_size", "d2_size")
CHECKED = 11  # one case in so many is integrated by quadrature as well


def pieces_of(family: str, parameters: dict[str, Any]) -> Pieces:
    """The pieces in mpmath's current precision, without those of no width."""
    pieces = PIECES[family](**{name: mpmath.mpf(value) for name, value in parameters.items()})
    return [piece for piece in pieces if piece[0] < piece[1]]


def half_line_parts(pieces: Pieces, root: Any) -> list[tuple[Any, Any, list[Any]]]:
    """Pieces cut at 0, mirrored and measured in units of root = sqrt(q): start, width, polynomial in the distance t."""
    parts = []
    for low, high, coefficients in pieces:
        for sign, a, b in ((-1, -high, -low), (1, low, high)):
            start, stop = max(mpmath.mpf(a), 0) / root, max(mpmath.mpf(b), 0) / root
            if start < stop:
                in_u = [c * (sign * root) ** k for k, c in enumerate(coefficients)]
                shifted = [mpmath.mpf(0)] * len(in_u)
                for k, c in enumerate(in_u):
                    for j in range(k + 1):
                        shifted[j] += c * mpmath.binomial(k, j) * start ** (k - j)
                parts.append((start, stop - start, shifted))
    return parts


def tail_integrals(start: Any, width: Any, count: int) -> list[Any]:
    """I_k = integral of t^k n(start + t) over 0 < t < width, by I_(k+1) = k I_(k-1) - start I_k + boundary."""
    stop = start + width

    def boundary(k: int) -> Any:
        end = mpmath.mpf(0) if mpmath.isinf(stop) else width**k * mpmath.npdf(stop)
        return (mpmath.npdf(start) if k == 0 else mpmath.mpf(0)) - end

    table = [mpmath.ncdf(-start) - mpmath.ncdf(-stop)]
    for k in range(count - 1):
        table.append((k * table[k - 1] if k else 0) - start * table[k] + boundary(k))
    return table


def derivative_terms(pieces: Pieces, q: Any) -> dict[str, tuple[Any, Any]]:
    """Sum and sum of absolute values of the terms of both derivatives in q.

    With w = phi^2 as a function of u = |x|/sqrt(q), on each part w = sum_k c_k t^k, u = a + t,

        2 q dE/dq       = sum_k k c_k int t^(k-1) u n(u) + sum of jumps u [w] n(u),
        4 q^2 d2E/dq2   = sum_k c_k int (a k (k-1) t^(k-2) + k (k-2) t^(k-1)) u n(u) + sum of kinks u^2 [dw/du] n(u)
                          + sum of jumps (u^3 [w] - 3 u [w]) n(u).

    The bracket is u^2 w'' - u w' by powers of t.
    """
    root = mpmath.sqrt(q)
    first, second = [], []
    for start, width, psi in half_line_parts(pieces, root):
        table = tail_integrals(start, width, 2 * len(psi) + 1)
        weighted = [start * table[k] + table[k + 1] for k in range(len(table) - 1)]  # integrals of t^k u n(u)
        for k, c in enumerate(product(psi, psi)):
            if k >= 1:
                first.append(c * k * weighted[k - 1])
                second.append(c * k * (k - 2) * weighted[k - 1])
            if k >= 2:
                second.append(c * k * (k - 1) * start * weighted[k - 2])
    squares = [product(c, c) for _, _, c in pieces]
    for (_, at, _), left, right in zip(pieces, squares, squares[1:], strict=False):
        u = at / root
        rise = (value_at(right, at) - value_at(left, at)) * mpmath.npdf(u)
        bend = (value_at(derivative(right), at) - value_at(derivative(left), at)) * root * mpmath.npdf(u)
        first.append(u * rise)
        second += [u * u * bend, u**3 * rise, -3 * u * rise]
    return {
        "d_second_moment": (mpmath.fsum(first) / (2 * q), mpmath.fsum(map(abs, first)) / (2 * q)),
        "d2_second_moment": (mpmath.fsum(second) / (4 * q**2), mpmath.fsum(map(abs, second)) / (4 * q**2)),
    }


def has_jump(pieces: Pieces) -> bool:
    for (_, at, left), (_, _, right) in itertools.pairwise(pieces):
        scale = sum(abs(c * at**k) for side in (left, right) for k, c in enumerate(side))
        if abs(value_at(left, at) - value_at(right, at)) > scale * mpmath.mpf(10) ** -(mpmath.mp.dps // 2):
            return True
    return False


def computed(family: str, q: float, parameters: dict[str, Any], dps: int) -> dict[str, Any]:
    """Moments, the sizes of the terms of the derivatives, and P(phi != 0), at this working precision."""
    with mpmath.workdps(dps):
        pieces, variance = pieces_of(family, parameters), mpmath.mpf(q)
        values = moments_by_recursion(pieces, variance, dps)
        scale = values["second_moment"]
        terms = derivative_terms(pieces, variance)
        for name, size, power in (("d_second_moment", "d_size", 1), ("d2_second_moment", "d2_size", 2)):
            noise = mpmath.mpf(10) ** -(dps * 7 // 8) * scale / variance**power
            total, values[size] = terms[name]
            if abs(total - values[name]) > values[size] * mpmath.mpf(10) ** -(DIGITS + 2) + noise:
                raise ArithmeticError(f"the terms do not add up: {family}, q = {q}, {parameters}, {name}")
            for each in (name, size):
                if abs(values[each]) < noise:  # a zero, as V'' of ReLU
                    values[each] = mpmath.mpf(0)
        if has_jump(pieces):
            values["slope_moment"] = mpmath.inf
        values["density"] = _density(pieces, mpmath.sqrt(variance))
        return values


def _density(pieces: Pieces, root: Any) -> Any:
    """P(phi != 0), from tails on both sides, so that it keeps its digits where it is small."""
    masses = [
        tail_integrals(start, width, 1)[0] for start, width, psi in half_line_parts(pieces, root) if not is_zero(psi)
    ]
    return mpmath.fsum(masses)


def stable(family: str, q: float, parameters: dict[str, Any]) -> dict[str, Any]:
    """The moments, the same at two working precisions."""
    values = computed(family, q, parameters, PRECISIONS[0])
    for dps in PRECISIONS[1:]:
        coarse, values = values, computed(family, q, parameters, dps)
        with mpmath.workdps(DIGITS + 20):
            if all(_same(coarse[name], values[name]) for name in values):
                return values
    raise ArithmeticError(f"not stable at {PRECISIONS[-1]} digits: {family}, q = {q}, {parameters}")


def _same(left: Any, right: Any) -> bool:
    return left == right or abs(left - right) <= abs(right) * mpmath.mpf(10) ** -(DIGITS + 2)


def check_by_quadrature(family: str, q: float, parameters: dict[str, Any], values: dict[str, Any]) -> None:
    """Integrate the pieces in units of sqrt(q), with digits to spare for pieces of height 1e-8."""
    with mpmath.workdps(DIGITS + 100):
        root = mpmath.sqrt(mpmath.mpf(q))
        pieces = [
            (low / root, high / root, [c * root**k for k, c in enumerate(coefficients)])
            for low, high, coefficients in pieces_of(family, parameters)
        ]
        parts = half_line_parts(pieces, mpmath.mpf(1))
        unit = max(abs(value_at(psi, t)) for _, width, psi in parts for t in (0, min(width, 1)))
        pieces = [(low, high, [c / unit for c in coefficients]) for low, high, coefficients in pieces]
        check = moments_by_quadrature(pieces, 1, DIGITS + 60)
        powers = {"second_moment": 0, "d_second_moment": 1, "d2_second_moment": 2, "slope_moment": 1}
        for name in MOMENTS:
            factor = unit**2 / mpmath.mpf(q) ** powers[name] if name in powers else 1
            size = values.get({"d_second_moment": "d_size", "d2_second_moment": "d2_size"}.get(name, name))
            cancelled = (
                values["second_moment"] / mpmath.mpf(q) ** powers.get(name, 0) * mpmath.mpf(10) ** -(DIGITS + 60)
            )
            if abs(check[name] * factor - values[name]) > size * mpmath.mpf(10) ** -DIGITS + cancelled:
                raise ArithmeticError(f"quadrature disagrees: {family}, q = {q}, {parameters}, {name}")


def written(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters for JSON, which has no infinity."""
    return {name: "inf" if value == float("inf") else value for name, value in parameters.items()}


def entry(family: str, q: float, parameters: dict[str, Any], check: bool = False) -> dict[str, Any]:
    values = stable(family, q, parameters)
    if check:
        check_by_quadrature(family, q, parameters, values)
    with mpmath.workdps(DIGITS + 10):
        texts = {name: mpmath.nstr(values[name], DIGITS) for name in MOMENTS}
        texts |= {name: mpmath.nstr(values[name], 20) for name in SIZES}
    return {"q": q, "parameters": written(parameters), **texts}


def log_entry(family: str, q: float, parameters: dict[str, Any]) -> dict[str, Any]:
    """Logarithms of the absolute values, the signs of the derivatives, and how much of the second one cancels."""
    values = stable(family, q, parameters)
    texts: dict[str, Any] = {}
    with mpmath.workdps(PRECISIONS[0]):
        for name in MOMENTS:
            texts[f"log_{name}"] = mpmath.nstr(mpmath.log(abs(values[name])), DIGITS)
        texts["log_sparsity"] = mpmath.nstr(mpmath.log1p(-values["density"]), DIGITS)
        texts["log_density"] = mpmath.nstr(mpmath.log(values["density"]), DIGITS)
        for name in ("d_second_moment", "d2_second_moment"):
            texts[f"sign_{name}"] = int(mpmath.sign(values[name]))
        texts["d2_size_over_value"] = mpmath.nstr(values["d2_size"] / abs(values["d2_second_moment"]), 5)
    return {"q": q, "parameters": written(parameters), **texts}


def main() -> None:
    begin = time.perf_counter()
    families, logs = {}, {}
    for family, cases in CASES.items():
        start = time.perf_counter()
        families[family] = [entry(family, *case, check=index % CHECKED == 5) for index, case in enumerate(cases)]
        sys.stdout.write(f"{family}: {len(cases)} cases, {time.perf_counter() - start:.1f} s\n")
        sys.stdout.flush()
    for family, cases in FAR_CASES.items():
        logs[family] = [log_entry(family, *case) for case in cases]
    about = {"digits": DIGITS, "mpmath": mpmath.__version__, "seconds": round(time.perf_counter() - begin)}
    groups = {
        name: "{\n"
        + ",\n".join(f"{json.dumps(f)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]" for f, rows in group.items())
        + "\n}"
        for name, group in (("moments", families), ("logs", logs))
    }
    body = ",\n".join(f"{json.dumps(name)}: {text}" for name, text in ({"about": json.dumps(about)} | groups).items())
    DATA.write_text("{\n" + body + "\n}\n")


if __name__ == "__main__":
    main()
