"""Sweeps on a real Dask cluster of two worker processes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sweeps import tasks
from tests.sweeps.test_run import EXPECTED, SEEDS, bits
from vmap_theory.errors import DtypeError, LostWorkerError, VmapTheoryError
from vmap_theory.sweeps import run_sweep

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    settings = {"distributed.scheduler.allowed-failures": 0}  # a lost worker is ours to deal with, at once
    with (
        dask.config.set(settings),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_the_same_bits_as_without_a_cluster(client: Any, tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    told: list[int] = []
    for _ in range(2):
        found = run_sweep(
            tasks.many_kinds,
            SEEDS,
            executor=client.get_executor(),
            checkpoint=file,
            on_progress=lambda done, _: told.append(done),
        )
        assert bits(found)[1] == EXPECTED
    assert told == [*range(len(SEEDS) + 1), len(SEEDS)]


def test_work_is_done_by_the_cluster(client: Any) -> None:
    workers = set(client.run(os.getpid).values())
    assert len(workers) == 2
    assert set(run_sweep(tasks.process_id, range(20), executor=client.get_executor())) <= workers


def test_a_killed_worker(client: Any, tmp_path: Path) -> None:
    items = [(str(tmp_path / "marker"), number) for number in range(12)]
    assert run_sweep(tasks.die_once, items, executor=client.get_executor()) == [number**2 for number in range(12)]
    assert (tmp_path / "marker").exists()


def test_an_item_that_always_kills_its_worker_is_named(client: Any) -> None:
    with pytest.raises(LostWorkerError, match=r"had item 0, 3 were lost 2 times \(KilledWorker"):
        run_sweep(tasks.die_always, [3], executor=client.get_executor(), retries=1)


def test_cancelled_on_the_cluster(client: Any) -> None:
    import distributed

    def cancel(done: int, total: int) -> None:
        raise InterruptedError("enough")

    executor = client.get_executor()
    with pytest.raises(InterruptedError, match="enough"):
        run_sweep(tasks.slow_square, range(100), executor=executor, on_progress=after(3, cancel))
    assert wait_for_empty(client), "tasks that had not begun are still on the cluster"
    assert isinstance(client, distributed.Client)
    assert run_sweep(tasks.square, [3], executor=executor) == [9]


def after(count: int, call: Any) -> Any:
    return lambda done, total: call(done, total) if done >= count else None


def wait_for_empty(client: Any) -> bool:
    import time

    for _ in range(100):
        if not any(client.processing().values()):
            return True
        time.sleep(0.1)
    return False


def test_an_error_of_the_function(client: Any) -> None:
    with pytest.raises(ArithmeticError, match="five is right out") as caught:
        run_sweep(tasks.fail_at_five, range(8), executor=client.get_executor())
    assert "item 5, 5" in "\n".join(caught.value.__notes__)


def test_a_system_exit_of_the_function(client: Any) -> None:
    with pytest.raises(VmapTheoryError, match="the function raised SystemExit: 7") as caught:
        run_sweep(tasks.exit_at_two, range(4), executor=client.get_executor())
    assert "item 2, 2" in "\n".join(caught.value.__notes__)


def test_the_client_itself_is_no_executor(client: Any) -> None:
    with pytest.raises(DtypeError, match=r"give its get_executor\(\)"):
        run_sweep(tasks.square, [1], executor=client)
