"""From values and times to the rows of the table, and from rows to words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import mpmath
import numpy as np

from .points import MODERATE_LEVEL, MODERATE_THRESHOLD, Points
from .references import DIGITS, Reference
from .workers.protocol import MILLION

THREE_DIGITS = 1e-3
TIME_HEADINGS = ("one point", "10^6 points", "memory")
HEADINGS = (
    "method",
    "median",
    "worst",
    "< 3 digits",
    "moderate: median",
    "moderate: < 3 digits",
    *TIME_HEADINGS,
)
NOTE = (
    "Errors are relative, against 50 digits. '< 3 digits': share of the points with an error above 1e-3. "
    f"'Moderate': the points with tau/sqrt(q) <= {MODERATE_THRESHOLD:g} and m/sqrt(q) >= {MODERATE_LEVEL:g}. Times are "
    "CPU seconds of one thread, for a call with one point and for a million points; ~ means scaled up from fewer "
    "points. Memory is the peak, in arrays of the size of q, result included."
)

Row = dict[str, Any]


def relative_errors(values: Sequence[float], reference: Sequence[mpmath.mpf]) -> np.ndarray:
    """Relative error of each value; infinite where the value is not finite."""
    with mpmath.workdps(DIGITS):
        return np.array(
            [
                float(abs(mpmath.mpf(value) - true) / abs(true)) if math.isfinite(value) else math.inf
                for value, true in zip(values, reference, strict=True)
            ]
        )


def rows(measurement: Mapping[str, Any], references: Mapping[str, Reference], points: Points) -> list[Row]:
    """One row for each family and quantity; times are those of the first family."""
    found = []
    timed = next(iter(measurement["values"]))
    for family, quantities in measurement["values"].items():
        moderate = points.first(len(references[family]["second_moment"])).moderate()
        for quantity, values in quantities.items():
            errors = relative_errors(values, references[family][quantity])
            row = {
                "method": measurement["name"],
                "family": family,
                "quantity": quantity,
                **statistics(errors, moderate),
            }
            if family == timed:
                row |= measurement["times"][quantity]
                row["peak_arrays"] = measurement.get("peak_arrays")
            found.append(row)
    return found


def statistics(errors: np.ndarray, moderate: np.ndarray) -> Row:
    """Median, worst and share with fewer than three digits; None stands for no number."""
    poor = errors > THREE_DIGITS
    return {
        "points": len(errors),
        "median": _number(np.median(errors)),
        "worst": _number(np.max(errors)),
        "poor": float(np.mean(poor)),
        "moderate_points": int(np.sum(moderate)),
        "moderate_median": _number(np.median(errors[moderate])) if np.any(moderate) else None,
        "moderate_poor": float(np.mean(poor[moderate])) if np.any(moderate) else None,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def cells(row: Row) -> list[str]:
    """One row in words, below `HEADINGS`."""
    scaled = row.get("timed_points", MILLION) < MILLION
    memory = row.get("peak_arrays")
    return [
        row["method"],
        _error(row["median"]),
        _error(row["worst"]),
        _share(row["poor"]),
        _error(row["moderate_median"]) if row["moderate_points"] else "-",
        _share(row["moderate_poor"]) if row["moderate_points"] else "-",
        _seconds(row.get("one_point")),
        f"{'~ ' if scaled else ''}{_seconds(row.get('million'))}",
        "-" if memory is None else f"{memory:.1f}",
    ]


def _error(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.0e}" if value else "0"


def _share(value: float) -> str:
    if 0 < value < 0.001 or 0.999 < value < 1:
        return f"{100 * value:.2f} %"
    return f"{100 * value:.0f} %" if value in (0.0, 1.0) else f"{100 * value:.1f} %"


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1 or unit == "us":
            return f"{value * factor:.2g} {unit}" if value * factor < 100 else f"{value * factor:.0f} {unit}"
    raise AssertionError
