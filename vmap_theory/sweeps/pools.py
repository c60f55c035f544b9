"""Where the tasks of a sweep run: in this process, in the sweep's own process pool, or in the caller's executor."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from ..errors import DomainError, DtypeError, LostWorkerError
from .worker import Outcome, attempt, attempt_pickled, start_worker

_WINDOW = 4096  # tasks handed to a caller's executor at a time: more than any has workers, little beside a big sweep
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
        self._open()
        return True

    def close(self, *, at_once: bool) -> None:
        """Wait for the processes to end; `at_once`: end them."""
        if at_once:
            self._ours.close()  # the lifeline of the workers
        self._executor.shutdown(wait=True, cancel_futures=at_once)
        self._ours.close()
        self._theirs.close()


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
    """Ctrl-C waits; processes started meanwhile inherit that, so that it cannot reach them before `start_worker`."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def available_processors() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
