"""Fingerprints: different things differ, and the same thing is the same in every process."""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy

import vmap_theory as vt
from tests.sweeps import tasks
from vmap_theory.errors import DtypeError
from vmap_theory.sweeps import run_sweep
from vmap_theory.sweeps.fingerprint import fingerprint


@dataclass
class Point:
    x: float
    array: np.ndarray[Any, Any]

    def shifted(self, by: float) -> float:
        return self.x + by


class Broader(Point):
    def __init__(self, x: float, array: np.ndarray[Any, Any], more: int) -> None:
        super().__init__(x, array)
        self.more = more


class Shown:
    """Shows less than it holds, as tensors and tables do."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Shown(...)"


class Tagged(list[int]):
    pass


DIFFERENT: list[Any] = [
    1,
    1.0,
    True,
    "1",
    None,
    (1,),
    [1],
    {1},
    {"1": 1},
    0.1 + 0.2,
    0.3,
    np.float32(1),
    np.ones(1),
    np.ones((1, 1)),
    np.arange(2000.0),
    np.where(np.arange(2000) == 1000, -1.0, np.arange(2000.0)),
    np.array([1, "1"], dtype=object),
    Point(1.0, np.arange(2000)),
    Point(1.0, np.arange(2000) % 1999),
    partial(tasks.square),
    partial(pow, 2),
    partial(pow, 3),
    [].append,
    {"a": 1.0}.get,
    {"a": 2.0}.get,
    "-".join,
    "+".join,
    (1).__add__,
    (2).__add__,
    str.upper,
    str.lower,
    str.__add__,
    dict.fromkeys,
    Point(1.0, np.arange(2)).shifted,
    Point(2.0, np.arange(2)).shifted,
    Shown(1.0),
    Shown(2.0),
    Tagged([1]),
    Broader(1.0, np.arange(2), 3),
    Broader(1.0, np.arange(2), 4),
    Fraction(1, 3),
    sympy.Float(0.1),
    sympy.Float(0.1 + 2**-56),
    np.zeros(2, dtype=[("a", "<f8")]),
    np.zeros(2, dtype=[("b", "<f8")]),
    np.ones(1).view(np.recarray),
    np.ones((1, 1)).view(np.matrix),
    np.array(1.0, dtype=np.float32),
    {1.0},
    frozenset({1}),
    10**5000,
    np.sin,
    np.cos,
    tasks.square,
    Point,
    vt.activation("crelu", tau=1.0, m=1.0),
    vt.activation("crelu", tau=1.0, m=np.nextafter(1.0, 2.0)),
    vt.VarianceMap("relu", sigma_w2=2.0, sigma_b2=0.0),
    vt.VarianceMap("relu", sigma_w2=2.0, sigma_b2=5e-324),
]


def test_fingerprints_tell_things_apart() -> None:
    assert len({fingerprint(value) for value in DIFFERENT}) == len(DIFFERENT)


def test_fingerprints_are_the_same_in_another_process() -> None:
    here = [fingerprint(value) for value in DIFFERENT]
    assert run_sweep(fingerprint, DIFFERENT, workers=2) == here


def test_equal_parts_count_alike_whether_they_are_one_object_or_two() -> None:
    text = "".join(["a", "b"])
    assert fingerprint(Shown([text, text])) == fingerprint(Shown([text, "".join(["a", "b"])]))  # type: ignore[arg-type]


def different_or_refused(one: object, other: object) -> bool:
    try:
        return fingerprint(one) != fingerprint(other)
    except DtypeError as error:
        return "has no lasting form" in str(error)


def test_masked_arrays_and_tensors_are_told_apart_or_refused() -> None:
    torch = pytest.importorskip("torch")
    one, other = torch.zeros(5000), torch.zeros(5000)
    other[2500] = 1.0
    assert different_or_refused(one, other)
    assert different_or_refused(np.ma.array([1, 2], mask=[True, False]), np.ma.array([1, 2], mask=[False, True]))
