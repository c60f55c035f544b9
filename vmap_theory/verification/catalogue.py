"""Verify many families at once, on all cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed

from ..activations import family, family_names
from ..checks import integer_between
from .check import MOST_DIGITS, verify
from .report import VerificationReport


def verify_catalogue(
    names: Sequence[str] | None = None,
    digits: int = 50,
    *,
    points: int = 8,
    seed: int = 0,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[VerificationReport, ...]:
    """Verify families of the registry in parallel.

    Parameters
    ----------
    names : sequence of str, optional
        Names of families; all of the registry if left out.
    digits, points, seed
        As in `verify`.
    executor : concurrent.futures.Executor, optional
        Where to run; a pool of one process a core if left out.
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

    Examples
    --------
    >>> [report.passed for report in verify_catalogue(["relu", "sin"], digits=20, points=1)]
    [True, True]
    """
    chosen = list(family_names() if names is None else names)
    integer_between("digits", digits, 5, MOST_DIGITS)
    integer_between("points", points, 1, 10**6)
    for name in chosen:
        family(name)
    if executor is not None:
        return _run(executor, chosen, (digits, points, seed), on_progress)
    # A fresh interpreter for each worker: a fork would copy the locks of threads that the caller may run.
    context = multiprocessing.get_context("spawn")
    workers = max(1, min(os.cpu_count() or 1, len(chosen)))
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            return _run(pool, chosen, (digits, points, seed), on_progress)
        except BaseException:  # Ctrl-C among them: what has not begun is not to begin
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _run(
    executor: Executor,
    names: Sequence[str],
    settings: tuple[int, int, int],
    on_progress: Callable[[int, int], None] | None,
) -> tuple[VerificationReport, ...]:
    futures = [executor.submit(_verify_by_name, name, *settings) for name in names]
    for done, _ in enumerate(as_completed(futures), start=1):
        if on_progress is not None:
            on_progress(done, len(names))
    return tuple(future.result() for future in futures)


def _verify_by_name(name: str, digits: int, points: int, seed: int) -> VerificationReport:
    return verify(family(name), digits, points=points, seed=seed)
