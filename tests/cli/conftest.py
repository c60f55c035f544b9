"""A way to call the command line inside the test's own process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from vmap_theory.cli import main


@dataclass(frozen=True)
class Called:
    status: int
    out: str
    err: str


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Call ``main`` with arguments: unlike typer's runner it includes how errors become messages and statuses."""

    def run(*arguments: Any) -> Called:
        monkeypatch.setattr(sys, "argv", ["vmap-theory", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        seen = capsys.readouterr()
        return Called(status, seen.out, seen.err)

    return run
