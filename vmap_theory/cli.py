"""The command line, ``vmap-theory``.  Each command is one call of the public API and a way to show its result.

Exit status: 0 success, 1 a check failed (verification, training), 2 unusable input, 130 stopped by Ctrl-C.
Results go to standard output, messages and progress bars to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import ExpressionError, UnknownNameError, VmapTheoryError

if TYPE_CHECKING:
    from .activations import Activation
    from .solve import FixedPoints

# Heavy modules (SymPy, Matplotlib) are imported inside the commands, so that --help answers at once.

app = typer.Typer(
    name="vmap-theory",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Exact variance maps, edges of chaos and stable clipping levels for sparsely activated deep networks.",
)
plot_app = typer.Typer(no_args_is_help=True, help="Draw a picture and write it to a PNG, SVG or PDF file.")
app.add_typer(plot_app, name="plot")

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


def main() -> None:
    """Run the command line; every error raised on purpose becomes one line and exit status 2."""
    try:
        app()
    except VmapTheoryError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, `head` for instance, has gone
        sys.stderr.close()
        sys.exit(0)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from . import __version__

        _print(__version__)
        raise typer.Exit


@app.command("list")
def list_families(as_json: JsonOption = False) -> None:
    """List the activations of the registry."""
    from .activations import family, family_names

    families = [family(name) for name in family_names()]
    if as_json:
        _print_json({"activations": [_described(act) for act in families]})
        return
    rows = [
        (act.name, act.title, ", ".join(f"{p.name} in {p.domain_text}" for p in act.parameters) or "-")
        for act in families
    ]
    _print_table(("name", "what it is", "parameters"), rows)


@app.command()
def derive(
    name: NameArgument,
    values: ValuesArgument = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Derive the moments, the sparsity, V, V', V'' and chi_1 in closed form."""
    from .formulas import QUANTITIES
    from .formulas import derive as derive_formulas

    formulas = derive_formulas(_activation(name, values))
    if as_json:
        _print_json(
            {
                "activation": _described(formulas.activation),
                "formulas": {quantity: str(getattr(formulas, quantity)) for quantity in QUANTITIES},
                "latex": {quantity: formulas.latex(quantity) for quantity in QUANTITIES},
                "is_exact": formulas.is_exact,
                "sha256": formulas.digest,
            }
        )
    else:
        _print(formulas.latex() if latex else formulas.text())


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A name or an expression; not with --all.")
    ] = None,
    values: ValuesArgument = None,
    every: Annotated[bool, typer.Option("--all", help="Verify every activation of the registry.")] = False,
    digits: DigitsOption = 50,
    points: Annotated[int, typer.Option("--points", help="How many random points.")] = 8,
    as_json: JsonOption = False,
) -> None:
    """Check the closed forms against independent high-precision integration; exit status 1 if one is wrong."""
    from .activations import activation, family_names
    from .verification import verify as verify_activation

    if (name is None) != every:
        raise UnknownNameError("give the NAME of an activation, or --all, and not both.")
    chosen = [activation(n) for n in family_names()] if every or name is None else [_activation(name, values)]
    reports = []
    with _progress(f"verifying to {digits} digits") as advance:
        for index, act in enumerate(chosen):

            def on_progress(done: int, total: int, before: int = index) -> None:
                advance(before * total + done, total * len(chosen))

            reports.append(verify_activation(act, digits, points=points, on_progress=on_progress))
    if as_json:
        _print_json(
            {
                "passed": all(report.passed for report in reports),
                "reports": [
                    {
                        "activation": report.activation,
                        "digits": report.digits,
                        "passed": report.passed,
                        "comparisons": len(report.rows),
                        "max_relative_error": report.max_relative_error,
                    }
                    for report in reports
                ],
            }
        )
    else:
        for report in reports:
            _print(report.summary())
    if not all(report.passed for report in reports):
        raise typer.Exit(1)


@app.command()
def eoc(
    name: NameArgument,
    values: ValuesArgument = None,
    sparsity: Annotated[
        float | None, typer.Option("--sparsity", help="Choose the threshold for this sparsity.")
    ] = None,
    q_star: QStarOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Give the edge of chaos at q*: weight and bias variance, slope, fixed points."""
    from .solve import edge_of_chaos, threshold_for_sparsity
    from .solve.threshold import threshold_parameter

    act = _activation(name, values)
    if sparsity is not None:
        threshold, _ = threshold_parameter(act)
        act = act.bind(**{threshold: threshold_for_sparsity(act, sparsity, q_star)})
    result = edge_of_chaos(act, q_star)
    _show_solution(
        {
            "activation": act.label,
            "parameters": {key: float(value) for key, value in act.values},
            "q_star": result.q_star,
            "sigma_w2": result.sigma_w2,
            "sigma_b2": result.sigma_b2,
            "slope": result.slope,
            "curvature": result.curvature,
            "sparsity": result.sparsity,
        },
        result.variance_map,
        as_json,
    )


@app.command()
def clip(
    name: Annotated[str, typer.Argument(metavar="FAMILY", help="A clipped family: crelu or cst.")],
    sparsity: Annotated[float, typer.Option("--sparsity", help="Fraction of zero outputs at q*.")],
    target: Annotated[float, typer.Option("--target", help="The slope V'(q*) wanted.")] = 0.5,
    criterion: Annotated[str, typer.Option("--criterion", help="How the level is chosen: slope.")] = "slope",
    q_star: QStarOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Give the clipping level for a sparsity and a slope, with the edge of chaos that belongs to it."""
    from .solve import clipping_level

    result = clipping_level(name, sparsity, q_star, criterion=criterion, target=target)
    _show_solution(
        {
            "family": name,
            "criterion": result.criterion,
            "target": result.target,
            "q_star": result.q_star,
            "sparsity": result.sparsity,
            "tau": result.tau,
            "m": result.m,
            "sigma_w2": result.sigma_w2,
            "sigma_b2": result.sigma_b2,
            "slope": result.slope,
            "curvature": result.curvature,
        },
        result.variance_map,
        as_json,
    )


@app.command()
def table(
    family: Annotated[list[str], typer.Option("--family", help="A family with a threshold; repeat for more.")],
    sparsity: Annotated[list[float], typer.Option("--sparsity", help="Repeat for more.")],
    target: Annotated[
        list[float] | None, typer.Option("--target", help="Slope V'(q*); repeat for more. [0.5 0.7 0.9]")
    ] = None,
    q_star: Annotated[list[float] | None, typer.Option("--q-star", help="Repeat for more. [1]")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this .json or .csv file.")] = None,
    digits: DigitsOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Tabulate edges of chaos over families, sparsities, slopes and q*, with provenance."""
    from .tables import eoc_table

    with _progress("computing the table") as advance:
        result = eoc_table(
            family, sparsity, target or (0.5, 0.7, 0.9), q_star or (1.0,), digits=digits, on_progress=advance
        )
    if out is not None:
        _say(f"wrote {result.write(out)}")
    if as_json:
        _print(result.to_json().rstrip())
    elif out is None:
        shown = ("family", "sparsity", "q_star", "target", "tau", "m", "sigma_w2", "sigma_b2", "slope")
        rows = [tuple(_cell(getattr(row, column)) for column in shown) for row in result.rows]
        _print_table(
            (*shown, "fixed points"),
            [(*r, _joined(t.fixed_points)) for r, t in zip(rows, result.rows, strict=True)],
        )


@plot_app.command("activations")
def plot_activations_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME[:P=V,...]...", help="Such as crelu:tau=1,m=0.5 relu.")],
    out: OutOption,
    as_json: JsonOption = False,
) -> None:
    """Draw activations over one axis."""
    from .plots import plot_activations

    _save(plot_activations([_activation_in_one_word(name) for name in names]), out, as_json)


@plot_app.command("variance-map")
def plot_variance_map_command(
    name: Annotated[str, typer.Argument(metavar="FAMILY", help="A family with a threshold, or NAME:P=V,... in full.")],
    out: OutOption,
    sparsity: Annotated[float | None, typer.Option("--sparsity", help="Fraction of zero outputs at q*.")] = None,
    target: Annotated[
        list[float] | None, typer.Option("--target", help="Slope V'(q*); one curve each. [0.5 0.7 0.9]")
    ] = None,
    q_star: QStarOption = 1.0,
    q_max: Annotated[float | None, typer.Option("--q-max", help="Right end of the axis.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw variance maps on the edge of chaos, with the identity and all fixed points."""
    from .plots import plot_variance_maps
    from .solve import clipping_level, edge_of_chaos

    if sparsity is None:
        maps = [edge_of_chaos(_activation_in_one_word(name), q_star).variance_map]
        labels = None
    else:
        clips = [clipping_level(name, sparsity, q_star, target=t) for t in target or (0.5, 0.7, 0.9)]
        maps = [found.variance_map for found in clips]
        labels = [
            f"{name}, sparsity {sparsity:g}, $V'(q^*) = {found.target:g}$, $m = {found.m:.4g}$" for found in clips
        ]
    _save(plot_variance_maps(maps, labels=labels, q_max=q_max), out, as_json)


@plot_app.command("slope")
def plot_slope_command(
    name: Annotated[str, typer.Argument(metavar="FAMILY", help="A clipped family: crelu or cst.")],
    out: OutOption,
    sparsity: Annotated[
        list[float] | None, typer.Option("--sparsity", help="One curve each. [0.5 0.7 0.85 0.9]")
    ] = None,
    q_star: QStarOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Draw V'(q*) and V''(q*) against the clipping level m."""
    from .plots import plot_slope_against_level

    _save(plot_slope_against_level(name, sparsity or (0.5, 0.7, 0.85, 0.9), q_star), out, as_json)


@plot_app.command("eoc")
def plot_eoc_command(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME[:P=V,...]...", help="Such as crelu:tau=1,m=0.5 hardtanh.")
    ],
    out: OutOption,
    q_min: Annotated[float, typer.Option("--q-min", help="Least q* on the curve.")] = 0.05,
    q_max: Annotated[float, typer.Option("--q-max", help="Largest q* on the curve.")] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Draw the edge of chaos in the plane of sigma_b and sigma_w."""
    from .plots import plot_edge_of_chaos

    _save(
        plot_edge_of_chaos([_activation_in_one_word(n) for n in names], q_min=q_min, q_max=q_max),
        out,
        as_json,
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path("vmap-theory-demo"),
    sparsity: Annotated[float, typer.Option("--sparsity", help="Fraction of zero outputs.")] = 0.85,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Train nets too (about a minute on two cores).")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Do all of it for crelu and cst and write a report: formulas, verified digits, tables, figures, trained nets."""
    from .report import write_demo_report

    with _progress("writing the report") as advance:
        result = write_demo_report(out, sparsity=sparsity, train=train, on_progress=advance)
    if as_json:
        _print_json(result.as_dict())
    else:
        _print(result.summary())
    if not result.passed:
        raise typer.Exit(1)


def _activation(name: str, assignments: Sequence[str] | None) -> Activation:
    """Return a registered activation, or one parsed from an expression."""
    from .activations import activation, family_names
    from .parsing import parse_activation

    values = dict(_assignment(text) for text in assignments or ())
    if name in family_names():
        return activation(name, **values)
    if name.isidentifier() and name != "x":
        raise UnknownNameError.among("activation", name, family_names())
    return parse_activation(name, **values)


def _activation_in_one_word(text: str) -> Activation:
    """Read ``name`` or ``name:tau=1,m=2``."""
    name, _, values = text.partition(":")
    return _activation(name, values.split(",") if values else None)


def _assignment(text: str) -> tuple[str, Any]:
    from .parsing import parse_expression

    name, equals, number = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ExpressionError(f"{text!r} is not of the form PARAMETER=NUMBER, such as tau=1.")
    return name.strip(), parse_expression(number)


def _described(act: Activation) -> dict[str, Any]:
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


def _show_solution(numbers: dict[str, Any], variance_map: Any, as_json: bool) -> None:
    from .errors import DegenerateMapError
    from .solve import fixed_points

    points: FixedPoints | tuple[()] = ()
    note = None
    try:
        points = fixed_points(variance_map)
    except DegenerateMapError:
        note = "V(q) = q for every q: each variance is kept"
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
        _print_json(numbers | {"fixed_points": found} | ({"note": note} if note else {}))
        return
    for key, value in numbers.items():
        if key != "parameters":
            _print(f"{key:<12} {_cell(value)}")
    for p in points:
        _print(
            f"fixed point  q = {p.q:.10g} +- {p.error_bound:.1g}, {p.stability}, "
            f"V' = {p.slope:.6g}, chi_1 = {p.chi_1:.6g}"
        )
    if note:
        _print(f"fixed points {note}")


def _save(figure: Any, out: Path, as_json: bool) -> None:
    from .plots import save_figure

    path = save_figure(figure, out)
    if as_json:
        _print_json({"file": str(path)})
    else:
        _print(f"wrote {path}")


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error, with the time left; gone when done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))  # as Text, brackets are no markup
    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width: never cut a number
        console = Console(width=250)
    console.print(shown)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _joined(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:.5g}" for number in numbers)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _print_json(content: dict[str, Any]) -> None:
    _print(json.dumps(content, indent=2, allow_nan=False))
