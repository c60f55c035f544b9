"""The claims: every module of this folder is one, found by its file name, so that there is no list to keep.

A claim's docstring opens with the statement in one line. Its constants declare seeds and rules before the
run; ``SMOKE`` says whether it is quick enough for ``--smoke`` (all such claims together: a minute on two
cores); and ``run(device, on_progress)`` returns a `validation.record.Outcome`.
"""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import torch

    from validation.record import Outcome


class Claim(Protocol):
    """What a module of this folder offers."""

    SMOKE: bool

    def run(self, device: "torch.device", on_progress: Callable[[int, int], object]) -> "Outcome":
        """Train and judge; `on_progress` is told the steps done and the steps in all."""


def names() -> list[str]:
    """Names of all claims, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def statement(name: str) -> str:
    """Read the claim's one line without running its file: listing the claims needs no torch."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def load(name: str) -> Claim:
    """Import a claim."""
    return cast("Claim", import_module(f"{__name__}.{name}"))
