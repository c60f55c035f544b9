"""What the accuracy page shows of certified quadrature: errors and claimed bounds, measured when it is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from markdown_lines import MarkdownDirective, table
from sphinx.application import Sphinx

import vmap_theory as vt
from vmap_theory.reference import reference_moments

EXPRESSIONS = ("tanh", "silu", "softplus", "gelu_tanh", "softsign", "half_threshold", "sin")
FUNCTION = "tanh"
VARIANCES = (sp.Rational(1, 100), sp.Integer(1), sp.Integer(100))
DIGITS = 20
QUANTITIES = {
    "second_moment": r"$\mathbb E[\phi^2]$",
    "d_second_moment": "first derivative",
    "d2_second_moment": "second derivative",
    "slope_moment": r"$\mathbb E[\phi'^2]$",
}


def measured(exact: vt.Activation, asked: vt.Activation) -> tuple[dict[str, float], dict[str, float]]:
    """Largest errors over all variances, and largest bounds, relative to the integral of the absolute integrand."""
    errors, bounds = dict.fromkeys(QUANTITIES, 0.0), dict.fromkeys(QUANTITIES, 0.0)
    for q in VARIANCES:
        reference, found = reference_moments(exact, q, DIGITS), vt.gaussian_moments(asked, float(q), bounds=True)
        for name in QUANTITIES:
            true, scale = reference[name].value, reference[name].scale
            if mpmath.isinf(true):
                continue
            error = abs(mpmath.mpf(float(getattr(found, name))) - true)
            bound = float(getattr(found, f"{name}_error"))
            if error > bound:
                raise ArithmeticError(f"{name} of {asked.label} at q = {q}: error {error} beyond its bound {bound}")
            errors[name], bounds[name] = (
                max(errors[name], float(error / scale)),
                max(bounds[name], bound / float(scale)),
            )
    return errors, bounds


class QuadratureTableDirective(MarkdownDirective):
    """``{quadrature-table}``: a row an activation."""

    def markdown(self) -> Iterable[str]:
        """One table."""
        rows = []
        for name in EXPRESSIONS:
            act = vt.family(name)
            at = act.bind(**{p.name: p.default if p.default is not None else sp.Integer(1) for p in act.parameters})
            rows.append([f"`{name}`", *_cells(*measured(at, at))])
        opaque = vt.Activation.from_function(np.tanh)
        rows.append([f"`{FUNCTION}`, as a Python function", *_cells(*measured(vt.activation(FUNCTION), opaque))])
        yield from table(["activation", *QUANTITIES.values(), "largest bound"], rows)


def _cells(errors: dict[str, float], bounds: dict[str, float]) -> list[Any]:
    return [*(f"{error:.0e}" if error else "-" for error in errors.values()), f"{max(bounds.values()):.0e}"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.add_directive("quadrature-table", QuadratureTableDirective)
    return {"version": vt.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
