"""Columnar tables on disk: NPZ, CSV and Parquet, written by rename, checked on writing and on reading, lossless."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingExtraError, TableFormatError, VmapTheoryError
from ..files import write_atomically
from ..solve import SolveStatus
from .columns import CODES, COLUMNS_WHAT, ColumnsHeader, EocColumns, checked_header, fitting_columns
from .header import header_comment, json_object, suffix_among
from .recompute_columns import refuse_wrong_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

SUFFIXES = (".npz", ".csv", ".parquet")
_HEADER = "header"  # the name of the header in an NPZ file, and among the metadata of a Parquet file
_LINES = 65536  # rows that are text at one time
_STATUS_WORDS = [status.word for status in SolveStatus]


def write_columns(table: EocColumns, path: str | os.PathLike[str]) -> Path:
    """Write `table` as `EocColumns.write` says."""
    to_bytes: dict[str, Callable[[EocColumns, str], bytes]] = {".npz": _npz, ".csv": _csv, ".parquet": _parquet}
    suffix = suffix_among(path, SUFFIXES)
    fitting_columns(table.header, table.codes, "the table to be written")
    return write_atomically(path, to_bytes[suffix](table, table.header.model_dump_json(by_alias=True)))


def read_eoc_columns(path: str | os.PathLike[str], *, sample: int | None = 1000) -> EocColumns:
    """Read a table that `EocColumns.write` wrote, NPZ, CSV or Parquet by its suffix.

    Parameters
    ----------
    path : str or path
        The file.
    sample : int or None
        Rows that are computed again, evenly spread over the table; None: all of them, in about a fifth of the time that
        making the table took.

    Raises
    ------
    TableFormatError
        The file is missing, corrupt, of a later schema version, a column does not fit, or a row of the sample is not
        what its parameters give; the message names column and row.
    MissingExtraError
        A Parquet file without pyarrow.
    """
    readers: dict[str, Callable[[str], tuple[ColumnsHeader, Arrays]]] = {
        ".npz": _from_npz,
        ".csv": _from_csv,
        ".parquet": _from_parquet,
    }
    suffix = suffix_among(path, SUFFIXES)
    try:
        header, arrays = readers[suffix](os.fspath(path))
    except VmapTheoryError:
        raise
    except Exception as error:  # NumPy's, zipfile's and pyarrow's readers raise whatever corrupt bytes lead them to
        raise TableFormatError(f"cannot read {path}: {error}.") from None
    table = fitting_columns(header, arrays, str(path))
    refuse_wrong_columns(table, str(path), sample)
    return table


def _npz(table: EocColumns, header: str) -> bytes:
    stream = io.BytesIO()
    columns: Mapping[str, Any] = table.codes
    np.savez(stream, **{_HEADER: np.array(header), **columns})
    return stream.getvalue()


def _from_npz(path: str) -> tuple[ColumnsHeader, Arrays]:
    with open(path, "rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise TableFormatError(f"{path} is no {COLUMNS_WHAT}: it is no NPZ file, or a part of one.")
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as file:
            if _HEADER not in file.files:
                raise TableFormatError(f"{path} is no {COLUMNS_WHAT}: it has no header.")
            header = checked_header(json_object(str(file[_HEADER]), path), path)
            return header, {name: file[name] for name in file.files if name != _HEADER}


def _csv(table: EocColumns, header: str) -> bytes:
    stream = io.BytesIO()
    stream.write(f"# {header}\n{','.join(table)}\n".encode())
    words = {"family": np.array(table.families, dtype=object), "status": np.array(_STATUS_WORDS, dtype=object)}
    for begin in range(0, table.row_count, _LINES):
        here = slice(begin, begin + _LINES)
        cells = [
            words[name][array[here]].tolist() if name in CODES else _number_cells(array[here])
            for name, array in table.codes.items()
        ]
        stream.write(("\n".join(map(",".join, zip(*cells, strict=True))) + "\n").encode())
    return stream.getvalue()


def _number_cells(values: NDArray[Any]) -> list[str]:
    """Each float as the shortest text that reads back to the same bits; nothing for NaN."""
    return ["" if value != value else repr(value) for value in values.tolist()]


def _from_csv(path: str) -> tuple[ColumnsHeader, Arrays]:
    first, *lines = Path(path).read_text(encoding="utf-8").split("\n")
    header = checked_header(header_comment(first, path, COLUMNS_WHAT), path)
    if len(lines) != header.row_count + 2 or lines.pop():
        raise TableFormatError(f"{path} is corrupt: it does not have {header.row_count} rows, as its first line says.")
    names, rows = lines[0].split(","), lines[1:]
    codes = _codes(header)
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for begin in range(0, len(rows), _LINES):
        part = rows[begin : begin + _LINES]
        for row, line in enumerate(part, begin):
            if line.count(",") != len(columns) - 1:
                raise TableFormatError(f"{path} is corrupt at rows.{row}: it does not have {len(columns)} cells.")
        cells = ",".join(part).split(",")  # one list for all rows: a list for each takes twice as long
        for index, name in enumerate(columns):
            column = cells[index :: len(columns)]
            try:
                columns[name].append(_coded(column, codes[name], name) if name in codes else _numbers(column))
            except (ValueError, KeyError) as error:
                raise TableFormatError(f"{path} is corrupt in column {name}: {error}.") from None
    return header, {name: np.concatenate(parts) for name, parts in columns.items()}


def _numbers(cells: Sequence[str]) -> NDArray[np.float64]:
    return np.array([float(cell) if cell else np.nan for cell in cells])


def _codes(header: ColumnsHeader) -> dict[str, dict[str, int]]:
    """The words of the two columns that are stored as numbers, and their numbers."""
    families = [entry.family for entry in header.provenance.formulas]
    return {
        name: {word: code for code, word in enumerate(words)}
        for name, words in {"family": families, "status": _STATUS_WORDS}.items()
    }


def _coded(words: Sequence[str], codes: Mapping[str, int], name: str) -> NDArray[Any]:
    return np.array([codes[word] for word in words], dtype=CODES[name])


def _parquet(table: EocColumns, header: str) -> bytes:
    arrow = _arrow()
    words = {"family": table.families, "status": _STATUS_WORDS}
    columns = {
        name: arrow.DictionaryArray.from_arrays(array, words[name])
        if name in CODES
        else arrow.array(array, from_pandas=True)  # NaN as null
        for name, array in table.codes.items()
    }
    stream = io.BytesIO()
    arrow.parquet.write_table(arrow.table(columns).replace_schema_metadata({_HEADER: header}), stream)
    return stream.getvalue()


def _from_parquet(path: str) -> tuple[ColumnsHeader, Arrays]:
    file = _arrow().parquet.read_table(path)
    written = (file.schema.metadata or {}).get(_HEADER.encode())
    if written is None:
        raise TableFormatError(f"{path} is no {COLUMNS_WHAT}: it has no header.")
    header = checked_header(json_object(written.decode(), path), path)
    codes = _codes(header)
    arrays: Arrays = {}
    for name in file.column_names:
        column = file.column(name)
        if name in codes:
            encoded = column.dictionary_encode().combine_chunks()
            arrays[name] = _coded(encoded.dictionary.to_pylist(), codes[name], name)[encoded.indices.to_numpy()]
        else:
            arrays[name] = column.to_numpy()
    return header, arrays


def _arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError.needing("a Parquet file", "parquet") from None
    return pyarrow
