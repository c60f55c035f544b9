"""Where the tasks of a sweep run: in this process, in the sweep's own process pool, or in the caller's executor."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from types import FrameType
from typing import Any

from ..checks import integer_between
from ..errors import DomainError, DtypeError, LostWorkerError
from .worker import Outcome, attempt, attempt_pickled, start_worker

_WINDOW = 4096  # tasks handed to a caller's executor at a time: more than any has workers, little beside a big sweep
_GRACE = 1.0  # seconds that a process has to end before it is killed
_NO_START = (
    "the processes of the sweep end before they begin; what they wrote to standard error says why. If a script starts "
    'the sweep, let it do so under if __name__ == "__main__", for each process imports the script; or use workers=1.'
)
_LOST = ("KilledWorker", "FutureCancelledError", "FuturesCancelledError", "CommClosedError", "WorkerClosedError")


def was_lost(error: BaseException) -> bool:
    """Whether a future's error says that its worker was lost, so that the task may be tried again."""
    of_dask = type(error).__module__.split(".")[0] == "distributed" and type(error).__name__ in _LOST
    return of_dask or isinstance(error, (BrokenExecutor, CancelledError))


class Pool(ABC):
    """What a sweep needs of an executor."""

    window: int
    """Tasks that are handed over at a time."""

    @abstractmethod
    def submit(self, function: Callable[[Any], object], item: object) -> Future[Outcome]:
        """Start one task."""

    def renew(self) -> bool:
        """Replace a broken pool by a new one; False if that is not for the sweep to do."""
        return False

    def close(self, *, at_once: bool) -> None:  # noqa: B027 (most have nothing to close)
        """Give back what the pool holds; `at_once`: tasks that run are abandoned."""


class Inline(Pool):
    """No pool: tasks run in this process, one after the other."""

    window = 1

    def submit(self, function: Callable[[Any], object], item: object) -> Future[Outcome]:
        """Run the task; Ctrl-C comes through."""
        future: Future[Outcome] = Future()
        future.set_result(attempt(function, item))
        return future


class Processes(Pool):
    """A process pool of the sweep's own, made anew when a worker dies.

    Processes are spawned, on every system: forking a process that has threads (of BLAS, of PyTorch) can deadlock.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self.window = 2 * workers  # one waiting for each that runs: small, for what is in flight dies with a worker
        with interrupts_held_back():  # half a pool leaks semaphores
            self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._theirs, self._ours = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(self._workers, context, start_worker, (self._theirs,))
        self._has_started = False

    def submit(self, function: Callable[[Any], object], item: object) -> Future[Outcome]:
        """Start one task, once it is seen that processes start at all: if not, to try again would not help."""
        if not self._has_started:
            try:
                with interrupts_held_back():
                    probe = self._executor.submit(os.getpid)
                probe.result()
            except BrokenExecutor as error:
                raise LostWorkerError(_NO_START) from error
            self._has_started = True
        data = pickled(function, item)
        with interrupts_held_back():
            return self._executor.submit(attempt_pickled, data)

    def renew(self) -> bool:
        """Start new processes."""
        self.close(at_once=True)
        with interrupts_held_back():
            self._open()
        return True

    def close(self, *, at_once: bool) -> None:
        """Wait for the processes to end; `at_once`: end them."""
        if at_once:
            self._ours.close()  # the lifeline of the workers
            _end(list((self._executor._processes or {}).values()))
        try:
            self._executor.shutdown(wait=True, cancel_futures=at_once)
        finally:  # Ctrl-C may come while it waits
            self._ours.close()
            self._theirs.close()


def _end(processes: list[Any]) -> None:
    """End processes from outside: one whose task keeps Python's lock does not see its lifeline."""
    for process in processes:
        process.terminate()
    end, left = time.monotonic() + _GRACE, {process.sentinel: process for process in processes}
    while left and (remaining := end - time.monotonic()) > 0:
        for sentinel in wait(list(left), remaining):
            del left[sentinel]
    for process in left.values():
        process.kill()


class Given(Pool):
    """An executor of the caller's, which stays open."""

    window = _WINDOW

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, function: Callable[[Any], object], item: object) -> Future[Outcome]:
        """Start one task."""
        try:
            if isinstance(self._executor, ProcessPoolExecutor):
                return self._executor.submit(attempt_pickled, pickled(function, item))
            return self._executor.submit(attempt, function, item, uuid.uuid4().hex)
        except BrokenExecutor:
            raise
        except RuntimeError as error:
            raise DomainError(
                f"executor = {self._executor!r} takes no tasks: {error}. Give one that is open."
            ) from None


def number_of_processes(executor: Executor | None, workers: int | None) -> int:
    """Return how many processes the sweep may start, or raise if an argument is not as it should be."""
    given: object = executor
    if given is not None and not isinstance(given, Executor):
        remedy = "its get_executor()" if hasattr(given, "get_executor") else "a ThreadPoolExecutor, for instance"
        raise DtypeError(f"executor = {given!r} is no concurrent.futures.Executor: give {remedy}.")
    if workers is None:
        return available_processors()
    if executor is not None:
        raise DomainError(f"workers = {workers!r} is for the sweep's own pool: leave out workers or executor.")
    return integer_between("workers", workers, 1, 10_000)


def open_pool(executor: Executor | None, processes: int, missing: int) -> Pool:
    """Return where the `missing` items are worked on."""
    if executor is not None:
        return Given(executor)
    # A single item goes to another process too, if more than one is allowed: it could kill this one.
    return Inline() if processes == 1 else Processes(min(processes, missing))


def pickled(function: Callable[[Any], object], item: object) -> bytes:
    """Return both for another process.

    Raises
    ------
    DtypeError
        One cannot be pickled.
    """
    try:
        return pickle.dumps((function, item))
    except Exception as error:  # PicklingError, AttributeError or TypeError, as the object has it
        raise DtypeError(
            f"the function or an item cannot be sent to another process: {error}. Define the function at the top level "
            "of a module (no lambda; functools.partial fixes arguments), or use workers=1 or a ThreadPoolExecutor."
        ) from None


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits; processes started meanwhile inherit that, so that it cannot reach them before `start_worker`.

    The mask is what they inherit.  It does not hold Ctrl-C back here, for another thread (of BLAS, say) may receive it
    and Python then interrupts the main thread all the same: so the handler waits too.
    """
    came: list[FrameType | None] = []
    handler = signal.getsignal(signal.SIGINT)
    waits = callable(handler) and threading.current_thread() is threading.main_thread()
    if waits:
        signal.signal(signal.SIGINT, lambda _, frame: came.append(frame))
    has_mask = hasattr(signal, "pthread_sigmask")  # not on Windows
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if has_mask else set()
    try:
        yield
    finally:
        if has_mask:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if waits:
            signal.signal(signal.SIGINT, handler)
        if came and callable(handler):
            handler(signal.SIGINT, came[0])


def available_processors() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
