"""Command line: ``python -m tests.benchmarks.side_by_side [--peers [FOLDER]] [--points N] [--record FILE]``.

Exit status: 0 done, 1 a peer failed, 2 unusable arguments, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

from tests.benchmarks.side_by_side.one_thread import ONE_THREAD

if __name__ == "__main__":
    os.environ.update(ONE_THREAD)  # before NumPy loads its BLAS

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.benchmarks.side_by_side import methods, peers, record
from tests.benchmarks.side_by_side.points import DEFAULT_COUNT, FAMILIES, Points, counts, make_points
from tests.benchmarks.side_by_side.references import QUANTITIES, Reference, references
from tests.benchmarks.side_by_side.table import HEADINGS, NOTE, cells, rows
from tests.benchmarks.side_by_side.workers.protocol import MILLION, Request
from vmap_theory.errors import FileOutputError
from vmap_theory.files import require_writable_folder

FEWEST, MOST = 20, 20_000
WIDTH = 150
"""Of the table where standard output is no terminal."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = _parser()
    wanted = parser.parse_args(argv)
    _check(parser, wanted)
    try:
        done = _measure(wanted)
        if wanted.record is not None:
            record.save(done, wanted.record)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Nothing was recorded.\n")
        return 130
    except (peers.PeerError, FileOutputError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    _show(done)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.side_by_side",
        description="Errors and times of several ways to compute Gaussian moments, on the same points, in one table.",
        epilog="Exit status: 0 done, 1 a peer failed, 2 unusable arguments, 130 stopped.",
    )
    parser.add_argument(
        "--peers",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="measure the peers too, in virtual environments made with pip in FOLDER, which is kept and used again "
        "(default: a temporary folder; some 3 GB); without this option their rows come from the committed record",
    )
    parser.add_argument("--points", type=int, default=DEFAULT_COUNT, metavar="N", help=f"default {DEFAULT_COUNT}")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the record, as JSON, to FILE")
    return parser


def _check(parser: argparse.ArgumentParser, wanted: argparse.Namespace) -> None:
    """Refuse, before any work, what could not be finished; `parser.error` exits with status 2."""
    if not FEWEST <= wanted.points <= MOST:
        parser.error(f"--points {wanted.points}: choose {FEWEST} to {MOST}")
    if wanted.record is not None:
        if wanted.record.is_dir():
            parser.error(f"--record {wanted.record}: it is a folder; name a file")
        _require_folder(parser, "--record", wanted.record.absolute().parent)
    if wanted.peers:
        _require_folder(parser, "--peers", Path(wanted.peers))


def _require_folder(parser: argparse.ArgumentParser, option: str, folder: Path) -> None:
    try:
        require_writable_folder(folder)
    except FileOutputError as error:
        parser.error(f"{option}: {error}")


def _measure(wanted: argparse.Namespace) -> dict[str, Any]:
    """Measure all that is asked for."""
    points, timing = make_points(wanted.points), make_points(MILLION)
    request = Request((points.q, points.tau, points.m), (timing.q, timing.tau, timing.m), counts(points))
    found_methods: list[dict[str, Any]] = []
    found_rows: list[dict[str, Any]] = []
    with _progress() as progress:
        task = progress.add_task("reference values", total=None)

        def told(what: str) -> None:
            progress.update(task, description=what)

        true: dict[str, Reference] = {
            family: references(family, points.first(count)) for family, count in request.counts.items()
        }
        for measurement in methods.measured(request, told):
            found_methods.append(record.described(measurement, None, record.own_versions()))
            found_rows += rows(measurement, true, points)
        if wanted.peers is None:
            recorded_methods, recorded_rows = _recorded_peers(points)
            found_methods += recorded_methods
            found_rows += recorded_rows
        else:
            with ExitStack() as stack:
                folder = wanted.peers or stack.enter_context(tempfile.TemporaryDirectory(prefix="side-by-side-"))
                for peer, measurement in peers.measured(request, Path(folder).resolve(), told):
                    found_methods.append(record.described(measurement, peer.name, measurement["versions"]))
                    found_rows += rows(measurement, true, points)
    return record.compose(points, _command(wanted), found_methods, found_rows)


def _recorded_peers(points: Points) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The peers' part of the committed record, or nothing; standard error says which."""
    try:
        found = record.peers_of(record.load(record.COMMITTED), points)
    except record.RecordError as error:
        sys.stderr.write(f"No peers in the table: {error}\n")
        return [], []
    dates = sorted({method["date"] for method in found[0]})
    sys.stderr.write(f"The peers' rows were recorded on {' and '.join(dates)}; --peers measures them again.\n")
    return found


def _command(wanted: argparse.Namespace) -> str:
    """The command without names of folders and files."""
    options = ["--peers"] * (wanted.peers is not None)
    return " ".join(["python -m tests.benchmarks.side_by_side", *options, f"--points {wanted.points}"])


def _progress() -> Progress:
    """Say on standard error what goes on, so that standard output stays clean."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _show(done: dict[str, Any]) -> None:
    """Print the table."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, markup=False)
    table = Table(*HEADINGS, title="Gaussian moments, side by side")
    for family, quantity in product(FAMILIES, QUANTITIES):
        table.add_section()
        table.add_row(f"{QUANTITIES[quantity]} of {family}", style="bold")
        for row in record.block(done, family, quantity):
            table.add_row(*cells(row))
    console.print(table)
    console.print(NOTE, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
