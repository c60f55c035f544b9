"""Command line of the validation runs: ``python -m validation --list | --smoke | --claim NAME``.

Exit code 0: every claim that ran is confirmed; 1: at least one is refuted; 2: nothing was run, because the
request or the machine does not allow it; 130: stopped by Ctrl-C.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from validation import claims

# Read when torch loads: waiting threads then give the core away. Spinning ones take 20 times as long on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

THREADS = 2  # more do not help matrices this small, and the record should not depend on the machine


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = _parser()
    wanted = parser.parse_args(argv)
    if wanted.list:
        for name in claims.names():
            sys.stdout.write(f"{name}\n    {claims.statement(name)}\n")
        return 0
    _check(parser, wanted)
    try:
        record = _run(wanted)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Nothing was recorded.\n")
        return 130
    return 0 if record["verdict"] == "confirmed" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m validation",
        description="Train nets and hold them against what the solver predicts.",
        epilog="Exit code: 0 confirmed, 1 refuted, 2 could not run, 130 stopped.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="name the claims")
    what.add_argument("--smoke", action="store_true", help="run the quick claims: within a minute on two cores")
    what.add_argument("--claim", metavar="NAME", help="run one claim")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to train (default: cpu)")
    parser.add_argument("--record", metavar="FILE", type=Path, help="write the record, as JSON, to this file")
    parser.add_argument("--json", action="store_true", help="print the record instead of the tables")
    return parser


def _check(parser: argparse.ArgumentParser, wanted: argparse.Namespace) -> None:
    """Refuse, before any training, what could not be finished; `parser.error` exits with code 2."""
    missing = [name for name in ("torch", "sklearn") if find_spec(name) is None]
    if missing:
        parser.error(f"training needs {' and '.join(missing)}: pip install 'vmap-theory[train]'")
    if wanted.claim is not None and wanted.claim not in claims.names():
        (nearest,) = get_close_matches(wanted.claim, claims.names(), n=1, cutoff=0.0)
        parser.error(f"no claim {wanted.claim!r}; the nearest is {nearest!r}, and --list names all")
    if wanted.record is not None:
        try:
            if wanted.record.is_dir():
                raise IsADirectoryError("it is a folder")
            with tempfile.TemporaryFile(dir=wanted.record.absolute().parent):
                pass
        except OSError as error:
            parser.error(
                f"--record {wanted.record}: cannot be written there ({error}); choose a file in a writable folder"
            )
    if wanted.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            parser.error("--device cuda: PyTorch finds no CUDA device here; use --device cpu")


def _run(wanted: argparse.Namespace) -> dict[str, Any]:
    """Run the claims one after the other, print tables or JSON, save the record if asked to."""
    import torch

    from validation.record import compose, dumps, save

    torch.set_num_threads(THREADS)
    device = torch.device(wanted.device)
    quick = [name for name in claims.names() if claims.load(name).SMOKE]
    chosen = quick if wanted.smoke else [wanted.claim]
    started = time.monotonic()
    outcomes = {}
    with _progress() as progress:
        for name in chosen:
            task = progress.add_task(name, total=None)

            def on_progress(done: int, total: int, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            outcomes[name] = claims.load(name).run(device, on_progress)
    record = compose(outcomes, device, time.monotonic() - started)
    if wanted.record is not None:
        save(record, wanted.record)
    if wanted.json:
        sys.stdout.write(dumps(record))
    else:
        for name, outcome in outcomes.items():
            _show(name, outcome.rows, record["claims"][name]["verdict"])
    return record


def _progress() -> Progress:
    """Make a progress bar with time left, on standard error so that standard output stays clean."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True))


def _show(name: str, rows: Sequence[dict[str, str]], verdict: str) -> None:
    """Print one claim's table: a column for each kind of net, prediction next to observation."""
    console = Console()
    titles = list(rows[0])
    table = Table(titles[0], *(row[titles[0]] for row in rows), title=claims.statement(name))
    for title in titles[1:]:
        table.add_row(title, *(row[title] for row in rows))
    console.print(table)
    console.print(f"{name}: {verdict}")


if __name__ == "__main__":
    sys.exit(main())
