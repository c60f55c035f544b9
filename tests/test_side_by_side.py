"""The side-by-side benchmark compares what it says: references, errors, workers, and the committed record."""

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.benchmarks.side_by_side import __main__ as command
from tests.benchmarks.side_by_side import record
from tests.benchmarks.side_by_side.methods import METHODS, Functions, integrand, lambdified
from tests.benchmarks.side_by_side.peers import Peer, PeerError, ask
from tests.benchmarks.side_by_side.points import (
    DEFAULT_COUNT,
    FAMILIES,
    LEVELS,
    THRESHOLDS,
    VARIANCES,
    counts,
    make_points,
)
from tests.benchmarks.side_by_side.references import DIGITS, QUANTITIES, by_quadrature, reference, references
from tests.benchmarks.side_by_side.references import rows as point_rows
from tests.benchmarks.side_by_side.table import HEADINGS, cells, relative_errors, rows
from tests.benchmarks.side_by_side.workers import protocol
from tests.benchmarks.side_by_side.workers.protocol import Request, measure

FEW = make_points(24)
QUICK = 1e-4
"""Seconds for timing in tests, which do not look at times."""


def quick_request(count: int = 24) -> Request:
    points = FEW.first(count)
    columns = (points.q, points.tau, points.m)
    return Request(columns, columns, counts(points), QUICK)


def test_points_fill_the_domain_and_are_the_front_of_a_larger_set() -> None:
    points = make_points(2000)
    root = np.sqrt(points.q)
    for ratio, (low, high) in ((points.tau / root, THRESHOLDS), (points.m / root, LEVELS), (points.q, VARIANCES)):
        assert np.all((ratio >= low * (1 - 1e-12)) & (ratio <= high * (1 + 1e-12)))
    assert np.ptp(points.tau / root) == pytest.approx(36)
    assert points.first(24).sha256() == FEW.sha256()
    assert points.sha256() != FEW.sha256()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_reference_agrees_with_quadrature(family: str, quantity: str) -> None:
    for point in point_rows(FEW.first(5)):
        with mpmath.workdps(DIGITS):
            closed, integral = reference(family, quantity, *point), by_quadrature(family, quantity, *point)
            assert abs(closed - integral) < mpmath.mpf("1e-28") * closed, point


def test_reference_says_so_when_its_digits_are_not_enough() -> None:
    with pytest.raises(ArithmeticError, match="raise WORKING_DIGITS"):
        reference("crelu", "second_moment", 1.0, 1.0, 1e-60)


def test_planted_errors_are_found() -> None:
    """A method that is wrong by a known factor, by all, and not finite, at points of which the share is known."""
    true = {family: references(family, FEW.first(count)) for family, count in counts(FEW).items()}
    off = np.full(24, 1 + 1e-6)
    off[6:12], off[12:18], off[18:] = 1 - 0.01, 0.0, np.nan

    def planted(family: str, quantities: Any, q: Any, tau: Any, m: Any) -> dict[str, Any]:
        return {name: off[: len(q)] * np.array([float(x) for x in true[family][name]]) for name in quantities}

    found = rows(measure("planted", "wrong", ["second_moment"], planted, quick_request()), true, FEW)
    crelu, cst = found[0], found[1]
    assert (crelu["family"], crelu["points"], crelu["poor"]) == ("crelu", 24, 0.75)
    assert crelu["worst"] is None
    assert "not finite" in cells(crelu)
    assert crelu["median"] == pytest.approx(0.505)  # the middle of 24: between 0.01 and 1
    assert cst["points"] == 4
    assert cst["median"] == pytest.approx(1e-6, rel=1e-6)
    assert cst["poor"] == 0
    assert cells(cst)[HEADINGS.index("median")] == "1e-06"
    assert cells(cst)[-2:] == ["-", "-"]  # times are those of the first family
    assert crelu["timed_points"] <= 24
    assert cells(crelu)[HEADINGS.index("10^6 points")].startswith("~ ")


def test_errors_are_measured_beyond_float64() -> None:
    true = mpmath.mpf(1) / 3
    with mpmath.workdps(DIGITS):
        third = mpmath.mpf(1) / 3
        expected = float(abs(mpmath.mpf(1 / 3) - third) / third)
    assert relative_errors([1 / 3], [third])[0] == expected > 0
    assert relative_errors([float("inf")], [true])[0] == np.inf


@pytest.mark.parametrize("name", [name for name in METHODS if "Monte Carlo" not in name and "gaussian" not in name])
def test_every_method_computes_what_is_asked_where_it_is_easy(name: str) -> None:
    """At q = 2, tau = 0.3, m = 1.4, where the textbook forms have their digits.

    Gauss-Hermite knows where an interval of one standard deviation ends to within its node spacing, 0.22.
    """
    q, tau, m = np.array([2.0]), np.array([0.3]), np.array([1.4])
    for family in FAMILIES:
        found = METHODS[name].evaluate(family, list(QUANTITIES), q, tau, m)
        for quantity in QUANTITIES:
            true = float(reference(family, quantity, 2.0, 0.3, 1.4))
            rel = 0.22 if "Gauss-Hermite" in name else 1e-6
            assert found[quantity][0] == pytest.approx(true, rel=rel), (family, quantity)


def test_monte_carlo_integrands_have_the_right_mean() -> None:
    """By z-scores, from samples fewer than the benchmark takes."""
    z = np.random.default_rng(5).standard_normal(40_000)
    for family in FAMILIES:
        for quantity in QUANTITIES:
            values = integrand(family, quantity, np.sqrt(2.0), 0.3, 1.4, z, Functions(np.minimum, np.maximum))
            score = (np.mean(values) - float(reference(family, quantity, 2.0, 0.3, 1.4))) / (np.std(values) / 200)
            assert abs(score) < 5, (family, quantity)


def test_lambdified_forms_are_those_of_the_family() -> None:
    assert set(lambdified("relu_tau")) == set(QUANTITIES)


def worker(tmp_path: Path, body: str) -> Peer:
    """A worker that speaks the protocol as the real ones do: through the module beside them."""
    script = tmp_path / "worker.py"
    folder = Path(protocol.__file__).parent
    head = f"import sys\nsys.path.insert(0, {str(folder)!r})\nfrom protocol import *\n"
    script.write_text(head + textwrap.dedent(body), encoding="utf-8")
    return Peer("fake", (), script)


HALF = """
    def evaluate(family, quantities, q, tau, m):
        return {name: q * float(sys.argv[3]) for name in quantities}

    request = read_request(sys.argv[1])
    write_result(sys.argv[2], ["numpy"], [measure("half", "q / 2", ["second_moment"], evaluate, request)])
    assert not any(name.startswith(("vmap_theory", "sympy", "tests")) for name in sys.modules)
"""


def test_worker_gets_the_points_and_its_values_come_back(tmp_path: Path) -> None:
    asked = quick_request()
    result = ask(Path(sys.executable), worker(tmp_path, HALF), ["0.5"], asked, tmp_path)
    (method,) = result["methods"]
    assert method["versions"] == {"numpy": np.__version__}
    for family, count in asked.counts.items():
        assert method["values"][family]["second_moment"] == (asked.points[0][:count] / 2).tolist()  # every bit
    true = {family: references(family, FEW.first(count)) for family, count in asked.counts.items()}
    relu = next(row for row in rows(method, true, FEW) if row["family"] == "relu")
    assert relu["worst"] == 0  # of relu, q / 2 is the truth


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise SystemExit('no such kernel')", "no such kernel"),
        ("", "wrote no usable result: FileNotFoundError"),
        ("Path(sys.argv[2]).write_text('{')", "wrote no usable result: JSONDecodeError"),
        ("write_result(sys.argv[2], [], [{'name': 'x'}])", "wrote no usable result: KeyError"),
        (HALF.replace("evaluate, request)", "evaluate, request) | {'values': {}}"), "families"),
        (HALF.replace('["second_moment"]', '["third_moment"]'), "'third_moment' is no quantity"),
    ],
)
def test_worker_that_fails_is_named(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(PeerError, match="the worker of fake") as caught:
        ask(Path(sys.executable), worker(tmp_path, body), ["0.5"], quick_request(), tmp_path)
    assert message in str(caught.value)


def test_committed_record_is_of_these_points_and_complete() -> None:
    found = record.load(record.COMMITTED)
    points = make_points(DEFAULT_COUNT)
    assert found["points"]["sha256"] == points.sha256()
    names = [method["name"] for method in found["methods"]]
    assert names[: len(METHODS)] == list(METHODS)
    peers, peer_rows = record.peers_of(found, points)
    assert {method["peer"] for method in peers} == {"neural-tangents", "dks"}
    assert peer_rows
    for family, count in counts(points).items():
        for quantity in QUANTITIES:
            block = record.block(found, family, quantity)
            assert {row["method"] for row in block} >= set(METHODS)
            assert {row["points"] for row in block} == {count}


def test_record_of_other_points_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    found = record.load(record.COMMITTED)
    with pytest.raises(record.RecordError, match=r"other points \(1000 of them, these are 24\)"):
        record.peers_of(found, FEW)
    path = tmp_path / "r.json"
    for content in ("[]", "{}", "{", json.dumps(found | {"schema": "x"}), json.dumps(found | {"methods": []})):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(record.RecordError, match=r"r\.json"):
            record.load(path)
    with pytest.raises(record.RecordError, match="missing"):
        record.load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--points", "3"], "choose 20 to 20000"),
        (["--points", "many"], "invalid int value"),
        (["--record", "."], "it is a folder"),
        (["--peers", __file__], "--peers: cannot write to the folder"),
        (["--record", f"{__file__}/r.json"], "--record: cannot write to the folder"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_stopping_records_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "references", stop)
    assert command.main(["--points", "20", "--record", str(tmp_path / "r.json")]) == 130
    assert "Nothing was recorded" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
