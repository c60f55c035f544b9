"""A way to call the command line inside the test's own process."""

import json
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


@pytest.fixture
def load(call: Callable[..., Called]) -> Callable[..., dict[str, Any]]:
    """Call with ``--json`` and return the object; it fails if anything but one strict JSON object was printed."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    def run(*arguments: Any) -> dict[str, Any]:
        called = call(*arguments, "--json")
        assert called.status == 0, called.err
        result: dict[str, Any] = json.loads(called.out, parse_constant=refuse)
        return result

    return run
