"""Results: what is kept to the last bit, and what is refused because it would not be."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweeps import tasks
from vmap_theory.errors import DtypeError
from vmap_theory.sweeps import run_sweep


def kind_name(value: object) -> str:
    return type(value).__name__  # integers that are too long to be read are too long to be shown


def nested(depth: int, kind: Any = list) -> Any:
    """`depth` containers in each other, around none."""
    value: Any = kind()
    for _ in range(depth):
        value = kind([value])
    return value


@pytest.mark.parametrize("value", [10**4300 - 1, -(10**4300) + 1, nested(100), nested(100, tuple)], ids=kind_name)
def test_the_largest_results(value: Any) -> None:
    assert run_sweep(lambda _: value, [0], workers=1) == [value]


@pytest.mark.parametrize("pattern", [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001, 0xFFFABCDEF0123456])
def test_a_nan_keeps_its_bits(pattern: int, tmp_path: Path) -> None:
    value = struct.unpack("<d", pattern.to_bytes(8, "little"))[0]
    for _ in range(2):  # the second time from the file
        (found,) = run_sweep(tasks.identity, [value], workers=1, checkpoint=tmp_path / "sweep.jsonl")
        assert struct.pack("<d", found) == struct.pack("<d", value) == pattern.to_bytes(8, "little")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, object()]}, r"result\['a'\]\[1\] is of type object"),
        ({1: 2}, "result is a dict whose keys are not all text"),
        (np.array(["x"]), "ndarray of dtype <U1"),
        (np.array([None]), "ndarray of dtype object"),
        (1j, "of type complex"),
        (Path("x"), "Path"),
        ([np.ma.array([1.0], mask=[True])], r"result\[0\] is of type MaskedArray of dtype float64"),
        (np.ones((1, 2)).view(np.matrix), "of type matrix"),
        (np.ones(1).view(np.recarray), "of type recarray"),
        ((1, 10**4300), r"result\[1\] is an integer of more than 4300 digits.*hex"),
        (-(10**5000), "result is an integer of more than 4300 digits"),
        (nested(101), r"result\[0\]\[0\].* is nested deeper than 100 containers"),
        (nested(100_000), "is nested deeper than 100 containers"),
    ],
    ids=kind_name,
)
def test_refused_results_say_where(value: object, where: str) -> None:
    with pytest.raises(DtypeError, match=where):
        run_sweep(lambda _: value, [0], workers=1)
