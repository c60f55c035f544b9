"""Where the time of `gaussian_moments` goes, and 1e8 points through `stream_gaussian_moments`.

    python -m pytest tests/benchmarks/test_kernels.py -n 0 --benchmark-only -s

`test_side_by_side_speed` compares the whole with the textbook form; here are its parts, on the same points and in the
chunks in which the kernel works.  ``extra_info`` has ns and cycles a point.  Cycles are of the frequency that
/proc/cpuinfo tells, which is that of the time-stamp counter on most virtual machines, not of the core's clock.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

import vmap_theory as vt
from tests.benchmarks.side_by_side.points import make_points
from vmap_theory.kernels.arguments import CHUNK
from vmap_theory.kernels.computation import Computation
from vmap_theory.kernels.double_double import DoubleDouble, half_square
from vmap_theory.kernels.functionals import moment_functionals
from vmap_theory.kernels.intervals import interval_moments
from vmap_theory.kernels.libraries import NUMPY
from vmap_theory.kernels.result import MOMENT_NAMES
from vmap_theory.kernels.tails import tail_moments

CHUNKS = 16
ROUNDS = 7
HUNDRED_MILLION = 10**8
GIBIBYTE = 2**30


def gigahertz() -> float | None:
    """Of the first processor, or None where the system does not tell."""
    try:
        found = re.search(r"cpu MHz\s*:\s*([0-9.]+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        return None
    return float(found[1]) / 1000 if found else None


def parts() -> dict[str, Callable[[Any], Any]]:
    """Functions of a dictionary of one chunk's arrays: q, tau, m, and a = tau/s, b = (tau + m)/s, c = m/s."""
    crelu = vt.family("crelu")
    functionals = moment_functionals(crelu).moments
    computation = Computation(crelu, tuple(functionals[name] for name in MOMENT_NAMES))

    def double_double(at: dict[str, Any]) -> Any:
        """u = tau/s and u^2/2, as for every break point."""
        root = DoubleDouble(at["q"], 0.0, NUMPY).sqrt()
        return half_square(DoubleDouble(at["tau"], 0.0, NUMPY) / root)

    return {
        "all five moments of crelu": lambda at: computation.values(at["q"], (at["tau"], at["m"]), NUMPY),
        "the same, with bounds": lambda at: computation.values_and_bounds(at["q"], (at["tau"], at["m"]), NUMPY),
        "interval moments, N = 2": lambda at: interval_moments(at["a"], at["b"], at["c"], 2, NUMPY, relative=False),
        "tail moments, N = 2": lambda at: tail_moments(at["a"], 2, NUMPY),
        "tail moment, N = 0": lambda at: tail_moments(at["a"], 0, NUMPY),
        "double-double: root, quotient, half of a square": double_double,
        "numpy.exp, once": lambda at: np.exp(-at["a"]),
        "scipy.special.erfc, once": lambda at: special.erfc(at["a"]),
        "a product of two arrays": lambda at: at["a"] * at["b"],
    }


@pytest.fixture(scope="module")
def chunks() -> list[dict[str, Any]]:
    points = make_points(CHUNKS * CHUNK)
    s = np.sqrt(points.q)
    arrays = {"q": points.q, "tau": points.tau, "m": points.m}
    arrays |= {"a": points.tau / s, "b": (points.tau + points.m) / s, "c": points.m / s}
    return [{name: x[k * CHUNK : (k + 1) * CHUNK] for name, x in arrays.items()} for k in range(CHUNKS)]


@pytest.mark.benchmark(group="parts of gaussian_moments")
@pytest.mark.parametrize("part", parts())
def test_part(benchmark: Any, part: str, chunks: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    function = parts()[part]

    def run() -> None:
        for chunk in chunks:
            function(chunk)

    with np.errstate(all="ignore"):
        benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    if benchmark.stats is None:  # --benchmark-disable
        return
    nanoseconds = benchmark.stats.stats.min / (CHUNKS * CHUNK) * 1e9
    benchmark.extra_info["ns a point"] = nanoseconds
    clock = gigahertz()
    cycles = f", {nanoseconds * clock:.0f} cycles at {clock:.2f} GHz" if clock else ""
    if clock:
        benchmark.extra_info["cycles a point"] = nanoseconds * clock
    with capsys.disabled():
        print(f"\n{part}: {nanoseconds:.1f} ns{cycles} a point")


STREAM = """
import json, resource, sys, time
import numpy as np
import vmap_theory as vt
path, size = sys.argv[1], int(sys.argv[2])
out = np.memmap(path, dtype=np.float64, mode="w+", shape=(size,))
for begin in range(0, size, 2**20):
    end = min(begin + 2**20, size)
    out[begin:end] = 10 ** (-2 + 4 * np.arange(begin, end) / size)
out.flush()
del out
q = np.memmap(path, dtype=np.float64, mode="r", shape=(size,))
start, count, total, last = time.perf_counter(), 0, 0.0, 0.0
for here, chunk in vt.stream_gaussian_moments("crelu", q, tau=1.0, m=2.0):
    assert here.start == count
    count = here.stop
    total += float(chunk.second_moment.sum())
    assert chunk.second_moment[0] >= last
    last = float(chunk.second_moment[-1])
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"count": count, "mean": total / count, "seconds": seconds, "peak": peak}))
"""


@pytest.mark.benchmark(group="1e8 points from a file")
def test_a_hundred_million_points_in_two_gibibytes(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a process of its own, whose peak of resident memory, pages of the file included, the system tells."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", STREAM, str(tmp_path / "q.bin"), str(HUNDRED_MILLION)]

    def run() -> dict[str, float]:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800)
        result: dict[str, float] = json.loads(found.stdout)
        return result

    told = benchmark.pedantic(run, rounds=1)
    benchmark.extra_info |= {"seconds for the stream": told["seconds"], "peak resident bytes": told["peak"]}
    with capsys.disabled():
        print(
            f"\n{HUNDRED_MILLION:.0e} points: {told['seconds']:.1f} s, "
            f"{told['seconds'] / HUNDRED_MILLION * 1e9:.0f} ns a point, peak {told['peak'] / GIBIBYTE:.2f} GiB"
        )
    assert told["count"] == HUNDRED_MILLION
    assert told["peak"] < 2 * GIBIBYTE
    exact = vt.gaussian_moments(
        "crelu", 10 ** (-2 + 4 * np.arange(0, HUNDRED_MILLION, 10**4) / HUNDRED_MILLION), tau=1.0, m=2.0
    )
    assert told["mean"] == pytest.approx(exact.second_moment.mean(), rel=1e-3)
