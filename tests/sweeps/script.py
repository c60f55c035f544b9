"""A script that sweeps, to be interrupted or killed: ``python -m tests.sweeps.script CHECKPOINT WORKERS TASK``."""

import json
import signal
import sys

from tests.sweeps import tasks
from vmap_theory.sweeps import run_sweep

ITEMS = 40


def main() -> None:
    # A shell lets jobs in the background ignore Ctrl-C, and so do the processes that these start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    checkpoint, workers, task = sys.argv[1:]
    results = run_sweep(getattr(tasks, task), range(ITEMS), workers=int(workers), checkpoint=checkpoint)
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
