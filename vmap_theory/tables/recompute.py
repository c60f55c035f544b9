"""Compute the rows of a table again, so that numbers edited by hand do not pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..activations import family
from ..errors import TableFormatError, VmapTheoryError
from ..kernels import gaussian_moments
from ..solve.threshold import threshold_parameter
from .provenance import refuse_other_formulas
from .schema import EocRow, Provenance

RECOMPUTED = 1e-9
"""How far a number may lie from what is computed again."""


def refuse_wrong_numbers(rows: Sequence[EocRow], provenance: Provenance, where: str) -> None:
    """Compute the rows again from tau, m and q_star, so that numbers edited by hand do not pass.

    Fixed points are put into V and V': each must solve V(q) = q with a slope that fits its stability.  Whether one was
    left out is not looked for; that would take as long as making the table.
    """
    keys = [(row.family, row.sparsity, row.q_star, row.target) for row in rows]
    if len(set(keys)) < len(keys):
        raise TableFormatError(f"{where} has two rows with the same family, sparsity, q_star and target.")
    refuse_other_formulas(provenance, where)
    for name in dict.fromkeys(row.family for row in rows):
        chosen = [(index, row) for index, row in enumerate(rows) if row.family == name]
        try:
            with np.errstate(all="ignore"):
                wrong = _wrong_field(name, chosen)
        except VmapTheoryError as error:
            raise TableFormatError(f"{where} has rows of {name} that cannot be computed again: {error}") from None
        if wrong:
            raise TableFormatError(f"{where} is wrong at {wrong}: computed again, it does not agree.")


def _wrong_field(name: str, chosen: Sequence[tuple[int, EocRow]]) -> str | None:
    """The first field of a family's rows that does not agree with its tau, m and q_star."""
    act = family(name)
    threshold, _ = threshold_parameter(act)
    level = next((parameter.name for parameter in act.free_parameters if parameter.name != threshold), None)
    for index, row in chosen:
        if (row.m is None) != (level is None):
            return f"rows.{index}.m"
        # All rows' q_star and fixed points at once would be faster and read worse; a row takes a millisecond.
        parameters: dict[str, Any] = {threshold: row.tau} | ({level: row.m} if level else {})
        # Without a fixed point V(q) = q must hold around q_star too.
        at = np.array([row.q_star, *(row.fixed_points or (row.q_star / 10, row.q_star * 10))])
        moments = gaussian_moments(act, at, **parameters)
        residual = (row.sigma_w2 * moments.second_moment + row.sigma_b2) / at - 1
        slopes = row.sigma_w2 * moments.d_second_moment
        curvature = row.sigma_w2 * moments.d2_second_moment[0] * row.q_star
        checks = {
            "sparsity": abs(row.sparsity - moments.sparsity[0]),
            "sigma_w2": abs(row.sigma_w2 * moments.slope_moment[0] - 1),
            "sigma_b2": abs(residual[0]),
            "slope": abs(row.slope - slopes[0]),
            "curvature": abs(row.curvature * row.q_star - curvature) / max(1.0, abs(curvature)),
            "fixed_points": (max if row.fixed_points else min)(np.abs(residual[1:])),
        }
        for field, error in checks.items():
            if not error <= RECOMPUTED:
                return f"rows.{index}.{field}"
        if not all(_fits(slope, how) for slope, how in zip(slopes[1:], row.stabilities, strict=False)):
            return f"rows.{index}.stabilities"
    return None


def _fits(slope: float, stability: str) -> bool:
    """Whether V' at a fixed point can have this stability; a margin, for near a tangency the slope is 1 to rounding."""
    if stability == "semi-stable":
        return abs(slope - 1) < 1e-3
    return slope < 1 + 1e-6 if stability == "stable" else slope > 1 - 1e-6
