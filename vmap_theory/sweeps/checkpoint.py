"""Finished results of a sweep on disk: a header, then a line for each result, appended as it comes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import __version__
from ..errors import DtypeError, FileOutputError, TableFormatError
from ..files import write_atomically
from .fingerprint import fingerprint, function_name
from .values import from_tree

_SCHEMA = "vmap-theory/sweep"
_SCHEMA_VERSION = 1


class Checkpoint:
    """The file of one sweep, open for appending; `finished` holds what it held already, by index of the item.

    Parameters
    ----------
    path : str or path
        Made if it is missing or empty.
    function, tasks
        What the sweep calls, and on what.

    Raises
    ------
    TableFormatError
        The file is of another sweep, or corrupt elsewhere than in a last line that was cut off.
    FileOutputError
        The file cannot be read or written.
    DtypeError
        The function or an item has no lasting name or form, or `path` is no path.
    """

    def __init__(
        self, path: str | os.PathLike[str], function: Callable[[Any], object], tasks: Sequence[object]
    ) -> None:
        given: object = path
        if not isinstance(given, (str, os.PathLike)):
            raise DtypeError(f"checkpoint = {given!r} is no path: give the name of a file as text or as a Path.")
        header = {
            "schema": _SCHEMA,
            "schema_version": _SCHEMA_VERSION,
            "version": __version__,
            "function": function_name(function),
            "items": len(tasks),
            "digest": fingerprint([function, list(tasks)]),
        }
        try:
            content = Path(path).read_bytes() if os.path.exists(path) else b""
            if not content:
                content = (json.dumps(header) + "\n").encode()
                write_atomically(path, content)
            whole = content.rfind(b"\n") + 1  # what comes after was being written when the process was killed
            self.finished = _finished(content[:whole], header, str(path))
            if whole < len(content):
                os.truncate(path, whole)
            # Unbuffered and in append mode: a line is handed to the system whole, or not at all.
            self._stream = Path(path).open("ab", buffering=0)  # noqa: SIM115 (closed by __exit__)
        except (OSError, ValueError) as error:
            if isinstance(error, (TableFormatError, FileOutputError)):
                raise
            reason = getattr(error, "strerror", None) or error
            raise FileOutputError(f"cannot use the checkpoint {path}: {reason}. Choose another path.") from None
        self._path = path

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def keep(self, index: int, text: str) -> None:
        """Append the result of item `index`, which `encode` has made text."""
        line = f'{{"item":{index},"value":{text}}}\n'.encode()
        try:
            written = self._stream.write(line)
        except OSError as error:
            raise self._unwritten(error.strerror) from None
        if written != len(line):
            raise self._unwritten("the disk is full")

    def _unwritten(self, reason: str | None) -> FileOutputError:
        return FileOutputError(
            f"cannot write to the checkpoint {self._path}: {reason}. What it holds is kept; make room and run again."
        )


def _finished(content: bytes, header: dict[str, Any], path: str) -> dict[int, Any]:
    first, *lines = content.split(b"\n")[:-1] or [b""]  # none: the first line has no end
    _refuse_other_sweep(_record(first), header, path)
    finished = {}
    for number, line in enumerate(lines, 2):
        record = _record(line) or {}
        index = record.get("item")
        if type(index) is not int or not 0 <= index < header["items"] or "value" not in record:
            raise _corrupt(path, number, "it is no result")
        try:
            finished[index] = from_tree(record["value"])
        except (TableFormatError, RecursionError) as error:
            raise _corrupt(path, number, str(error).rstrip(".")) from None
    return finished


def _refuse_other_sweep(found: dict[str, Any] | None, header: dict[str, Any], path: str) -> None:
    if found is None or found.get("schema") != _SCHEMA:
        raise TableFormatError(
            f"{path} is no checkpoint of a sweep, or its first line is corrupt: choose another path, or delete the "
            "file."
        )
    what = {
        "schema_version": "schema version",
        "version": "version of vmap-theory",
        "function": "function",
        "items": "number of items",
        "digest": "list of items, or other fixed arguments",
    }
    for key, words in what.items():
        if found.get(key) != header[key]:
            values = "" if key == "digest" else f" ({repr(found.get(key))[:80]}, not {header[key]!r})"
            raise TableFormatError(
                f"{path} is the checkpoint of a sweep with another {words}{values}. Choose another path, or delete the "
                "file."
            )


def _record(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line, or None if it is something else."""
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError):  # bytes that are no text are a ValueError too
        return None
    return record if isinstance(record, dict) else None


def _corrupt(path: str, number: int, reason: str) -> TableFormatError:
    return TableFormatError(
        f"{path} is corrupt at line {number} ({reason}): delete that line (its item is computed again)."
    )
