"""The command line, ``vmap-theory``.

Exit status: 0 success, 1 a check failed (verification, training), 2 unusable input, 130 stopped by Ctrl-C.
Results go to standard output, messages and progress bars to standard error.
"""

from __future__ import annotations

import sys

from ..errors import VmapTheoryError
from .commands import app as app


def main() -> None:
    """Run the command line; every error raised on purpose becomes one line and exit status 2."""
    try:
        app(prog_name="vmap-theory")
    except VmapTheoryError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, `head` for instance, has gone
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        sys.stderr.write(f"error: cannot write the result: {error}\n")
        sys.exit(2)
