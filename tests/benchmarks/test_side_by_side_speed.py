"""Speed of `gaussian_moments` beside the textbook form, both measured in the same run.

    python -m pytest tests/benchmarks/test_side_by_side_speed.py -n 0 --benchmark-only

No time is asserted.  The ratio to the textbook form is in ``extra_info`` (``--benchmark-json FILE``) and printed with
``-s``.  `tests.benchmarks.side_by_side` compares with everything else.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.side_by_side.methods import by_closed_form, by_package, peak_arrays, upper_erfc
from tests.benchmarks.side_by_side.points import make_points
from tests.benchmarks.side_by_side.references import QUANTITIES
from tests.benchmarks.side_by_side.workers.protocol import MILLION, Evaluate, Request

GROUP = "crelu at a million points"
ROUNDS = 5
TEXTBOOK = by_closed_form(upper_erfc)


@pytest.fixture(scope="module")
def request_for_million() -> Request:
    points = make_points(MILLION)
    columns = (points.q, points.tau, points.m)
    return Request(columns, columns, {"crelu": MILLION})


def call(evaluate: Evaluate, request: Request, family: str, quantities: list[str]) -> Callable[[], dict[str, Any]]:
    return lambda: evaluate(family, quantities, *request.timing)


def fastest(run: Callable[[], Any]) -> float:
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return min(spent)


@pytest.mark.benchmark(group=GROUP)
def test_textbook_erfc_second_moment_alone(benchmark: Any, request_for_million: Request) -> None:
    run = call(TEXTBOOK, request_for_million, "crelu", ["second_moment"])
    found = benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    assert found["second_moment"].shape == (MILLION,)


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize("bounds", [False, True], ids=["no bounds", "bounds"])
@pytest.mark.parametrize("family", ["crelu", "cst", "relu_tau"])
def test_gaussian_moments(
    benchmark: Any, request_for_million: Request, family: str, bounds: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five moments; the textbook form for E[phi^2] alone of the same family is timed before and after."""
    ours = by_package(bounds=bounds)
    textbook = call(TEXTBOOK, request_for_million, family, ["second_moment"])
    textbook()
    before = fastest(textbook)
    run = call(ours, request_for_million, family, list(QUANTITIES))
    found = benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    beside = min(before, fastest(textbook))
    assert all(np.all(np.isfinite(values)) for values in found.values())
    if benchmark.stats is None:  # --benchmark-disable
        return
    ratio = benchmark.stats.stats.min / beside
    benchmark.extra_info["textbook erfc, E[phi^2] alone, seconds"] = beside
    benchmark.extra_info["times the textbook erfc form"] = ratio
    with capsys.disabled():
        print(f"\n{family}, bounds={bounds}: {ratio:.2f} times the textbook erfc form for E[phi^2] alone")


@pytest.mark.benchmark(group="memory")
def test_peak_memory(benchmark: Any, request_for_million: Request) -> None:
    """Peak in arrays of the size of q, what is returned included; the time is of no interest."""
    peak = benchmark.pedantic(peak_arrays, args=(by_package(bounds=False), request_for_million), rounds=1)
    benchmark.extra_info["peak memory in arrays of the size of q"] = peak
    assert peak > 0
