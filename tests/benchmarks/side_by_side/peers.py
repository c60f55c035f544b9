"""The peers, each in an environment of its own, spoken to through files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .one_thread import ONE_THREAD
from .references import QUANTITIES
from .workers.protocol import Request, write_request

WORKERS = Path(__file__).parent / "workers"


class PeerError(RuntimeError):
    """A peer could not be installed, or its worker failed."""


@dataclass(frozen=True)
class Peer:
    """A package to compare with: what to install, the worker, and the options of each of its runs."""

    name: str
    requirements: tuple[str, ...]
    script: Path
    runs: tuple[tuple[str, ...], ...] = ((),)


PEERS = (
    Peer(
        "neural-tangents",
        # The last version, and the versions of JAX and NumPy that it still runs with.
        ("neural-tangents==0.6.5", "jax==0.4.30", "jaxlib==0.4.30", "numpy==1.26.4", "scipy==1.12.0"),
        WORKERS / "run_neural_tangents.py",
        ((), ("--float64",)),
    ),
    Peer(
        "dks",
        # It imports absl, which its metadata do not ask for.
        ("dks==0.1.2", "absl-py==2.5.1", "autograd==1.9.1", "numpy==2.4.6", "scipy==1.17.1"),
        WORKERS / "run_dks.py",
    ),
)


def measured(request: Request, folder: Path, told: Callable[[str], None]) -> Iterator[tuple[Peer, dict[str, Any]]]:
    """Build each peer's environment below `folder`, run its worker, and return what it measured.

    `told` hears, in words, what goes on.
    """
    for peer in PEERS:
        told(f"{peer.name}: installing")
        python = environment(peer, folder)
        for number, options in enumerate(peer.runs, 1):
            told(f"{peer.name}: run {number} of {len(peer.runs)}")
            for method in ask(python, peer, options, request, folder)["methods"]:
                yield peer, method


def environment(peer: Peer, folder: Path) -> Path:
    """Make a virtual environment with the peer in it, or use the one that an earlier run finished."""
    home = folder / peer.name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = home / "installed.txt"
    wanted = "\n".join(peer.requirements)
    if finished.is_file() and finished.read_text(encoding="utf-8") == wanted:
        return python
    if home.exists() and not (home / "pyvenv.cfg").is_file():
        raise PeerError(f"{home} exists and is no virtual environment: name another folder with --peers")
    _run([sys.executable, "-m", "venv", "--clear", str(home)], f"cannot make an environment for {peer.name}")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements]
    _run(install, f"cannot install {peer.name}")
    finished.write_text(wanted, encoding="utf-8")
    return python


def ask(python: Path, peer: Peer, options: Sequence[str], request: Request, folder: Path) -> dict[str, Any]:
    """Run the worker once.

    Raises
    ------
    PeerError
        It failed, or what it wrote is not what was asked for.
    """
    asked, answered = folder / f"{peer.name}-points.npz", folder / f"{peer.name}-result.json"
    write_request(asked, request)
    answered.unlink(missing_ok=True)
    _run([str(python), str(peer.script), str(asked), str(answered), *options], f"the worker of {peer.name} failed")
    try:
        result = json.loads(answered.read_text(encoding="utf-8"))
        check(result, request)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PeerError(f"the worker of {peer.name} wrote no usable result: {error!r}") from error
    for method in result["methods"]:
        method["versions"] = result["versions"]
    return dict(result)


def check(result: Any, request: Request) -> None:
    """See that every method has a value for every point, and a time for every quantity."""
    for method in result["methods"]:
        if not isinstance(method["name"], str) or not isinstance(method["text"], str):
            raise TypeError("a method needs a name and a text")
        if list(method["values"]) != list(request.counts):
            raise ValueError(f"{method['name']}: families {list(method['values'])}, not {list(request.counts)}")
        for family, quantities in method["values"].items():
            for quantity, values in quantities.items():
                if quantity not in QUANTITIES:
                    raise ValueError(f"{method['name']}: {quantity!r} is no quantity")
                if len(values) != request.counts[family] or not all(isinstance(value, float) for value in values):
                    raise ValueError(f"{method['name']}: {quantity} of {family} is not {request.counts[family]} floats")
                if set(method["times"][quantity]) != {"one_point", "million", "timed_points"}:
                    raise ValueError(f"{method['name']}: no times for {quantity}")
    if not all(isinstance(version, str) for version in result["versions"].values()):
        raise TypeError("versions are texts")


def _run(command: list[str], problem: str) -> None:
    """Run a program, without this project on its path; its words come back only if it fails."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as scratch:  # stopped, pip would leave its files behind
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
        try:
            done = subprocess.run(command, env=clean | ONE_THREAD | places, capture_output=True, text=True)
        except OSError as error:
            raise PeerError(f"{problem}: {error}") from error
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise PeerError(f"{problem} (exit status {done.returncode}):\n{last}")
