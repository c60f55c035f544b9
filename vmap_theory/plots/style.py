"""What all pictures share: colours, empty figures, files written by rename."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DomainError, FileOutputError, MissingExtraError
from ..files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by people with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_FORMATS = (".png", ".svg", ".pdf")


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to ``*.png``, ``*.svg`` or ``*.pdf``, by rename.

    Raises
    ------
    FileOutputError
        Another suffix, or the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise FileOutputError(f"{path} does not end in {', '.join(_FORMATS)}: choose one of these formats.")
    return write_atomically(path, figure_bytes(figure, suffix[1:]))


def figure_bytes(figure: Figure, file_format: str) -> bytes:
    """A figure as the bytes of a file, without a date in it, so that equal figures give equal bytes."""
    stream = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(file_format, {})
    figure.savefig(stream, format=file_format, dpi=160, metadata=metadata)
    return stream.getvalue()


def new_figure(x_label: str, y_label: str, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """An empty figure and its axes, an array of them if there are several."""
    try:
        from matplotlib.figure import Figure as NewFigure
    except ImportError:
        raise MissingExtraError.needing("a picture", "plot") from None
    size = (6.4 if columns == 1 else 9.0, (4.2 if rows == 1 else 6.0) if columns == 1 else 3.6)
    figure = NewFigure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, sharex=columns == 1)
    first = np.atleast_1d(axes)[0]
    first.set_xlabel(x_label)
    first.set_ylabel(y_label)
    for one in np.atleast_1d(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def axes_lines(axes: Axes) -> None:
    """Draw the lines x = 0 and y = 0, faint."""
    axes.axhline(0, color="0.85", linewidth=1, zorder=0)
    axes.axvline(0, color="0.85", linewidth=1, zorder=0)


def colour_cycle(count: int) -> list[str]:
    """Colours for `count` curves; they start again after seven."""
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def require_some(name: str, values: Sequence[Any]) -> None:
    """Raise `DomainError` if there is nothing to draw."""
    if not len(values):
        raise DomainError(f"{name} is empty: give at least one.")
