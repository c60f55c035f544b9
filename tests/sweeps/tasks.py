"""Functions that sweeps call in tests; other processes import this file."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np


def many_kinds(seed: int) -> dict[str, Any]:
    """Every kind of result, with numbers that decimal text would spoil."""
    rng = np.random.default_rng(seed)
    return {
        "float": rng.normal() * 10.0 ** rng.integers(-300, 300),
        "special": [float("nan"), float("inf"), -0.0, None, True, 2**80, "Grüße"],
        "scalar": np.float32(rng.normal()),
        "array": rng.normal(size=(2, 3)),
        "others": (np.arange(seed), np.array([], dtype=bool), np.array(1 + 2j)),
        "$": {"nested": rng.integers(9, size=2)},
    }


def square(number: float) -> float:
    return number * number


def identity(value: object) -> object:
    return value


def slow_square(number: float) -> float:
    time.sleep(0.05)
    return number * number + 0.1


def count_and_square(item: tuple[str, int]) -> int:
    """Leave a trace of each call."""
    with Path(item[0]).open("a") as stream:
        stream.write(f"{item[1]}\n")
    return item[1] ** 2


def die_once(item: tuple[str, int]) -> int:
    """Kill this worker the first time that any task of number 3 runs."""
    marker = Path(item[0])
    if item[1] == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item[1] ** 2


def die_always(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail_at_five(number: int) -> int:
    if number == 5:
        raise ArithmeticError("five is right out")
    return number


class UnpicklableError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fail_unpicklably(number: int) -> int:
    raise UnpicklableError(number, number)


def wrong_kind(number: int) -> object:
    return {number} if number == 2 else number


def exit_at_two(number: int) -> int:
    if number == 2:
        raise SystemExit(7)
    return number


def hold_the_lock(number: int) -> int:
    """Never end after number 0, nor let another thread of the process run: the loop is in C."""
    if number % 2:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # then it has to be killed
    return sum(range(10**15)) if number else 0


def fail_beside_a_lock(number: int) -> int:
    if number == 0:
        time.sleep(1.0)
        raise ArithmeticError("enough")
    return hold_the_lock(number)


def process_id(_: object) -> int:
    return os.getpid()
