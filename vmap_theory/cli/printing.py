"""Printing: lines, tables and JSON to standard output, messages and progress bars to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WIDEST = 250  # columns of a printed table


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error, with the time left; gone when done.

    Until it is called with what is done and how much there is in all, it shows that work goes on.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    if not console.is_terminal:  # a log file wants no bar
        yield lambda done, total: None
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))  # as Text, brackets are no markup
    Console(width=_WIDEST).print(shown, crop=False, soft_wrap=True)  # a terminal may wrap a line, never cut a number


def print_numbers(numbers: dict[str, Any]) -> None:
    """Print names and values, a line each."""
    for key, value in numbers.items():
        print_line(f"{key:<12} {cell(value)}")


def cell(value: Any) -> str:
    """A value for a table: ten digits, a dash for None, an interval as its ends."""
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return " to ".join(cell(end) for end in value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def joined(points: Sequence[float], stabilities: Sequence[str]) -> str:
    """Fixed points and their stabilities in one cell."""
    return ", ".join(f"{q:.5g} {stability}" for q, stability in zip(points, stabilities, strict=True))


def print_line(text: str) -> None:
    """Print a line to standard output."""
    sys.stdout.write(f"{text}\n")


def say(text: str) -> None:
    """Print a message to standard error."""
    sys.stderr.write(f"{text}\n")


def print_json(content: dict[str, Any]) -> None:
    """Print a JSON object to standard output; NaN and infinities, which JSON lacks, are an error."""
    print_line(json.dumps(content, indent=2, allow_nan=False))


def finite(value: Any) -> Any:
    """Plain values as JSON has them: None for NaN and infinities, lists for tuples, also nested."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def save_picture(figure: Any, out: Path, as_json: bool) -> None:
    """Write a figure and say where."""
    from ..plots import save_figure

    path = save_figure(figure, out)
    if as_json:
        print_json({"file": str(path)})
    else:
        print_line(f"wrote {path}")
