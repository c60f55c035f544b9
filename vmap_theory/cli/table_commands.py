"""Commands that compute many things at once: ``table``, ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DigitsOption, JsonOption
from .printing import cell, joined, print_json, print_line, print_table, progress, say


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
