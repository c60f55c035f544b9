"""What runs in a worker: one item, its result as text or its error as a value, and an end when the parent ends."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from ..errors import VmapTheoryError
from .values import encode


@dataclass(frozen=True)
class Outcome:
    """A result as text, or the error that the function raised and where.

    Errors of the function are values here, so that an error of the future itself always means that the task was lost.
    """

    text: str = ""
    error: Exception | None = None
    trace: str = ""


def attempt(function: Callable[[Any], object], item: object, ticket: str = "") -> Outcome:
    """Call the function.

    `ticket` makes this call differ from every other: Dask takes equal calls for one, so that a task whose worker was
    lost would, tried again, be given the same failure again.
    """
    try:
        return Outcome(encode(function(item)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too, which would end the sweep in silence
        return Outcome(error=_portable(error), trace=traceback.format_exc())


def attempt_pickled(data: bytes) -> Outcome:
    """Call the function that was pickled with its item.

    What cannot be unpickled kills a worker of ProcessPoolExecutor, and looks like a lost machine; here it is an error.
    """
    try:
        function, item = pickle.loads(data)  # noqa: S301 (made by our own parent process)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may call sys.exit when it is imported
        return Outcome(error=_portable(error), trace=traceback.format_exc())
    return attempt(function, item)


def start_worker(lifeline: Connection) -> None:
    """Prepare a worker process: Ctrl-C is the parent's business, and when `lifeline` closes, the process ends.

    The other end of the pipe closes when the parent wants it, and when the parent is killed; without it, workers of a
    killed parent would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked by the parent until here
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)


def _portable(error: BaseException) -> Exception:
    """The error if it is an Exception and survives pickling, else its text: one that does not would break the pool."""
    if not isinstance(error, Exception):
        return VmapTheoryError(f"the function raised {type(error).__name__}: {error}. Let it raise an Exception.")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception:
        return VmapTheoryError(f"{type(error).__name__}: {error}")
    return error
