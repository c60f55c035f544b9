"""`run_sweep`: the loop that hands out tasks, takes in results, and tries lost ones again."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ..checks import integer_between
from ..errors import DtypeError, LostWorkerError
from .checkpoint import Checkpoint
from .pools import Pool, number_of_processes, open_pool, was_lost
from .values import decode
from .worker import Outcome

T = TypeVar("T")

_TICK = 0.5  # seconds; on Windows a wait without end does not notice Ctrl-C
_SHOWN = 200  # characters of an item in a message
_MOST_NAMED = 10  # items


def run_sweep(
    function: Callable[[T], object],
    items: Iterable[T],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    retries: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Any]:
    """Return ``[function(item) for item in items]``, computed by many processes or machines.

    Parameters
    ----------
    function : callable of one argument
        Returns numbers, text, None, lists, tuples, dicts with text as keys, or NumPy arrays of numbers, also nested.
        It must give the same for the same item (random numbers from a seed in the item), or results depend on retries.
    items : iterable
        Read once, before work starts.
    executor : concurrent.futures.Executor, optional
        Where to work: a ThreadPoolExecutor, ``dask.distributed.Client(...).get_executor()``, anything of that kind.  It
        stays open.  By default a pool of processes is made, and ended when the sweep ends.
    workers : int, optional
        Processes of that pool; by default one for each processor.  With 1 the work is done in this process.
    checkpoint : str or path, optional
        A file that keeps every result as it comes, exactly; a second call with the same function and items takes what
        it holds and computes the rest.  One sweep at a time may use it.
    retries : int
        How often an item is tried again after the worker that had it was lost (killed, out of memory, disconnected),
        0 to 100.  An error that the function raises is not tried again.
    on_progress : callable, optional
        Called in this thread as ``on_progress(done, total)``: before the work and after each item.

    Returns
    -------
    list
        The results in the order of the items, bit for bit the same whatever the executor.

    Raises
    ------
    DtypeError
        A result is of another kind, the function or an item cannot be sent to another process or has no lasting form
        for a checkpoint, or an argument is of the wrong type.
    DomainError
        `workers` and `executor` are both given, or a number is outside its domain.
    TableFormatError, FileOutputError
        The checkpoint is of another sweep, corrupt, or cannot be written.
    VmapTheoryError
        The workers that had an item were lost more than `retries` times, the executor given is broken, or processes
        cannot be started.
    Exception
        What the function raised, with a note that names the item.  For SystemExit, which would end the caller too, a
        VmapTheoryError with its text.

    Notes
    -----
    After an error or Ctrl-C (KeyboardInterrupt) nothing new is begun, processes of the sweep's own pool are ended, what
    is finished stays in the checkpoint, and the exception goes on to the caller.  An executor of the caller's keeps its
    workers; threads among them finish what they run.

    A script that starts processes needs ``if __name__ == "__main__":`` around its main part.

    Examples
    --------
    >>> import math
    >>> run_sweep(math.sqrt, [4.0, 9.0], workers=1)
    [2.0, 3.0]
    """
    if not callable(function):
        raise DtypeError(f"function = {function!r} cannot be called: give a function of one item.")
    if on_progress is not None and not callable(on_progress):
        raise DtypeError(f"on_progress = {on_progress!r} cannot be called: give a function of (done, total).")
    tasks = _listed(items)
    again = integer_between("retries", retries, 0, 100)
    processes = number_of_processes(executor, workers)
    with ExitStack() as stack:
        store = None if checkpoint is None else stack.enter_context(Checkpoint(checkpoint, function, tasks))
        sweep = _Sweep(function, tasks, store, on_progress)
        if sweep.missing:
            pool = open_pool(executor, processes, len(sweep.missing))
            sweep.work(pool, again)
    return [sweep.results[index] for index in range(len(tasks))]


def _listed(items: Iterable[T]) -> list[T]:
    try:
        iterator = iter(items)
    except TypeError:
        raise DtypeError(f"items = {repr(items)[:_SHOWN]} cannot be iterated over: give a list of items.") from None
    return list(iterator)


class _Sweep:
    """Results so far, and the tasks that are out."""

    def __init__(
        self,
        function: Callable[[Any], object],
        tasks: Sequence[Any],
        store: Checkpoint | None,
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        self.function, self.tasks = function, tasks
        self.results: dict[int, Any] = {} if store is None else store.finished
        self.missing = [index for index in range(len(tasks)) if index not in self.results]
        self._store, self._on_progress = store, on_progress
        self._running: dict[Future[Outcome], int] = {}
        self._done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._tell()

    def work(self, pool: Pool, retries: int) -> None:
        """Compute what is missing; whatever happens, keep what is finished and close the pool."""
        try:
            self._work(pool, retries)
        except BaseException:
            try:
                self._keep_finished()
            finally:
                pool.close(at_once=True)
                for future in self._running:  # afterwards: a broken process pool stumbles over cancelled ones
                    future.cancel()
            raise
        pool.close(at_once=False)

    def _work(self, pool: Pool, retries: int) -> None:
        waiting, losses = deque(self.missing), Counter[int]()
        broken: BaseException | None = None
        while waiting or self._running:
            if broken is not None and not self._running:
                _renew(pool, broken, len(waiting))
                broken = None
            if broken is None:
                broken = self._hand_out(pool, waiting)
            if not self._running:
                continue
            future = self._next_done()
            index = self._running[future]
            loss = _error_of(future)
            if loss is None:
                self._take(index, future.result())
            else:
                self._count_loss(index, loss, losses, retries)
                waiting.appendleft(index)
                broken = loss if isinstance(loss, BrokenExecutor) else broken
            del self._running[future]

    def _hand_out(self, pool: Pool, waiting: deque[int]) -> BaseException | None:
        """Submit tasks until enough are out; return the pool's error if it turns out to be broken."""
        while waiting and len(self._running) < pool.window:
            try:
                self._submit(pool, waiting[0])
            except BrokenExecutor as error:
                return error
            waiting.popleft()
        return None

    def _submit(self, pool: Pool, index: int) -> None:
        try:
            future = pool.submit(self.function, self.tasks[index])
        except DtypeError as error:
            raise self._noted(error, index) from None
        self._running[future] = index
        future.add_done_callback(self._done.put)

    def _next_done(self) -> Future[Outcome]:
        while True:
            try:
                return self._done.get(timeout=_TICK)
            except Empty:
                continue

    def _take(self, index: int, outcome: Outcome) -> None:
        """Keep a result, or raise the error that the function raised."""
        if outcome.error is not None:
            if outcome.error.__traceback__ is None:  # it comes from another process
                outcome.error.add_note(f"In the worker:\n{outcome.trace}")
            raise self._noted(outcome.error, index)
        self.results[index] = decode(outcome.text)
        if self._store is not None:
            self._store.keep(index, outcome.text)
        self._tell()

    def _count_loss(self, index: int, error: BaseException, losses: Counter[int], retries: int) -> None:
        if not was_lost(error):
            raise self._noted(error, index)
        losses[index] += 1
        if losses[index] <= retries:
            return
        others = [other for other in losses if other != index and other not in self.results]
        raise LostWorkerError(
            f"the workers that had {self._named(index)} were lost {losses[index]} times "
            f"({type(error).__name__}: {error}); out at such times were also items {others[:_MOST_NAMED] or 'none'}. "
            "If memory ran out, use fewer workers."
        ) from error

    def _keep_finished(self) -> None:
        """Take what came in while an error was on its way."""
        for future, index in list(self._running.items()):
            if future.done() and index not in self.results and _error_of(future) is None:
                outcome = future.result()
                if outcome.error is None:
                    self._on_progress = None  # it may be what raised
                    self._take(index, outcome)

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(len(self.results), len(self.tasks))

    def _noted(self, error: BaseException, index: int) -> BaseException:
        error.add_note(f"This happened in a sweep, at {self._named(index)}.")
        return error

    def _named(self, index: int) -> str:
        item = self.tasks[index]
        try:
            return f"item {index}, {repr(item)[:_SHOWN]}"
        except Exception:  # an integer of more than 4300 digits has no repr
            return f"item {index}, of type {type(item).__name__}"


def _renew(pool: Pool, broken: BaseException, missing: int) -> None:
    if not pool.renew():
        raise LostWorkerError(
            f"the executor given is broken ({broken}), and {missing} results are missing: give a new one. What is "
            "finished is kept if there is a checkpoint."
        ) from broken


def _error_of(future: Future[Outcome]) -> BaseException | None:
    return CancelledError("cancelled by the executor") if future.cancelled() else future.exception()
