"""The sparsity-inducing activations typed again in NumPy, from the literature and not from the catalogue."""

from collections.abc import Callable
from typing import Any

import numpy as np


def scad(x: Any, lambd: float, a: float) -> Any:
    size = np.abs(x)
    soft = np.maximum(size - lambd, 0)
    between = ((a - 1) * size - a * lambd) / (a - 2)
    return np.sign(x) * np.where(size <= 2 * lambd, soft, np.where(size <= a * lambd, between, size))


def half_threshold(x: Any, lambd: float) -> Any:
    size = np.abs(x)
    kept = size > 54 ** (1 / 3) / 4 * lambd ** (2 / 3)
    angle = np.arccos(lambd / 8 * (np.where(kept, size, 3 * lambd) / 3) ** -1.5)
    return np.where(kept, 2 / 3 * x * (1 + np.cos(2 * np.pi / 3 - 2 / 3 * angle)), 0.0)


def cel0(x: Any, lambd: float, a: float) -> Any:
    shrunk = np.maximum(np.abs(x) - np.sqrt(2 * lambd) * a, 0) / (1 - a**2)
    return np.sign(x) * np.minimum(np.abs(x), shrunk)


def firm(x: Any, tau: float, width: float) -> Any:
    size = np.abs(x)
    between = (tau + width) * np.maximum(size - tau, 0) / width
    return np.sign(x) * np.where(size > tau + width, size, between)


def garrote(x: Any, tau: float) -> Any:
    kept = np.abs(x) > tau
    return np.where(kept, x - tau**2 / np.where(kept, x, 1.0), 0.0)


def trapezoid(x: Any, tau: float, ramp: float, flat: float) -> Any:
    size = np.abs(x)
    return np.sign(x) * np.clip(np.minimum(size - tau, tau + 2 * ramp + flat - size), 0, ramp)


SPARSE_DEFINITIONS: dict[str, Callable[..., Any]] = {
    "asymmetric_dead_zone": lambda x, tau_minus, tau_plus: np.minimum(x + tau_minus, 0) + np.maximum(x - tau_plus, 0),
    "cel0": cel0,
    "firm": firm,
    "garrote": garrote,
    "half_threshold": half_threshold,
    "jumprelu": lambda x, theta: np.where(x > theta, x, 0.0),
    "scad": scad,
    "staircase": lambda x, step, levels: step * np.clip(np.floor(x / step + 0.5), -levels, levels),
    "trapezoid": trapezoid,
}
