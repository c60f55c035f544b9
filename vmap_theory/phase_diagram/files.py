"""Phase diagrams on disk: CSV and NPZ, written by rename."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..errors import TableFormatError
from ..files import write_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .diagram import PhaseDiagram

    Columns = Mapping[str, NDArray[Any]]

_SCHEMA = "vmap-theory/phase-diagram"
_SCHEMA_VERSION = 1


def write_diagram(diagram: PhaseDiagram, path: str | os.PathLike[str]) -> Path:
    """Write a diagram as `PhaseDiagram.write` says."""
    formats: dict[str, Callable[[str, Columns], bytes]] = {".csv": _csv, ".npz": _npz}
    suffix = Path(path).suffix.lower()
    if suffix not in formats:
        raise TableFormatError(f"{path} ends neither in .csv nor in .npz: choose one of the two.")
    return write_atomically(path, formats[suffix](json.dumps(_header(diagram)), diagram.to_columns()))


def _header(diagram: PhaseDiagram) -> dict[str, Any]:
    return {
        "schema": _SCHEMA,
        "schema_version": _SCHEMA_VERSION,
        "package": "vmap-theory",
        "version": __version__,
        "activation": diagram.activation.label,
        "x": diagram.x_name,
        "y": diagram.y_name,
        "shape": diagram.shape,
        "q_star": diagram.q_star,
        "scores": [
            {"width": s.width, "depth": s.depth, "level": s.level, "chains": s.chains, "seed": s.seed}
            for s in diagram.scores
        ],
    }


def _csv(header: str, columns: Columns) -> bytes:
    cells = [_cells(values) for values in columns.values()]
    rows = "\n".join(map(",".join, zip(*cells, strict=True)))
    return f"# {header}\n{','.join(columns)}\n{rows}\n".encode()


def _cells(values: NDArray[Any]) -> list[str]:
    """Shortest texts that read back to the same floats, nothing for NaN; 0 and 1 for truth values."""
    if values.dtype.kind == "f":
        return ["" if value != value else repr(value) for value in values.tolist()]
    return [str(int(value)) if isinstance(value, bool) else str(value) for value in values.tolist()]


def _npz(header: str, columns: Columns) -> bytes:
    stream = io.BytesIO()
    arrays: Mapping[str, Any] = columns
    np.savez(stream, header=np.array(header), **arrays)
    return stream.getvalue()
