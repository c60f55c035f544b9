"""Compute a sample of a columnar table again, so that numbers edited by hand do not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import family
from ..errors import TableFormatError, VmapTheoryError
from ..solve import SolveStatus, edges_of_chaos
from .columns import EocColumns
from .provenance import refuse_other_formulas
from .recompute import RECOMPUTED

if TYPE_CHECKING:
    from numpy.typing import NDArray


def refuse_wrong_columns(table: EocColumns, where: str, sample: int | None) -> None:
    """Compute `sample` rows, or all, again from their parameters and q_star; raise `TableFormatError` if one differs.

    Rows without a solution are left out: only a new search could tell.  But in no row q_star or the sparsity may be
    outside of their domains.
    """
    refuse_other_formulas(table.provenance, where)
    q_star, sparsity = table.codes["q_star"], table.codes["sparsity"]
    for column, bad in (("q_star", q_star <= 0), ("sparsity", (sparsity < 0) | (sparsity > 1))):
        if bad.any():
            raise TableFormatError(f"{where} is wrong at rows.{int(np.argmax(bad))}.{column}: outside its domain.")
    count = table.row_count
    rows = np.arange(count) if sample is None else np.unique(np.linspace(0, count - 1, min(sample, count)).round())
    rows = rows.astype(np.intp)
    rows = rows[table.feasible[rows]]
    for code, name in enumerate(table.families):
        chosen = rows[table.codes["family"][rows] == code]
        if not chosen.size:
            continue
        try:
            errors = _errors(table, name, chosen)
        except VmapTheoryError as error:
            raise TableFormatError(f"{where} has rows of {name} that cannot be computed again: {error}") from None
        for column, distance in errors.items():
            agrees = distance <= RECOMPUTED
            if not agrees.all():
                row = chosen[int(np.argmin(agrees))]
                raise TableFormatError(f"{where} is wrong at rows.{row}.{column}: computed again, it does not agree.")


def _errors(table: EocColumns, name: str, rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    """How far the rows of a family are from what their parameters give, column by column; NaN where nothing does."""
    own = {parameter.name for parameter in family(name).parameters}
    given = {column: values[rows] for column, values in table.codes.items() if column in {"q_star", *own}}
    edges = edges_of_chaos(family(name), **given)
    written = {column: values[rows] for column, values in table.codes.items()}
    bend = edges.curvature * edges.q_star
    return {
        "status": np.where(edges.status == SolveStatus.SOLVED, 0.0, np.nan),
        "sparsity": np.abs(written["sparsity"] - edges.sparsity),
        "sigma_w2": np.abs(written["sigma_w2"] / edges.sigma_w2 - 1),
        "sigma_b2": np.abs(written["sigma_b2"] - edges.sigma_b2) / edges.q_star,
        "slope": np.abs(written["slope"] - edges.slope),
        "curvature": np.abs(written["curvature"] * edges.q_star - bend) / np.maximum(1.0, np.abs(bend)),
    }
