"""Verify many families at once, on all cores."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed

from ..activations import family, family_names
from ..checks import integer_between
from ..sweeps.pools import available_processors, interrupts_held_back
from .check import MOST_DIGITS, verify
from .report import VerificationReport


def verify_catalogue(
    names: Sequence[str] | None = None,
    digits: int = 50,
    *,
    points: int = 8,
    seed: int = 0,
    balls: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[VerificationReport, ...]:
    """Verify families of the registry in parallel.

    Parameters
    ----------
    names : sequence of str, optional
        Names of families; all of the registry if left out.
    digits, points, seed, balls
        As in `verify`.
    workers : int, optional
        How many processes; one a core if left out.
    executor : concurrent.futures.Executor, optional
        Where to run in place of processes of our own.
    on_progress : callable, optional
        Called as ``on_progress(done, total)`` after each family.

    Returns
    -------
    tuple of VerificationReport
        In the order of `names`, the same whatever the executor.

    Raises
    ------
    UnknownNameError
        No such family.
    DomainError
        `digits`, `points` or `workers` is out of range.

    Notes
    -----
    Ctrl-C, and any other exception, ends the processes at once.

    Examples
    --------
    >>> [report.passed for report in verify_catalogue(["relu", "sin"], digits=20, points=1)]
    [True, True]
    """
    chosen = list(family_names() if names is None else names)
    integer_between("digits", digits, 5, MOST_DIGITS)
    integer_between("points", points, 1, 10**6)
    processes = integer_between("workers", available_processors() if workers is None else workers, 1, 1024)
    for name in chosen:
        family(name)
    settings = (digits, points, seed, balls)
    if executor is not None:
        return _collected(_submitted(executor, chosen, settings), on_progress)
    if not chosen:
        return ()
    # A fresh interpreter for each worker: a fork would copy the locks of threads that the caller may run.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(min(processes, len(chosen)), mp_context=context) as pool:
        try:
            with interrupts_held_back():  # it is left to this one to stop them
                futures = _submitted(pool, chosen, settings)
            return _collected(futures, on_progress)
        except BaseException:  # Ctrl-C among them: nobody wants the rest any more
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


def _submitted(
    executor: Executor, names: Sequence[str], settings: tuple[int, int, int, bool]
) -> list[Future[VerificationReport]]:
    return [executor.submit(_verify_by_name, name, *settings) for name in names]


def _collected(
    futures: Sequence[Future[VerificationReport]], on_progress: Callable[[int, int], None] | None
) -> tuple[VerificationReport, ...]:
    for done, future in enumerate(as_completed(futures), start=1):
        future.result()  # an error ends the run now, not after the last family
        if on_progress is not None:
            on_progress(done, len(futures))
    return tuple(future.result() for future in futures)


def _verify_by_name(name: str, digits: int, points: int, seed: int, balls: bool) -> VerificationReport:
    return verify(family(name), digits, points=points, seed=seed, balls=balls)
