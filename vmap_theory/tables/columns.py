"""A table of edges of chaos as columns: millions of rows, without their fixed points."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from ..activations import family
from ..errors import TableFormatError, VmapTheoryError
from ..solve import SolveStatus
from .header import misfit, refuse_other_schema
from .schema import SLOPE_TOLERANCE, Provenance, Strict

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS_SCHEMA_NAME = "vmap-theory/eoc-columns"
COLUMNS_SCHEMA_VERSION = 1
COLUMNS_WHAT = "columnar edge-of-chaos table"
ARGUMENTS, RESULTS = ("sparsity", "q_star", "target"), ("sigma_w2", "sigma_b2", "slope", "curvature")
"""The columns of float64 before and after those of the parameters."""

CODES = {"family": np.uint16, "status": np.uint8}
"""The first and the last column, and the type of their codes."""


class ColumnsHeader(Strict):
    """What a file says of a columnar table before the columns."""

    schema_name: Literal["vmap-theory/eoc-columns"] = Field(default="vmap-theory/eoc-columns", alias="schema")
    schema_version: Literal[1] = 1
    provenance: Provenance
    row_count: Annotated[int, Field(gt=0)]


class EocColumns(Mapping[str, Any]):
    """A table of edges of chaos as columns; made by `eoc_grid` and `eoc_columns`, read by `read_eoc_columns`.

    A mapping of column names to arrays of one length, so that ``pandas.DataFrame(dict(table))`` works.  The columns are
    ``family`` (text), ``sparsity``, ``q_star``, ``target``, one for each parameter, ``sigma_w2``, ``sigma_b2``,
    ``slope``, ``curvature`` (all float64) and ``status`` (uint8, a number of `SolveStatus`).  NaN stands where a family
    has no such parameter, where no target was asked for, and, with a status other than 0, where nothing was found.

    Attributes
    ----------
    provenance : Provenance
        Package version, and for each family the hash of its closed forms and the digits they were verified to.
    row_count : int
        Number of rows.
    """

    def __init__(self, provenance: Provenance, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.provenance = provenance
        self._arrays = {name: np.asarray(array).view() for name, array in arrays.items()}
        for array in self._arrays.values():
            array.flags.writeable = False  # of the view; the array given stays as it is

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name == "family":
            words: NDArray[np.str_] = np.array(self.families)[self._arrays["family"]]
            return words
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return f"EocColumns({self.row_count} rows of {', '.join(self.families)}; {', '.join(self)})"

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return int(self._arrays["family"].size)

    @property
    def families(self) -> tuple[str, ...]:
        """The families that have rows, in the order of the provenance."""
        return tuple(entry.family for entry in self.provenance.formulas)

    @property
    def codes(self) -> Mapping[str, NDArray[Any]]:
        """The columns as they are stored: each family as its number in `families`."""
        return self._arrays

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """True where there is an edge of chaos."""
        feasible: NDArray[np.bool_] = self._arrays["status"] == SolveStatus.SOLVED
        return feasible

    @property
    def header(self) -> ColumnsHeader:
        """What a file says of the table before the columns."""
        return ColumnsHeader(provenance=self.provenance, row_count=self.row_count)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to ``*.npz``, ``*.csv`` or ``*.parquet``, by rename, so that no half-written file is seen.

        Every float is written so that it reads back to the same bits.

        Raises
        ------
        TableFormatError
            Another suffix, or columns that do not fit the schema.
        FileOutputError
            The file cannot be written.
        MissingExtraError
            ``*.parquet`` without pyarrow.
        """
        from .column_files import write_columns

        return write_columns(self, path)


def column_names(families: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns, in order, of a table of these families."""
    parameters = dict.fromkeys(parameter.name for name in families for parameter in family(name).parameters)
    return ("family", *ARGUMENTS, *parameters, *RESULTS, "status")


def checked_header(content: Any, where: str) -> ColumnsHeader:
    """Return the header of a file, checked against its schema.

    Raises
    ------
    TableFormatError
        Another schema, a later version, or a field that does not fit; the message names it.
    """
    refuse_other_schema(content, where, what=COLUMNS_WHAT, schema=COLUMNS_SCHEMA_NAME, version=COLUMNS_SCHEMA_VERSION)
    try:
        # From text, so that JSON's arrays may stand for tuples although all else is strict.
        return ColumnsHeader.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise misfit(error, where) from None


def fitting_columns(header: ColumnsHeader, arrays: Mapping[str, NDArray[Any]], where: str) -> EocColumns:
    """Return the table of these columns, each checked; numbers are not computed again here.

    Raises
    ------
    TableFormatError
        A column does not fit; the message names it, with the number of the row from 0.
    """
    table = EocColumns(header.provenance, arrays)
    try:
        expected = column_names(table.families)
    except VmapTheoryError as error:
        raise TableFormatError(f"{where} has a family that this version does not know: {error}") from None
    if tuple(table) != expected:
        raise TableFormatError(f"{where} has the columns {', '.join(table)}: expected {', '.join(expected)}.")
    for name, array in table.codes.items():
        kind = np.dtype(CODES.get(name, np.float64))
        if array.dtype != kind or array.shape != (header.row_count,):
            raise TableFormatError(
                f"{where} does not fit the schema at {name}: {array.dtype} of shape {array.shape}, "
                f"expected {kind} of shape ({header.row_count},)."
            )
    for name, fits in _conditions(table):
        if not fits.all():
            row = int(np.argmin(fits))
            raise TableFormatError(
                f"{where} does not fit the schema at rows.{row}.{name}: {table.codes[name][row]} cannot stand there."
            )
    return table


def _conditions(table: EocColumns) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Columns, and where they hold what they may; the codes first, for the rest relies on them."""
    columns = table.codes
    yield "family", columns["family"] < len(table.families)
    yield "status", columns["status"] < len(SolveStatus)
    unsolved = ~table.feasible
    for name in RESULTS:
        value = columns[name]
        finite = np.isfinite(value)
        if name.startswith("sigma"):
            finite &= value > 0 if name == "sigma_w2" else value >= 0
        yield name, np.where(unsolved, np.isnan(value), finite)
    yield "q_star", unsolved | ((columns["q_star"] > 0) & (columns["q_star"] < np.inf))
    yield "sparsity", unsolved | ((columns["sparsity"] >= 0) & (columns["sparsity"] <= 1))
    target = columns["target"]
    yield "target", np.isnan(target) | ((target > 0) & (target < 1))
    yield "slope", unsolved | np.isnan(target) | (np.abs(columns["slope"] - target) <= SLOPE_TOLERANCE)
    for code, name in enumerate(table.families):
        own = {parameter.name for parameter in family(name).parameters}
        here = columns["family"] == code
        for parameter in list(table)[1 + len(ARGUMENTS) : -1 - len(RESULTS)]:
            absent = np.isnan(columns[parameter])
            yield parameter, ~here | ((unsolved | ~absent) if parameter in own else absent)
