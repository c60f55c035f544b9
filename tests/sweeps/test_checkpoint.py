"""Checkpoints: what is finished is not computed again, and a file of another sweep is refused."""

import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest

import vmap_theory as vt
from tests.sweeps import tasks
from tests.sweeps.test_run import EXPECTED, SEEDS, bits
from vmap_theory.errors import DtypeError, FileOutputError, TableFormatError
from vmap_theory.sweeps import run_sweep


def calls(folder: Path, numbers: range) -> list[tuple[str, int]]:
    return [(str(folder / "calls"), number) for number in numbers]


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    items, file = calls(tmp_path, range(5)), tmp_path / "sweep.jsonl"
    first = run_sweep(tasks.count_and_square, items, workers=1, checkpoint=file)
    told: list[int] = []
    again = run_sweep(
        tasks.count_and_square, items, workers=1, checkpoint=file, on_progress=lambda done, _: told.append(done)
    )
    assert first == again == [0, 1, 4, 9, 16]
    assert (tmp_path / "calls").read_text().split() == list("01234")
    assert told == [5]


def test_every_kind_of_result_comes_back_to_the_bit(tmp_path: Path) -> None:
    for _ in range(2):
        found = run_sweep(tasks.many_kinds, SEEDS, workers=1, checkpoint=tmp_path / "sweep.jsonl")
        assert bits(found)[1] == EXPECTED


@pytest.mark.parametrize("seed", range(8))
def test_a_file_cut_off_anywhere_is_resumed(tmp_path: Path, seed: int) -> None:
    items, file = calls(tmp_path, range(6)), tmp_path / "sweep.jsonl"
    run_sweep(tasks.count_and_square, items, workers=1, checkpoint=file)
    whole = file.read_bytes()
    header = whole.index(b"\n") + 1
    cut = random.Random(seed).randrange(header, len(whole))  # noqa: S311
    file.write_bytes(whole[:cut])
    left = whole[header:cut].count(b"\n")
    (tmp_path / "calls").unlink()
    assert run_sweep(tasks.count_and_square, items, workers=1, checkpoint=file) == [i * i for i in range(6)]
    assert len((tmp_path / "calls").read_text().split()) == 6 - left
    assert file.read_bytes() == whole


def test_what_was_finished_before_an_error_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    with pytest.raises(ArithmeticError):
        run_sweep(tasks.fail_at_five, range(8), workers=1, checkpoint=file)
    assert [json.loads(line)["item"] for line in file.read_text().splitlines()[1:]] == [0, 1, 2, 3, 4]


def test_workers_do_not_change_the_checkpoint(tmp_path: Path) -> None:
    for workers in (1, 2):
        run_sweep(tasks.square, range(6), workers=workers, checkpoint=tmp_path / f"{workers}")
    one, two = ((tmp_path / name).read_text().splitlines() for name in "12")
    assert one[0] == two[0]
    assert sorted(one) == sorted(two)


@pytest.mark.parametrize(
    ("function", "items", "differs"),
    [
        (tasks.slow_square, range(4), "function"),
        (tasks.square, range(5), "number of items"),
        (tasks.square, [0, 1, 2, 4], "list of items"),
        (tasks.square, [0, 1, 2, 3.0], "list of items"),
    ],
)
def test_a_checkpoint_of_another_sweep_is_refused(tmp_path: Path, function: Any, items: Any, differs: str) -> None:
    file = tmp_path / "sweep.jsonl"
    run_sweep(tasks.square, range(4), workers=1, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(TableFormatError, match=f"a sweep with another {differs}.*Choose another path"):
        run_sweep(function, items, workers=1, checkpoint=file)
    assert file.read_bytes() == before


def test_another_version_of_the_package_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    run_sweep(tasks.square, range(4), workers=1, checkpoint=file)
    file.write_text(file.read_text().replace(f'"version": "{vt.__version__}"', '"version": "0.0.1"'))
    with pytest.raises(TableFormatError, match=f"another version of vmap-theory .'0.0.1', not '{vt.__version__}'"):
        run_sweep(tasks.square, range(4), workers=1, checkpoint=file)


@pytest.mark.parametrize("line", ["not json", "[1]", '{"item": 9, "value": 1}', '{"item": 1}', '{"item": "1"}'])
def test_corrupt_lines_are_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "sweep.jsonl"
    run_sweep(tasks.square, range(4), workers=1, checkpoint=file)
    lines = file.read_text().splitlines()
    lines[2] = line
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(TableFormatError, match="corrupt at line 3"):
        run_sweep(tasks.square, range(4), workers=1, checkpoint=file)


def test_corrupt_values_and_other_files(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    run_sweep(tasks.square, range(2), workers=1, checkpoint=file)
    header = file.read_text().splitlines()[0]
    for value in (
        '{"$": "array"}',
        '{"$": "array", "dtype": "<f8", "data": "", "shape": null}',
        '{"$": "other", "dtype": "<f8", "data": ""}',
        '{"$": "float", "value": "x"}',
        '{"$": "float", "value": 1' + 400 * "0" + "}",
        '{"$": "float", "value": "nan", "bits": "00"}',
        '{"$": "number", "dtype": "{", "data": ""}',
        '{"$": "number", "dtype": "<U1", "data": "eAAAAA=="}',
    ):
        file.write_text(f'{header}\n{{"item": 0, "value": {value}}}\n')
        with pytest.raises(TableFormatError, match=r"sweep.jsonl is corrupt at line 2 \(a result is corrupt"):
            run_sweep(tasks.square, range(2), workers=1, checkpoint=file)


@pytest.mark.parametrize(
    "content",
    [
        b'{"some": "thing"}\n',
        b"q,V\n1,2\n",
        b"\xff\xfe\n",
        b"\x89PNG\r\n\x1a\n\x00",
        b'{"schema": "vmap-theo',
        b"[" * 100_000 + b"\n",
        b"\n\n",
    ],
)
def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "sweep.jsonl"
    file.write_bytes(content)
    with pytest.raises(TableFormatError, match=r"no checkpoint of a sweep, or its.*another path, or delete the file"):
        run_sweep(tasks.square, range(2), workers=1, checkpoint=file)
    assert file.read_bytes() == content


def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    file.touch()
    assert run_sweep(tasks.square, range(2), workers=1, checkpoint=file) == [0, 1]
    assert len(file.read_text().splitlines()) == 3


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileOutputError, match="Choose another path"):
        run_sweep(tasks.square, range(2), workers=1, checkpoint=tmp_path)


def impostor(number: float) -> float:
    return -number


impostor.__module__, impostor.__qualname__ = tasks.square.__module__, tasks.square.__qualname__
CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("function", "items", "reason"),
    [
        (lambda x: x, [1], "no lasting name"),
        (impostor, [1], "no lasting name"),
        (tasks.square, [threading.Lock()], "an object of type lock has no lasting form"),
        (tasks.square, [1, {"x": (i for i in range(3))}], "an object of type generator has no lasting form"),
        (tasks.square, CYCLE, "nested too deep for a checkpoint"),
    ],
)
def test_nameless_functions_and_items_are_refused(tmp_path: Path, function: Any, items: Any, reason: str) -> None:
    for _ in range(2):
        with pytest.raises(DtypeError, match=reason):
            run_sweep(function, items, workers=1, checkpoint=tmp_path / "sweep.jsonl")
    assert not (tmp_path / "sweep.jsonl").exists()
