"""The record of a run: rows, and what is needed to repeat or doubt them."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vmap_theory as vt
from vmap_theory.files import write_atomically

from .points import LEVELS, SEED, THRESHOLDS, VARIANCES, Points
from .references import DIGITS

SCHEMA = "vmap-theory-side-by-side/1"
COMMITTED = Path(__file__).parents[3] / "docs" / "records" / "side_by_side.json"
PACKAGES = ("numpy", "scipy", "sympy", "mpmath")


class RecordError(ValueError):
    """A file is no record of this kind, or of other points."""


def today() -> str:
    """The date, as records write it."""
    return datetime.now(UTC).date().isoformat()


def own_versions() -> dict[str, str]:
    """Python, this package and what it computes with."""
    found = {"python": platform.python_version(), "vmap_theory": vt.__version__}
    return found | {package: version(package) for package in PACKAGES}


def described(measurement: Mapping[str, Any], peer: str | None, versions: Mapping[str, str]) -> dict[str, Any]:
    """What the record says of a method beside its rows; `peer` names the package whose environment it ran in."""
    return {
        "name": measurement["name"],
        "text": measurement["text"],
        "peer": peer,
        "date": today(),
        "versions": dict(versions),
    }


def compose(
    points: Points, command: str, methods: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Put a record together."""
    return {
        "schema": SCHEMA,
        "date": today(),
        "command": command,
        "threads": 1,
        "reference": f"mpmath, {DIGITS} digits",
        "points": {
            "count": len(points),
            "seed": SEED,
            "sha256": points.sha256(),
            "tau / sqrt(q)": THRESHOLDS,
            "m / sqrt(q)": LEVELS,
            "q": VARIANCES,
        },
        "methods": list(methods),
        "rows": list(rows),
    }


def save(record: Mapping[str, Any], path: Path) -> None:
    """Write it whole or not at all."""
    write_atomically(path, json.dumps(record, indent=1, allow_nan=False) + "\n")


def load(path: Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    RecordError
        It cannot be read, or is none.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        schema = record["schema"]
        names = {method["name"] for method in record["methods"]}
        matching = {row["method"] for row in record["rows"]} == names
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{path} is no record of python -m tests.benchmarks.side_by_side: {error!r}") from error
    if schema != SCHEMA:
        raise RecordError(f"{path}: schema {schema!r}, not {SCHEMA!r}")
    if not matching:
        raise RecordError(f"{path}: methods and rows do not belong together")
    return dict(record)


def peers_of(record: Mapping[str, Any], points: Points) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The peers' methods and rows of a record.

    Raises
    ------
    RecordError
        They were measured on other points.
    """
    if record["points"]["sha256"] != points.sha256():
        raise RecordError(
            f"the peers were recorded on other points ({record['points']['count']} of them, these are {len(points)}): "
            "measure them with --peers, or leave --points out"
        )
    methods = [method for method in record["methods"] if method["peer"]]
    names = {method["name"] for method in methods}
    return methods, [row for row in record["rows"] if row["method"] in names]


def block(record: Mapping[str, Any], family: str, quantity: str) -> list[dict[str, Any]]:
    """The rows of one family and quantity, in the order of the methods."""
    return [row for row in record["rows"] if (row["family"], row["quantity"]) == (family, quantity)]
