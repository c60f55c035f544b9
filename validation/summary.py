"""Many nets in few words: medians and ranges of what was seen in training."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from validation.record import json_number
from validation.train import History


def observe(
    history: History, members: Sequence[int], seeds: Sequence[int], trained: Callable[[float, float], bool]
) -> dict[str, Any]:
    """Collect what was seen of one kind of net, as plain JSON.

    Parameters
    ----------
    history : History
        What was seen of all nets.
    members, seeds : sequence of int
        The rows of `history` that belong to this kind, and their seeds.
    trained : callable
        The claim's rule: whether a net of this final test accuracy and sparsity, or NaN, counts as trained.
    """
    nets = []
    for net, seed in zip(members, seeds, strict=True):
        accuracy, sparsity = float(history.accuracy[net, -1]), float(history.sparsity[net, -1])
        nets.append(
            {
                "seed": seed,
                "trains": trained(accuracy, sparsity),
                "accuracy": json_number(accuracy),
                "sparsity": json_number(sparsity),
                "not_finite_at_step": history.failed_at[net],
                "curve": history.curve(net),
            }
        )
    return {
        "accuracy": spread(history.accuracy[members, -1]),
        "sparsity": spread(history.sparsity[members, -1]),
        "trained": sum(net["trains"] is True for net in nets),
        "nets": nets,
    }


def spread(values: Iterable[float]) -> dict[str, float | int | None]:
    """Median, smallest and largest of the finite values, and how many are finite."""
    finite = [float(value) for value in values if math.isfinite(value)]
    if not finite:
        return {"median": None, "min": None, "max": None, "finite": 0}
    return {"median": float(np.median(finite)), "min": min(finite), "max": max(finite), "finite": len(finite)}


def in_words(numbers: dict[str, float | int | None]) -> str:
    """Word the median and range that `spread` found."""
    if not numbers["finite"]:
        return "no net finite"
    return f"{numbers['median']:.2f} ({numbers['min']:.2f}..{numbers['max']:.2f})"
