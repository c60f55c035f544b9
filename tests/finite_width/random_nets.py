"""Real random nets with weight matrices, in plain NumPy: the judge of the Markov chain."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_AT_A_TIME = 250  # nets, so that their weights fit into memory

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class NetSample:
    """Statistics of real nets after each layer, shape (nets, depth + 1)."""

    q: np.ndarray
    log_mean: np.ndarray
    log_tangent: np.ndarray


def ramp(x: np.ndarray) -> np.ndarray:
    """relu, at the top of a module, so that other processes find it."""
    return np.maximum(x, 0.0)


def random_nets(
    phi: Function, slope: Function, sigmas: tuple[float, float], shape: tuple[int, int, int], q_0: float, seed: int
) -> NetSample:
    """Run an input and a tangent through `shape` = (nets, width, depth) random nets.

    ``log_tangent`` is log10 of |W D d|^2 in the mean over the weights that come next, the same for every unit.
    """
    nets, width, depth = shape
    rng = np.random.default_rng(seed)
    parts = [
        _some_nets(phi, slope, sigmas, (min(_AT_A_TIME, nets - done), width, depth), q_0, rng)
        for done in range(0, nets, _AT_A_TIME)
    ]
    return NetSample(*(np.concatenate([part[k] for part in parts]) for k in range(3)))


def _some_nets(
    phi: Function,
    slope: Function,
    sigmas: tuple[float, float],
    shape: tuple[int, int, int],
    q_0: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nets, width, depth = shape
    sigma_w2, sigma_b2 = sigmas
    h = np.sqrt(q_0) * rng.standard_normal((nets, width))
    d = rng.standard_normal((nets, width))
    q, mean, tangent = (np.zeros((nets, depth + 1)) for _ in range(3))
    q[:, 0] = q_0
    with np.errstate(divide="ignore"):
        for layer in range(depth):
            active, moved = phi(h), slope(h) * d
            q[:, layer + 1] = sigma_b2 + sigma_w2 * (active**2).mean(axis=1)
            mean[:, layer + 1] = mean[:, layer] + np.log10(sigma_w2 * (slope(h) ** 2).mean(axis=1))
            tangent[:, layer + 1] = np.log10(sigma_w2 * (moved**2).mean(axis=1))
            weights = rng.standard_normal((nets, width, width)) * np.sqrt(sigma_w2 / width)
            h = (weights @ active[..., None])[..., 0] + np.sqrt(sigma_b2) * rng.standard_normal((nets, width))
            d = (weights @ moved[..., None])[..., 0]
    return q, mean, tangent
