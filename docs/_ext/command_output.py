"""``{command}``: what a command prints, run when the page is built."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import vmap_theory as vt

logger = logging.getLogger(__name__)
ROOT = Path(vt.__file__).parents[1]


class CommandDirective(SphinxDirective):
    """``{command} vmap-theory list``: the command and what it prints, run when the page is built."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"status": int}

    def run(self) -> list[nodes.Node]:
        """Run it in an empty folder; show standard output and standard error together."""
        line = " ".join(self.arguments[0].split())
        status, printed = run_command(line)
        if status != self.options.get("status", 0):
            logger.warning("%s ended with status %s:\n%s", line, status, printed, location=self.get_location())
        shown = printed.strip("\n").split("\n")
        text = "\n".join([f"$ {line}", *(row.rstrip() for row in shown)])
        return [nodes.literal_block(text, text, language="console")]


def run_command(line: str) -> tuple[int, str]:
    """Run ``vmap-theory ...`` or ``python -m ...`` of this checkout; return exit status and all output."""
    program, *rest = shlex.split(line)
    arguments = ["-m", "vmap_theory", *rest] if program == "vmap-theory" else rest
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    settings = {"PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "84", "NO_COLOR": "1", "TERM": "dumb"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603  (the lines stand in our own pages)
            [sys.executable, *arguments],
            cwd=folder,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    return done.returncode, done.stdout


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.add_directive("command", CommandDirective)
    return {"version": vt.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
