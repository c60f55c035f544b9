"""A sweep in a process of its own is interrupted and killed: nothing is left running, and nothing finished is lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sweeps import tasks
from tests.sweeps.script import ITEMS
from vmap_theory.sweeps import run_sweep
from vmap_theory.sweeps.pools import interrupts_held_back

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds, for a machine that is busy

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@contextmanager
def sweep_process(
    checkpoint: Path, workers: int, task: str = "slow_square", prefix: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """The script in a process group of its own, as a terminal starts it."""
    with subprocess.Popen(
        [*prefix, sys.executable, "-m", "tests.sweeps.script", str(checkpoint), str(workers), task],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            for one in alive_in_group(process.pid):
                os.kill(one, signal.SIGKILL)


def alive_in_group(group: int) -> list[int]:
    """Processes of the group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:  # it ended meanwhile
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def finished(checkpoint: Path) -> int:
    return max(checkpoint.read_bytes().count(b"\n") - 1, 0) if checkpoint.exists() else 0


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt(tmp_path: Path, workers: int) -> None:
    file = tmp_path / "sweep.jsonl"
    with sweep_process(file, workers) as process:
        assert wait_until(lambda: finished(file) >= 5)
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C goes to the whole group
        _, errors = process.communicate(timeout=PATIENCE)
        assert wait_until(lambda: not alive_in_group(process.pid)), "workers live on"
    assert process.returncode in (-signal.SIGINT, 130)
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1, errors
    kept = finished(file)
    assert 5 <= kept < ITEMS
    resumed_as_if_nothing_had_happened(file, kept)


def test_interrupt_where_the_shell_ignores_it(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    with sweep_process(file, 2, prefix=("sh", "-c", 'trap "" INT; exec "$@"', "sh")) as process:
        assert wait_until(lambda: finished(file) >= 1)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode in (-signal.SIGINT, 130)


def test_interrupt_of_tasks_that_hold_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    with sweep_process(file, 2, "hold_the_lock") as process:
        assert wait_until(lambda: finished(file) >= 1)
        time.sleep(0.5)  # now both hold it
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert wait_until(lambda: not alive_in_group(process.pid)), "workers live on"
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1, errors
    assert finished(file) == 1


def test_interrupts_are_held_back_from_every_thread() -> None:
    done: list[str] = []
    with interrupted_by_hand(), pytest.raises(KeyboardInterrupt):
        work_while_another_thread_is_interrupted(done)
    assert done == ["what must not be interrupted"]


def work_while_another_thread_is_interrupted(done: list[str]) -> None:
    with interrupts_held_back():
        other = threading.Thread(target=interrupt_this_thread)  # it does not have the mask of the main thread
        other.start()
        other.join()
        time.sleep(0.1)
        done.append("what must not be interrupted")


@contextmanager
def interrupted_by_hand() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where pytest was told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupt_this_thread() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)


def test_an_error_beside_a_task_that_holds_the_lock(tmp_path: Path) -> None:
    with sweep_process(tmp_path / "sweep.jsonl", 2, "fail_beside_a_lock") as process:
        _, errors = process.communicate(timeout=PATIENCE)
        assert wait_until(lambda: not alive_in_group(process.pid)), "workers live on"
    assert process.returncode == 1
    assert "ArithmeticError: enough" in errors


@pytest.mark.parametrize("delay", [0.0, 0.2, 0.5])
def test_interrupt_while_processes_start(tmp_path: Path, delay: float) -> None:
    file = tmp_path / "sweep.jsonl"
    with sweep_process(file, 2) as process:
        assert wait_until(file.exists)  # the header is written before the pool is made
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert wait_until(lambda: not alive_in_group(process.pid)), "workers live on"
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1, errors


@pytest.mark.parametrize("workers", [1, 2])
def test_kill(tmp_path: Path, workers: int) -> None:
    file = tmp_path / "sweep.jsonl"
    with sweep_process(file, workers) as process:
        assert wait_until(lambda: finished(file) >= 5)
        os.kill(process.pid, signal.SIGKILL)  # the parent alone
        process.wait(PATIENCE)
        assert wait_until(lambda: not alive_in_group(process.pid)), "workers without a parent live on"
    kept = finished(file)
    assert 5 <= kept < ITEMS
    with sweep_process(file, workers) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert output == json.dumps(run_sweep(tasks.slow_square, range(ITEMS), workers=1))


def resumed_as_if_nothing_had_happened(file: Path, kept: int) -> None:
    told: list[int] = []
    results = run_sweep(
        tasks.slow_square, range(ITEMS), workers=1, checkpoint=file, on_progress=lambda done, _: told.append(done)
    )
    assert told[0] == kept
    assert json.dumps(results) == json.dumps([number * number + 0.1 for number in range(ITEMS)])


def test_a_script_without_the_guard_is_told_so_at_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import math, vmap_theory.sweeps as s\nprint('here')\ns.run_sweep(math.sqrt, [1.0, 2.0], workers=2)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert 'let it do so under if __name__ == "__main__"' in done.stderr.splitlines()[-1]
    assert done.stdout.count("here") <= 3, "each process imported the script once, and there were no retries"
