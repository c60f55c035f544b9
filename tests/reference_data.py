"""The 50-digit reference moments that tests/data/make_reference_moments.py wrote."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import sympy as sp

import vmap_theory as vt
from vmap_theory.reference import reference_moments

MOMENTS = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity")


@cache
def reference_data() -> dict[str, list[dict[str, Any]]]:
    """Family -> cases, each with q, parameters, the moments as text of 50 digits, and what their errors are against.

    The derivatives in q change sign: ``d2_size_of_terms``, and but for the first ten families ``d_size_of_terms``, are
    the sizes of what cancels in them.
    """
    return json.loads((Path(__file__).parent / "data" / "reference_moments.json").read_text())


@cache
def cases_of(family: str) -> list[dict[str, Any]]:
    """The cases of a family; for one that the file does not know, a few by the package's own reference integrals."""
    if family in reference_data():
        return reference_data()[family]
    cases = []
    rng = np.random.default_rng(0)
    for _ in range(4):
        parameters = {
            p.name: int(p.draw(rng)) if p.integer else float(rng.uniform(*p.typical))
            for p in vt.family(family).parameters
        }
        q = float(np.exp(rng.uniform(-2, 2)))
        found = reference_moments(vt.family(family).bind(**parameters), sp.Rational(q), 50)
        values = {name: mpmath.nstr(moment.value, 52) for name, moment in found.items()}
        sizes = {f"{d}_size_of_terms": mpmath.nstr(found[f"{d}_second_moment"].scale, 20) for d in ("d", "d2")}
        cases.append({"q": q, "parameters": parameters} | values | sizes)
    return cases


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
