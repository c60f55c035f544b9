"""Sweeps: the same results on every executor, errors with names, workers that die."""

import math
import operator
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweeps import tasks
from vmap_theory.errors import DomainError, DtypeError, LostWorkerError, VmapTheoryError
from vmap_theory.sweeps import run_sweep


def bits(value: Any) -> Any:
    """A value in a form that compares types and bits."""
    if isinstance(value, dict):
        return {key: bits(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [bits(element) for element in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value), value.dtype, value.shape, value.tobytes()
    return type(value), value.hex() if isinstance(value, float) else value


SEEDS = list(range(12))
EXPECTED = [bits(tasks.many_kinds(seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        yield executor


def test_in_this_process() -> None:
    assert bits(run_sweep(tasks.many_kinds, SEEDS, workers=1))[1] == EXPECTED
    assert run_sweep(tasks.process_id, [0], workers=1) == [os.getpid()]


def test_a_pool_of_its_own() -> None:
    assert bits(run_sweep(tasks.many_kinds, SEEDS, workers=2))[1] == EXPECTED
    assert os.getpid() not in run_sweep(tasks.process_id, range(3), workers=2)


def test_executors_of_the_caller(processes: Executor) -> None:
    with ThreadPoolExecutor(3) as threads:
        for executor in (threads, processes):
            assert bits(run_sweep(tasks.many_kinds, SEEDS, executor=executor))[1] == EXPECTED
            assert executor.submit(math.sqrt, 4.0).result() == 2.0  # it stays open


def test_arrays_can_be_written_to() -> None:
    (result,) = run_sweep(tasks.many_kinds, [1], workers=1)
    result["array"][0, 0] = 7.0
    assert result["array"][0, 0] == 7.0


@pytest.mark.parametrize("workers", [1, 2])
def test_progress(workers: int) -> None:
    told: list[tuple[int, int]] = []
    run_sweep(tasks.square, range(4), workers=workers, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 4) for done in range(5)]


def test_nothing_to_do() -> None:
    assert run_sweep(tasks.square, []) == []


def test_more_tasks_than_are_handed_out_at_a_time() -> None:
    with ThreadPoolExecutor(2) as threads:
        assert run_sweep(tasks.square, range(10_000), executor=threads) == [i * i for i in range(10_000)]


def test_a_generator_is_read_once() -> None:
    assert run_sweep(tasks.square, (i for i in range(3)), workers=1) == [0, 1, 4]


def test_threads_take_lambdas_and_processes_say_that_they_do_not() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert run_sweep(lambda x: x + 1, [1, 2], executor=threads) == [2, 3]
    with pytest.raises(DtypeError, match="top level of a module"):
        run_sweep(lambda x: x + 1, [1, 2], workers=2)
    with pytest.raises(DtypeError, match="cannot be sent"):
        run_sweep(tasks.square, [1, operator.methodcaller, lambda: 1], workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_function_names_the_item(workers: int) -> None:
    with pytest.raises(ArithmeticError, match="five is right out") as caught:
        run_sweep(tasks.fail_at_five, range(8), workers=workers)
    notes = "\n".join(caught.value.__notes__)
    assert "item 5, 5" in notes
    if workers == 2:
        assert "in fail_at_five" in notes, "the traceback of the worker"


def test_errors_that_do_not_survive_pickling() -> None:
    with pytest.raises(VmapTheoryError, match="UnpicklableError: 0 and 0"):
        run_sweep(tasks.fail_unpicklably, [0, 0], workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_of_another_kind_are_refused(workers: int) -> None:
    with pytest.raises(DtypeError, match="result is of type set: a sweep keeps numbers") as caught:
        run_sweep(tasks.wrong_kind, range(4), workers=workers)
    assert "item 2, 2" in "\n".join(caught.value.__notes__)


def test_a_worker_killed_once_is_replaced(tmp_path: Path) -> None:
    items = [(str(tmp_path / "marker"), number) for number in range(12)]
    assert run_sweep(tasks.die_once, items, workers=2) == [number**2 for number in range(12)]
    assert (tmp_path / "marker").exists(), "no worker was killed, so nothing was tested"


def test_no_retries_are_no_retries(tmp_path: Path) -> None:
    items = [(str(tmp_path / "marker"), number) for number in range(12)]
    with pytest.raises(LostWorkerError, match="were lost 1 times"):
        run_sweep(tasks.die_once, items, workers=2, retries=0)


def test_an_item_that_always_kills_its_worker_ends_the_sweep(tmp_path: Path) -> None:
    with pytest.raises(LostWorkerError, match=r"were lost 2 times \(BrokenProcessPool") as caught:
        run_sweep(tasks.die_always, range(6), workers=2, retries=1)
    assert "3" in str(caught.value), "the item is named, or is among the suspects"


def test_one_item_is_not_worked_on_in_this_process() -> None:
    assert run_sweep(tasks.process_id, [0], workers=2) != [os.getpid()]
    with pytest.raises(LostWorkerError, match="had item 0, 3 were lost 1 times"):
        run_sweep(tasks.die_always, [3], workers=2, retries=0)


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("no repr")


def test_an_item_that_cannot_be_shown_is_named_by_its_type() -> None:
    for item, name in ((10**5000, "int"), (Unshowable(), "Unshowable")):
        with pytest.raises(VmapTheoryError, match="the function raised SystemExit: no") as caught:
            run_sweep(lambda _: sys.exit("no"), [item], workers=1)
        assert f"item 0, of type {name}" in "\n".join(caught.value.__notes__)


def test_a_system_exit_is_an_error_with_a_name(processes: Executor) -> None:
    def refused(**where: Any) -> None:
        with pytest.raises(VmapTheoryError, match="the function raised SystemExit: 7") as caught:
            run_sweep(tasks.exit_at_two, range(4), **where)
        assert "item 2, 2" in "\n".join(caught.value.__notes__)

    refused(workers=1)
    refused(workers=2)
    refused(executor=processes)
    with ThreadPoolExecutor(2) as threads:
        refused(executor=threads)


def test_a_broken_executor_of_the_caller_is_said_to_be_so(tmp_path: Path) -> None:
    items = [(str(tmp_path / "marker"), number) for number in range(12)]
    with (
        ProcessPoolExecutor(2, get_context("spawn")) as executor,
        pytest.raises(LostWorkerError, match="the executor given is broken"),
    ):
        run_sweep(tasks.die_once, items, executor=executor)


class Forgetful(Executor):
    """Cancels the first of every three tasks, as a cluster does that loses its workers."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        if self.calls % 3 == 1:
            future.cancel()
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_cancelled_tasks_are_tried_again() -> None:
    executor = Forgetful()
    assert run_sweep(tasks.square, range(4), executor=executor) == [0, 1, 4, 9]
    assert executor.calls > 4


def test_a_failing_progress_callback_ends_the_sweep() -> None:
    def fail(done: int, total: int) -> None:
        if done == 2:
            raise LookupError("the bar is gone")

    with pytest.raises(LookupError, match="the bar is gone"):
        run_sweep(tasks.slow_square, range(6), workers=2, on_progress=fail)


def test_bad_arguments() -> None:
    closed = ThreadPoolExecutor(1)
    with closed, pytest.raises(DomainError, match="leave out workers or executor"):
        run_sweep(tasks.square, [1], executor=closed, workers=2)
    with pytest.raises(DomainError, match="takes no tasks"):
        run_sweep(tasks.square, [1], executor=closed)
    with pytest.raises(DtypeError, match="cannot be called"):
        run_sweep(3, [1])  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="ThreadPoolExecutor, for instance"):
        run_sweep(tasks.square, [1], executor="dask")  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="items = 5 cannot be iterated over"):
        run_sweep(tasks.square, 5)  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="on_progress = True cannot be called"):
        run_sweep(tasks.square, [], on_progress=True)  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="checkpoint = 1 is no path"):
        run_sweep(tasks.square, [1], checkpoint=1)  # type: ignore[arg-type]
    for bad in ({"workers": 0}, {"retries": -1}):
        with pytest.raises(DomainError, match="it must be an integer from"):
            run_sweep(tasks.square, [1], **bad)  # type: ignore[arg-type]


def test_partial_functions() -> None:
    assert run_sweep(partial(pow, 2), [3, 4], workers=2) == [8, 16]
