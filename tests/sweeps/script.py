"""A script that sweeps, for tests that interrupt or kill it: ``python -m tests.sweeps.script CHECKPOINT WORKERS``."""

import json
import sys

from tests.sweeps.tasks import slow_square
from vmap_theory.sweeps import run_sweep

ITEMS = 40


def main() -> None:
    checkpoint, workers = sys.argv[1:]
    results = run_sweep(slow_square, range(ITEMS), workers=int(workers), checkpoint=checkpoint)
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
