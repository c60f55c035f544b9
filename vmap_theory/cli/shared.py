"""What several commands share: reading an activation, options, printing, the progress bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DomainError, ExpressionError, UnknownNameError

if TYPE_CHECKING:
    from ..activations import Activation
    from ..solve import FixedPoints

# Heavy modules (SymPy, Matplotlib) are imported inside the functions, so that --help answers at once.

_WIDEST = 250  # columns of a printed table

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A name of the registry, or an expression in x, quoted.")
]
ValuesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PARAMETER=NUMBER]...", help="Values of parameters, such as tau=1 m=0.5."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
QStarOption = Annotated[float, typer.Option("--q-star", help="The fixed point q*, a variance.")]
DigitsOption = Annotated[int, typer.Option("--digits", help="Decimal digits of agreement asked for.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="The file to write (.png, .svg or .pdf).")]


def activation_from_words(name: str, assignments: Sequence[str] | None = None, *, symbolic: bool = False) -> Activation:
    """Return a registered activation, or one parsed from an expression; `symbolic`: without customary values."""
    from ..activations import activation, family, family_names
    from ..parsing import parse_activation

    values: dict[str, Any] = {}
    for text in assignments or ():
        parameter, number = assignment(text)
        if parameter in values:
            raise ExpressionError(f"{parameter} is given twice: give each parameter once.")
        values[parameter] = number
    if name in family_names():
        return family(name).bind(**values) if symbolic else activation(name, **values)
    if name.isidentifier() and name != "x":
        raise UnknownNameError.among("activation", name, family_names())
    return parse_activation(name, name=name, **values)


def activation_in_one_word(text: str) -> Activation:
    """Read ``name`` or ``name:tau=1,m=2``."""
    name, _, values = text.partition(":")
    return activation_from_words(name, values.split(",") if values else None)


def assignment(text: str) -> tuple[str, Any]:
    """Read ``name=number``; the number is exact: 0.3 is 3/10, and 1/3 or sqrt(2) will do."""
    from ..activations.parameters import RESERVED_NAMES
    from ..parsing import parse_expression

    name, equals, number = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ExpressionError(
            f"{text!r} is not of the form PARAMETER=NUMBER, such as tau=1. "
            "The activation comes first, then its parameters."
        )
    if name.strip() in RESERVED_NAMES:
        raise ExpressionError(f"{name.strip()!r} is reserved and names no parameter.")
    value = parse_expression(number)
    if value.free_symbols:
        raise DomainError(f"{name} = {number} is not a finite number: give one, such as {name}=1 or {name}=1/3.")
    return name.strip(), value


def described(act: Activation) -> dict[str, Any]:
    """An activation as plain values for JSON."""
    parameters = [
        {"name": p.name, "domain": p.domain_text, "typical": list(p.typical), "meaning": p.meaning}
        for p in act.parameters
    ]
    values = {name: float(value) for name, value in act.values}
    return {
        "name": act.name,
        "title": act.title,
        "expression": str(act.expression),
        "parameters": parameters,
        "values": values,
        "source": act.source,
    }


def show_solution(numbers: dict[str, Any], variance_map: Any, as_json: bool) -> None:
    """Print the numbers of an edge of chaos and the fixed points of its map."""
    from ..errors import DegenerateMapError
    from ..solve import fixed_points

    points: FixedPoints | tuple[()] = ()
    note = None
    try:
        points = fixed_points(variance_map)
    except DegenerateMapError:
        note = "V(q) = q to rounding over many decades: none is isolated"
    if as_json:
        found = [
            {
                "q": p.q,
                "slope": p.slope,
                "chi_1": p.chi_1,
                "stability": p.stability,
                "error_bound": p.error_bound,
            }
            for p in points
        ]
        print_json(numbers | {"fixed_points": found} | ({"note": note} if note else {}))
        return
    for key, value in numbers.items():
        if key != "parameters":
            print_line(f"{key:<12} {cell(value)}")
    for p in points:
        print_line(
            f"fixed point  q = {p.q:.10g} +- {p.error_bound:.1g}, {p.stability}, "
            f"V' = {p.slope:.6g}, chi_1 = {p.chi_1:.6g}"
        )
    if note:
        print_line(f"fixed points {note}")


def save_picture(figure: Any, out: Path, as_json: bool) -> None:
    """Write a figure and say where."""
    from ..plots import save_figure

    path = save_figure(figure, out)
    if as_json:
        print_json({"file": str(path)})
    else:
        print_line(f"wrote {path}")


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error, with the time left; gone when done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
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


def cell(value: Any) -> str:
    """A value for a table: ten digits, a dash for None."""
    if value is None:
        return "-"
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
