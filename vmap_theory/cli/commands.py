"""``vmap-theory``: one function a command, each one call of the public API and a way to show its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UnknownNameError
from .plot import plot_app
from .shared import (
    DigitsOption,
    JsonOption,
    NameArgument,
    QStarOption,
    WordsArgument,
    activation_from_words,
    cell,
    described,
    header,
    joined,
    print_json,
    print_line,
    print_table,
    progress,
    related,
    say,
    show_solution,
)

app = typer.Typer(
    name="vmap-theory",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Exact variance maps, edges of chaos and stable clipping levels for sparsely activated deep networks.",
)
app.add_typer(plot_app, name="plot")


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from .. import __version__

        print_line(__version__)
        raise typer.Exit


@app.command("list")
def list_families(as_json: JsonOption = False) -> None:
    """List the activations of the registry, and which of them have closed forms."""
    from ..activations import family, family_names
    from ..formulas import has_closed_form

    families = [family(name) for name in family_names()]
    exact = [has_closed_form(name) for name in family_names()]
    if as_json:
        print_json(
            {
                "activations": [
                    described(act) | related(act) | {"is_exact": known}
                    for act, known in zip(families, exact, strict=True)
                ]
            }
        )
        return
    rows = [
        (
            act.name,
            act.title,
            "yes" if known else "no",
            ", ".join(f"{p.name} in {p.domain_text}" for p in act.parameters) or "-",
        )
        for act, known in zip(families, exact, strict=True)
    ]
    print_table(("name", "what it is", "closed form", "parameters"), rows)


@app.command()
def derive(
    name: NameArgument,
    words: WordsArgument = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX, the body of an align*.")] = False,
    python: Annotated[bool, typer.Option("--python", help="Print a module of functions for NumPy and SciPy.")] = False,
    symbolic: Annotated[bool, typer.Option("--symbolic", help="Put in no customary values, such as slopes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Derive the moments, the sparsity, V, V', V'' and chi_1 in closed form, or as integrals where none is known."""
    from ..formulas import QUANTITIES
    from ..formulas import derive as derive_formulas

    if latex + python + as_json > 1:
        raise UnknownNameError("give one of --latex, --python and --json, not more.")
    formulas = derive_formulas(activation_from_words(name, words, symbolic=symbolic))
    if as_json:
        print_json(
            {
                "activation": described(formulas.activation),
                "formulas": {quantity: str(getattr(formulas, quantity)) for quantity in QUANTITIES},
                "latex": {quantity: formulas.latex(quantity) for quantity in QUANTITIES},
                "is_exact": formulas.is_exact,
                "sha256": formulas.digest,
            }
        )
    elif python:
        print_line(formulas.python().rstrip())
    else:
        if not latex:
            print_line(header(formulas))
        print_line(formulas.latex() if latex else formulas.text())
        if not formulas.is_exact:
            say("no closed form is known: integrals are left as they are; vmap_theory.gaussian_moments evaluates them")


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A name or an expression; not with --all.")
    ] = None,
    words: WordsArgument = None,
    every: Annotated[bool, typer.Option("--all", help="Verify every activation of the registry.")] = False,
    digits: DigitsOption = 50,
    points: Annotated[int, typer.Option("--points", help="How many random points.")] = 8,
    balls: Annotated[bool, typer.Option("--balls", help="Ask ball arithmetic too; needs python-flint.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", help="With --all: how many processes. [one a core]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the closed forms against independent high-precision integration; exit status 1 if one is wrong.

    Parameters without a value are drawn from their typical ranges.
    """
    from ..verification import verify as verify_activation
    from ..verification import verify_catalogue

    if (name is None) != every:
        raise UnknownNameError("give the NAME of an activation, or --all, and not both.")
    if workers is not None and not every:
        raise UnknownNameError("--workers goes with --all: one activation is verified in this process.")
    with progress(f"verifying to {digits} digits") as advance:
        if name is None:
            reports = verify_catalogue(digits=digits, points=points, balls=balls, workers=workers, on_progress=advance)
        else:
            act = activation_from_words(name, words, symbolic=True)
            reports = (verify_activation(act, digits, points=points, balls=balls, on_progress=advance),)
    if as_json:
        print_json(
            {
                "passed": all(report.passed for report in reports),
                "reports": [
                    {
                        "activation": report.activation,
                        "digits": report.digits,
                        "method": report.method,
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
            print_line(report.summary())
    if not all(report.passed for report in reports):
        raise typer.Exit(1)


@app.command()
def eoc(
    name: NameArgument,
    words: WordsArgument = None,
    sparsity: Annotated[
        float | None, typer.Option("--sparsity", help="Choose the threshold for this sparsity.")
    ] = None,
    q_star: QStarOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Give the edge of chaos at q*: weight and bias variance, slope, fixed points."""
    from ..solve import edge_of_chaos, threshold_for_sparsity
    from ..solve.threshold import threshold_parameter

    act = activation_from_words(name, words)
    if sparsity is not None:
        threshold, _ = threshold_parameter(act)
        act = act.bind(**{threshold: threshold_for_sparsity(act, sparsity, q_star)})
    result = edge_of_chaos(act, q_star)
    show_solution(
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


@app.command("fixed-points")
def fixed_points_command(
    name: NameArgument,
    words: WordsArgument = None,
    *,
    sigma_w2: Annotated[float, typer.Option("--sigma-w2", help="Variance of the weights times fan-in.")],
    sigma_b2: Annotated[float, typer.Option("--sigma-b2", help="Variance of the biases.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Give all fixed points of a variance map, with basins, and the proof that there are no others."""
    from ..variance_map import VarianceMap

    act = activation_from_words(name, words)
    numbers = {"activation": act.label, "sigma_w2": sigma_w2, "sigma_b2": sigma_b2}
    show_solution(numbers, VarianceMap(act, sigma_w2=sigma_w2, sigma_b2=sigma_b2), as_json)


@app.command()
def clip(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FAMILY", help="A clipped family (crelu, cst), or an expression in x with a threshold and a level."
        ),
    ],
    words: WordsArgument = None,
    *,
    sparsity: Annotated[float, typer.Option("--sparsity", help="Fraction of zero outputs at q*.")],
    target: Annotated[float, typer.Option("--target", help="The slope V'(q*) wanted.")] = 0.5,
    criterion: Annotated[str, typer.Option("--criterion", help="How the level is chosen: slope.")] = "slope",
    q_star: QStarOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Give the clipping level for a sparsity and a slope, with the edge of chaos that belongs to it."""
    from ..solve import clipping_level

    result = clipping_level(activation_from_words(name, words), sparsity, q_star, criterion=criterion, target=target)
    show_solution(
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
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write to this .json or .csv file, or as columns to .npz or .parquet."),
    ] = None,
    digits: DigitsOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Tabulate edges of chaos over families, sparsities, slopes and q*, with provenance."""
    from ..files import require_writable_folder
    from ..tables import eoc_grid, eoc_table, require_suffix

    grid = (family, sparsity, target or (0.5, 0.7, 0.9), q_star or (1.0,))
    if out is not None and out.suffix.lower() in (".npz", ".parquet"):
        require_writable_folder(out.parent)
        with progress("computing the table") as advance:
            columns = eoc_grid(*grid, digits=digits, on_progress=advance)
        say(f"wrote {columns.write(out)}")
        summary = {"rows": columns.row_count, "feasible": int(columns.feasible.sum())}
        if as_json:
            print_json(summary)
        else:
            print_line(f"{summary['rows']} rows, {summary['feasible']} of them with an edge of chaos")
        return
    if out is not None:
        require_suffix(out)
        require_writable_folder(out.parent)
    with progress("computing the table") as advance:
        result = eoc_table(*grid, digits=digits, on_progress=advance)
    if out is not None:
        say(f"wrote {result.write(out)}")
    if as_json:
        print_line(result.to_json().rstrip())
    elif out is None:
        shown = ("family", "sparsity", "q_star", "target", "tau", "m", "sigma_w2", "sigma_b2", "slope")
        rows = [tuple(cell(getattr(row, column)) for column in shown) for row in result.rows]
        print_table(
            (*shown, "fixed points"),
            [(*r, joined(t.fixed_points, t.stabilities)) for r, t in zip(rows, result.rows, strict=True)],
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
    from ..report import write_demo_report

    with progress("writing the report") as advance:
        result = write_demo_report(out, sparsity=sparsity, train=train, on_progress=advance)
    if as_json:
        print_json(result.as_dict())
    else:
        print_line(result.summary())
    if not result.passed:
        raise typer.Exit(1)
