"""The command line as a process of its own, in a process group as a terminal makes one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds, for a machine that is busy


@contextmanager
def running(*arguments: Any) -> Iterator[subprocess.Popen[str]]:
    """Run ``vmap-theory`` with these arguments; what is left of its process group at the end is killed."""
    command = [sys.executable, "-m", "vmap_theory", *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipes) as process:
        try:
            yield process
        finally:
            if processes_of_group(process.pid):
                os.killpg(process.pid, signal.SIGKILL)


def processes_of_group(group: int) -> int:
    """How many processes of a process group are alive; those that ended and wait to be reaped are not."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    fields = [line.split() for line in listed.splitlines()]
    return sum(pgid == str(group) and not stat.startswith("Z") for pgid, stat in fields)


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
