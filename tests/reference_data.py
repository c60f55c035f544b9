"""The 50-digit reference moments that tests/data/make_reference_moments.py wrote."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import sympy as sp

import vmap_theory as vt

MOMENTS = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity")


@cache
def reference_data() -> dict[str, list[dict[str, Any]]]:
    """Family -> cases, each with q, parameters and the moments as text of 50 digits."""
    return json.loads((Path(__file__).parent / "data" / "reference_moments.json").read_text())


def activation_of(family: str, case: dict[str, Any]) -> vt.Activation:
    """The activation of a case, with the float parameters taken exactly."""
    return vt.family(family).bind(**case["parameters"])


def error_of(computed: float, reference: str) -> float:
    """|computed - reference|, of the two numbers exactly."""
    with mpmath.workdps(60):
        if computed == float("inf"):
            return 0.0 if reference == "+inf" else float("inf")
        return float(abs(mpmath.mpf(computed) - mpmath.mpf(reference)))


def coefficients_of(act: vt.Activation) -> list[tuple[Any, Any, list[Any]]]:
    """The pieces in the form of tests/gaussian.py, in mpmath's current precision."""

    def number(value: sp.Expr) -> Any:
        if value.is_infinite:
            return mpmath.inf if value == sp.oo else -mpmath.inf
        return mpmath.mpf(int(value.p)) / int(value.q)

    x = sp.Symbol("x", real=True)
    return [
        (number(p.lower), number(p.upper), [number(c) for c in sp.Poly(p.expression, x).all_coeffs()[::-1]])
        for p in act.pieces
    ]
