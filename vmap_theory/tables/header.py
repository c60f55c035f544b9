"""What every kind of table file shares: its suffix, its JSON header, and how a misfit is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from ..errors import TableFormatError


def suffix_among(path: str | os.PathLike[str], allowed: Sequence[str]) -> str:
    """Return the end of `path`, one of `allowed` such as ``.csv``; raise `TableFormatError` for any other."""
    suffix = os.path.splitext(str(path))[1].lower()
    if suffix not in allowed:
        *others, last = allowed
        count = {2: "two", 3: "three"}[len(allowed)]
        raise TableFormatError(f"{path} ends neither in {', '.join(others)} nor in {last}: choose one of the {count}.")
    return suffix


def refuse_other_schema(content: Any, where: str, *, what: str, schema: str, version: int) -> None:
    """Raise `TableFormatError` unless `content` is an object of this schema, at this version or an earlier one."""
    if not isinstance(content, dict) or content.get("schema") != schema:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise TableFormatError(f"{where} is no {what}: its schema is {found!r}, not {schema!r}.")
    given = content.get("schema_version")
    if type(given) is not int:
        raise TableFormatError(f"{where} has schema_version {given!r}: expected the integer {version}.")
    if given > version:
        raise TableFormatError(
            f"{where} has schema version {given}, and this version of vmap-theory reads up to {version}: "
            "upgrade with pip install --upgrade vmap-theory."
        )


def misfit(error: ValidationError, where: str) -> TableFormatError:
    """Build the error that names the first field that does not fit."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return TableFormatError(
        f"{where} does not fit the schema at {field}: {first['msg']}, found {str(first['input'])[:60]!r}{more}."
    )


def json_object(text: str, path: object) -> Any:
    """Parse JSON in which no key may stand twice; raise `TableFormatError` with the place for any other text."""
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise TableFormatError(
            f"{path} is corrupt: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, endless nesting, keys given twice
        raise TableFormatError(f"{path} is corrupt: {error}.") from None


def header_comment(first_line: str, path: object, what: str) -> Any:
    """Parse the comment that a CSV file starts with, ``# {...}``."""
    if not first_line.startswith("# {"):
        raise TableFormatError(f"{path} is no {what}: its first line is not the comment with the provenance.")
    return json_object(first_line[2:], path)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is given twice")
    return content
