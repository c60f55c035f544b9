"""How a method is run and timed, and how a peer's worker is spoken to; NumPy alone, so that it runs anywhere.

A worker is a script in its own environment: ``python worker.py POINTS RESULT [OPTION ...]``.  It reads POINTS (.npz: q,
tau, m; timing_q, timing_tau, timing_m; families and counts) and writes RESULT (.json): ``versions`` and ``methods``,
each as `measure` returns it.

Times are CPU seconds of all threads together, so that waiting for another program does not count and threads do not
help.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

BUDGET = 10.0
"""Seconds that one timing run may take; what would take longer at a million points is timed on fewer."""
MILLION = 1_000_000

Evaluate = Callable[[str, Sequence[str], np.ndarray, np.ndarray, np.ndarray], dict[str, np.ndarray]]
"""Family, quantities, q, tau, m to an array for each quantity."""


@dataclass(frozen=True)
class Request:
    """What a method is asked."""

    points: tuple[np.ndarray, np.ndarray, np.ndarray]
    timing: tuple[np.ndarray, np.ndarray, np.ndarray]
    counts: dict[str, int]
    budget: float = BUDGET


def measure(
    name: str, text: str, quantities: Sequence[str], evaluate: Evaluate, request: Request, together: bool = False
) -> dict[str, Any]:
    """Evaluate one method at the points of every family, and time it on the first family.

    Parameters
    ----------
    name, text : str
        What the method is called, and its configuration in a sentence.
    quantities : sequence of str
        What it can compute.
    evaluate : callable
        See `Evaluate`.
    request : Request
        The points.
    together : bool
        It computes all quantities at once, so one time stands for all.
    """
    values = {}
    for family, count in request.counts.items():
        found = evaluate(family, quantities, *(column[:count] for column in request.points))
        values[family] = {
            quantity: np.asarray(found[quantity], dtype=float).reshape(count).tolist() for quantity in quantities
        }
    first = next(iter(request.counts))
    times: dict[str, dict[str, float]] = {}
    for quantity in quantities:
        wanted = list(quantities) if together else [quantity]
        if together and times:
            times[quantity] = next(iter(times.values()))
        else:
            times[quantity] = timings(lambda q, tau, m, w=wanted: evaluate(first, w, q, tau, m), request)
    return {"name": name, "text": text, "together": together, "values": values, "times": times}


def timings(call: Callable[..., Any], request: Request) -> dict[str, float]:
    """CPU seconds of a call with one point, and of a million points: measured, or scaled from `timed_points`."""
    one = [column[-1:] for column in request.timing]  # the first ones are corners of the domain
    call(*one)
    alone = float(np.median(_repeat(lambda: call(*one), request.budget / 20)))
    count = int(np.clip(request.budget / 20 / alone, 1, 1000))
    while True:
        columns = [column[:count] for column in request.timing]
        call(*columns)  # compilation and page faults are not what is compared
        seconds = min(_repeat(lambda c=columns: call(*c), request.budget / 4, most=3))
        if count >= MILLION or 10 * seconds > request.budget:
            break
        count = min(10 * count, MILLION)
    return {"one_point": alone, "million": seconds * MILLION / count, "timed_points": count}


def _repeat(call: Callable[[], Any], budget: float, most: int = 1000) -> list[float]:
    spent: list[float] = []
    while len(spent) < most and (not spent or sum(spent) < budget):
        start = time.process_time()
        call()
        spent.append(max(time.process_time() - start, 1e-9))
    return spent


def write_request(path: Path, request: Request) -> None:
    """Write what a worker reads."""
    columns = dict(zip(("q", "tau", "m"), request.points, strict=True))
    timing = dict(zip(("timing_q", "timing_tau", "timing_m"), request.timing, strict=True))
    families, counts = list(request.counts), list(request.counts.values())
    np.savez(path, families=families, counts=counts, budget=request.budget, **columns, **timing)


def read_request(path: str) -> Request:
    """Read the points."""
    with np.load(path) as data:
        return Request(
            points=(data["q"], data["tau"], data["m"]),
            timing=(data["timing_q"], data["timing_tau"], data["timing_m"]),
            counts=dict(zip(data["families"].tolist(), data["counts"].tolist(), strict=True)),
            budget=float(data["budget"]),
        )


def write_result(path: str, packages: Sequence[str], methods: Sequence[dict[str, Any]]) -> None:
    """Write what was found."""
    result = {"versions": {name: version(name) for name in packages}, "methods": list(methods)}
    Path(path).write_text(json.dumps(result), encoding="utf-8")
