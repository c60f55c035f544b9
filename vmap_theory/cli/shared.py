"""What several commands share: reading an activation, options, printing, the progress bar."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DomainError, UnknownNameError
from .words import read_words

if TYPE_CHECKING:
    from ..activations import Activation
    from ..fixed_point_search import FixedPoint, FixedPoints
    from ..formulas import Formulas

# Heavy modules (SymPy, Matplotlib) are imported inside the functions, so that --help answers at once.

_WIDEST = 250  # columns of a printed table

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A name of the registry, or an expression in x, quoted.")
]
WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PARAMETER=NUMBER]...",
        help="Values of parameters, such as tau=1 m=0.5; for an expression domains too, in quotes: 'tau>=0' '0<a<1' "
        "'m in (0, oo)' 'degree in 1..8'.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
QStarOption = Annotated[float, typer.Option("--q-star", help="The fixed point q*, a variance.")]
DigitsOption = Annotated[int, typer.Option("--digits", help="Decimal digits of agreement asked for.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="The file to write (.png, .svg or .pdf).")]


def activation_from_words(name: str, words: Sequence[str] | None = None, *, symbolic: bool = False) -> Activation:
    """Return a registered activation, or one parsed from an expression; `symbolic`: without customary values.

    `words` are values and, for an expression, domains of its parameters, as `read_words` reads them.
    """
    from ..activations import activation, family, family_names
    from ..parsing import parse_activation, parse_expression

    said = read_words(words or ())
    if name in family_names():
        if said.domains:
            own = ", ".join(f"{p.name} in {p.domain_text}" for p in family(name).parameters) or "none"
            raise DomainError(
                f"{next(iter(said.domains))}: the parameters of {name} have domains of their own ({own}). "
                "Give values; domains are for an activation given as an expression."
            )
        return family(name).bind(**said.values) if symbolic else activation(name, **said.values)
    if name.isidentifier() and name != "x":
        raise UnknownNameError.among("activation", name, family_names())
    held = {symbol.name for symbol in parse_expression(name).free_symbols} - {"x"}
    for parameter in (*said.values, *said.domains):
        if parameter not in held:
            raise UnknownNameError.among("parameter of the expression", parameter, held)
    return parse_activation(name, name=name, parameters=said.declared(), **said.values)


def activation_in_one_word(text: str) -> Activation:
    """Read ``name`` or ``name:tau=1,m=2``; commas inside brackets part no words."""
    name, _, words = text.partition(":")
    return activation_from_words(name, _parted(words) if words else None)


def _parted(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def described(act: Activation) -> dict[str, Any]:
    """An activation as plain values for JSON."""
    parameters = [
        {
            "name": p.name,
            "domain": p.domain_text,
            "integer": p.integer,
            "typical": list(p.typical),
            "meaning": p.meaning,
        }
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


def related(act: Activation) -> dict[str, Any]:
    """What an activation is related to, as plain values for JSON: PyTorch, limits, penalty."""
    return {
        "torch": [
            {"name": module.name, "parameters": dict(module.parameters), "options": dict(module.options)}
            for module in act.torch
        ],
        "limits": [
            {
                "parameter": limit.parameter,
                "value": str(limit.value),
                "family": limit.family,
                "family_values": {name: str(value) for name, value in limit.family_values},
            }
            for limit in act.limits
        ],
        "penalty": None if act.penalty is None else str(act.penalty),
    }


def header(formulas: Formulas) -> str:
    """What formulas are of, for which parameters, and for which values of these they do not hold."""
    act = formulas.activation
    lines = [f"phi(x)     = {act.expression}"]
    lines += [f"with         {name} = {value}" for name, value in act.values]
    for p in act.free_parameters:
        assumed = ", assumed" if not p.meaning and p.domain_text == "(0, oo)" else ""
        lines.append(f"for          {p.name} in {p.domain_text}{assumed}")
    lines += [f"not for      {exception}: put that value in" for exception in formulas.exceptions]
    return "\n".join(lines)


def show_solution(numbers: dict[str, Any], variance_map: Any, as_json: bool) -> None:
    """Print the numbers of an edge of chaos and the fixed points of its map."""
    from ..errors import DegenerateMapError
    from ..fixed_point_search import fixed_points

    points: FixedPoints | tuple[()] = ()
    try:
        points = fixed_points(variance_map)
        told: dict[str, Any] = {
            "is_complete": points.is_complete,
            "diverges": points.diverges,
            "collapses": points.collapses,
            "near_misses": list(points.near_misses),
            "note": points.proof,
        }
    except DegenerateMapError as error:
        told = {"is_complete": False, "note": str(error)}
    if as_json:
        print_json(numbers | {"fixed_points": [_point(p) for p in points]} | told)
        return
    for key, value in numbers.items():
        if key != "parameters":
            print_line(f"{key:<12} {cell(value)}")
    for p in points:
        reach = "" if p.basin is None else f", basin ({p.basin[0]:.6g}, {p.basin[1]:.6g})"
        print_line(
            f"fixed point  q = {p.q:.10g} +- {p.error_bound:.1g}, {p.stability}, "
            f"V' = {p.slope:.6g}, chi_1 = {p.chi_1:.6g}{reach}"
        )
    for variance in told.get("near_misses", ()):
        print_line(f"near miss    V(q) nearly meets q at {variance:.10g}")
    if told.get("diverges"):
        print_line("divergence   V(q) > q for all large q")
    if told.get("collapses"):
        print_line("collapse     V(q) < q for all small q")
    print_line(f"no others    {told['note']}" if told["is_complete"] else f"fixed points {told['note']}")


def _point(p: FixedPoint) -> dict[str, Any]:
    """A fixed point as JSON; infinite ends of a basin are null."""
    ends = None if p.basin is None else [None if math.isinf(end) else end for end in p.basin]
    return {
        "q": p.q,
        "lower": p.lower,
        "upper": p.upper,
        "slope": p.slope,
        "chi_1": None if math.isinf(p.chi_1) else p.chi_1,
        "stability": p.stability,
        "attracts_from": p.attracts_from,
        "basin": ends,
        "error_bound": p.error_bound,
    }


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
