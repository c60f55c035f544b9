"""What a run leaves behind: outcomes, and the JSON record with all that is needed to repeat or doubt them."""

import hashlib
import json
import math
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vmap_theory as vt

SCHEMA = "vmap-theory-validation-record/1"


@dataclass(frozen=True)
class Outcome:
    """The result of one claim.

    Attributes
    ----------
    parameters, predictions, observations : dict
        Plain JSON values.
    seeds : list of int
        The seeds of the nets.
    confirmed : bool
        What the claim's rule decided.
    rows : list of dict
        The table for people: a row maps titles to text; it is printed as a column, its first title on top.
    """

    parameters: dict[str, Any]
    seeds: list[int]
    predictions: dict[str, Any]
    observations: dict[str, Any]
    confirmed: bool
    rows: list[dict[str, str]]


def verdict(confirmed: bool) -> str:
    """Name a decision."""
    return "confirmed" if confirmed else "refuted"


def compose(outcomes: Mapping[str, Outcome], device: torch.device, seconds: float) -> dict[str, Any]:
    """Build the record of one run: every claim's outcome, and where, when and with what it was obtained.

    Parameters
    ----------
    outcomes : mapping
        Claim name to outcome.
    device : torch.device
        Where the nets were trained.
    seconds : float
        Wall time of the run.
    """
    return {
        "schema": SCHEMA,
        "verdict": verdict(all(outcome.confirmed for outcome in outcomes.values())),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_seconds": round(seconds, 2),
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "scikit-learn": version("scikit-learn"),
            "vmap_theory": vt.__version__,
        },
        "device": {
            "kind": device.type,
            "name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
            "threads": torch.get_num_threads(),
            "float32_matmul_precision": torch.get_float32_matmul_precision(),
        },
        "code_sha256": code_hash(),
        "claims": {
            name: {
                "verdict": verdict(outcome.confirmed),
                "parameters": outcome.parameters,
                "seeds": outcome.seeds,
                "predictions": outcome.predictions,
                "observations": outcome.observations,
            }
            for name, outcome in outcomes.items()
        },
    }


def code_hash() -> str:
    """SHA-256 of all Python files of `validation` and `vmap_theory`: names the code without needing git."""
    digest = hashlib.sha256()
    for root in (Path(__file__).parent, Path(vt.__file__).parent):
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{root.name}/{path.relative_to(root).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def dumps(record: Mapping[str, Any]) -> str:
    """Write the record as JSON text; NaN and infinity, which JSON lacks, are an error."""
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def save(record: Mapping[str, Any], path: Path) -> None:
    """Write the record to a file, whole or not at all: it is written beside `path` and then moved onto it."""
    text = dumps(record)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def json_number(value: float) -> float | None:
    """Turn NaN and infinity into None: a net that broke has no accuracy, an unclipped one no level."""
    return float(value) if math.isfinite(value) else None
