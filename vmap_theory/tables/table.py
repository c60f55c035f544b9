"""A table on disk: JSON and CSV, written by rename, checked on writing and on reading, lossless."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from ..errors import TableFormatError
from ..files import write_atomically
from .header import header_comment, json_object, misfit, refuse_other_schema, suffix_among
from .recompute import refuse_wrong_numbers
from .schema import EocRow, Provenance, Strict

SCHEMA_NAME = "vmap-theory/eoc-table"
SCHEMA_VERSION = 1
_WHAT = "edge-of-chaos table"
_CSV_LISTS = ("fixed_points", "stabilities")


class EocTable(Strict):
    """A table of edges of chaos; make one with `eoc_table`, read one with `read_eoc_table`."""

    schema_name: Literal["vmap-theory/eoc-table"] = Field(default="vmap-theory/eoc-table", alias="schema")
    schema_version: Literal[1] = 1
    provenance: Provenance
    rows: Annotated[tuple[EocRow, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rows_have_provenance(self) -> Self:
        missing = {row.family for row in self.rows} - {entry.family for entry in self.provenance.formulas}
        if missing:
            raise ValueError(f"rows of {', '.join(sorted(missing))} have no provenance")
        return self

    def to_json(self) -> str:
        """The table as JSON text; every float is written so that it reads back to the same bits."""
        return json.dumps(self._checked(), indent=1) + "\n"

    def to_csv(self) -> str:
        """The table as CSV text: one comment line with schema and provenance, a header, a line a row."""
        content = self._checked()
        rows = content.pop("rows")
        content["row_count"] = len(rows)  # tells a file that was cut off at the end of a line
        stream = io.StringIO()
        stream.write(f"# {json.dumps(content)}\n")
        writer = csv.DictWriter(stream, fieldnames=list(EocRow.model_fields), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _csv_cell(value) for key, value in row.items()})
        return stream.getvalue()

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to ``*.json`` or ``*.csv``, by rename, so that no half-written file is ever seen.

        Raises
        ------
        TableFormatError
            Another suffix, or content that does not fit the schema.
        FileOutputError
            The file cannot be written.
        """
        suffix = require_suffix(path)
        return write_atomically(path, self.to_json() if suffix == ".json" else self.to_csv())

    def _checked(self) -> dict[str, Any]:
        content = self.model_dump(mode="json", by_alias=True)
        _validated(content, "the table to be written")
        return content


def read_eoc_table(path: str | os.PathLike[str]) -> EocTable:
    """Read a table that `EocTable.write` wrote, JSON or CSV by its suffix.

    Raises
    ------
    TableFormatError
        The file is missing, corrupt, of a later schema version, or a field does not fit; the message names the field.
    """
    suffix = require_suffix(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError, TypeError) as error:
        raise TableFormatError(f"cannot read {path}: {error}.") from None
    content = json_object(text, path) if suffix == ".json" else _csv_object(text, path)
    return _validated(content, str(path))


def _validated(content: Any, where: str) -> EocTable:
    refuse_other_schema(content, where, what=_WHAT, schema=SCHEMA_NAME, version=SCHEMA_VERSION)
    try:
        # From text, so that JSON's arrays may stand for tuples although all else is strict.
        table = EocTable.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise misfit(error, where) from None
    refuse_wrong_numbers(table.rows, table.provenance, where)
    return table


def require_suffix(path: str | os.PathLike[str]) -> str:
    """Return ``.json`` or ``.csv``, the end of `path`; raise `TableFormatError` for any other."""
    return suffix_among(path, (".json", ".csv"))


def _csv_object(text: str, path: object) -> Any:
    first, _, body = text.partition("\n")
    content = header_comment(first, path, _WHAT)
    refuse_other_schema(content, str(path), what=_WHAT, schema=SCHEMA_NAME, version=SCHEMA_VERSION)
    reader = csv.DictReader(io.StringIO(body), strict=True)
    if reader.fieldnames != list(EocRow.model_fields):
        raise TableFormatError(f"{path} has the columns {reader.fieldnames}: expected {list(EocRow.model_fields)}.")
    try:
        rows = [dict(row) for row in reader]
    except csv.Error as error:
        raise TableFormatError(f"{path} is corrupt at line {reader.line_num + 1}: {error}.") from None
    if "rows" in content or content.pop("row_count", None) != len(rows):
        raise TableFormatError(f"{path} is corrupt: it has {len(rows)} rows, not as many as its first line says.")
    content["rows"] = [{key: _csv_value(key, cell) for key, cell in row.items()} for row in rows]
    return content


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)


def _csv_value(key: Any, cell: Any) -> Any:
    """A cell as JSON would hold it; what cannot be read is passed on for the schema to refuse by name."""
    if key == "family" or not isinstance(cell, str):
        return cell
    if key in _CSV_LISTS:
        parts = cell.split()
        return parts if key == "stabilities" else [_number_or_text(part) for part in parts]
    return None if cell == "" else _number_or_text(cell)


def _number_or_text(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
