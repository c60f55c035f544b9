"""Chains in PyTorch, on a GPU if there is one; loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from ..activations import Activation
from ..activations.evaluation import derivative
from ..activations.polynomials import is_polynomial
from ..activations.program import compiled
from ..activations.symbols import X
from ..errors import DomainError, DtypeError, MissingExtraError, UnknownNameError
from .blocks import ChainBlock, Net, layers
from .units import Ramps, ramps_of

try:
    import torch

    from ..kernels.torch_arrays import LIBRARIES
except ImportError:
    raise MissingExtraError.needing("library='torch'", "train") from None

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEVICES = ("cpu", "cuda")
"""The devices that chains run on."""

_BLOCK_UNITS = {"cpu": 1 << 15, "cuda": 1 << 24}
"""Normals of a layer at a time: what a core's cache holds; 128 MB, enough to keep a GPU busy."""


def torch_blocks(net: Net, chains: int, seed: int, device: str | None) -> Iterator[ChainBlock]:
    """Simulate chains block by block, in float64.

    Raises
    ------
    UnknownNameError
        `device` is not known.
    DomainError
        There is no such device.
    DtypeError
        phi is a Python function, which knows no tensors.
    """
    place = checked_device(device)
    if net.vm.activation.function is not None:
        raise DtypeError(
            f"{net.vm.activation.label} is a Python function, which PyTorch cannot be given: use library='numpy', or "
            "write it as text for parse_activation."
        )
    return _blocks(net, chains, seed, place)


def checked_device(device: str | None) -> str:
    """Return the device asked for, or the best there is."""
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device not in DEVICES:
        raise UnknownNameError.among("device", device, DEVICES)
    if device == "cuda" and not torch.cuda.is_available():
        raise DomainError("device = 'cuda' is not there: PyTorch sees no CUDA device. Use device='cpu'.")
    return device


def _blocks(net: Net, chains: int, seed: int, device: str) -> Iterator[ChainBlock]:
    size = max(1, min(chains, _BLOCK_UNITS[device] // net.width))
    units = TorchUnits(net.vm.activation)
    for number in range(-(-chains // size)):
        state = np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1, np.uint64)[0]
        generator = torch.Generator(device).manual_seed(int(state >> np.uint64(1)))
        normals = partial(_normals, torch.empty((size, net.width), dtype=torch.float64, device=device), generator)
        q_0 = torch.full((size,), net.q_0, dtype=torch.float64, device=device)
        with torch.no_grad():
            q, logs = layers(net, torch, units, normals, q_0)
            yield ChainBlock(_to_numpy(q), _to_numpy(logs) if logs else None)


def _normals(z: Any, generator: Any, _stream: int) -> Any:
    return z.normal_(generator=generator)


def _to_numpy(columns: list[Any]) -> NDArray[np.float64]:
    array: NDArray[np.float64] = torch.stack(columns, dim=1).cpu().numpy()
    return array


class TorchUnits:
    """phi and phi' on tensors: in ramp form if there is one, else piece by piece."""

    def __init__(self, act: Activation) -> None:
        self._ramps = ramps_of(act)
        self._ends = [(float(piece.lower), float(piece.upper)) for piece in act.pieces]
        self._values = [piece.expression for piece in act.pieces]
        self._slopes = [derivative(expression) for expression in self._values]

    def values(self, x: Any) -> Any:
        """phi(x)."""
        return self._by_pieces(self._values, x) if self._ramps is None else _ramp_values(self._ramps, x)

    def slopes(self, x: Any) -> Any:
        """phi'(x)."""
        if self._ramps is None:
            return self._by_pieces(self._slopes, x)
        steps = self._ramps.slope_steps
        first = torch.full_like(x, self._ramps.first_slope)
        return sum((change * (x > at).to(x.dtype) for at, change in steps), first)

    def log_mean_squared_slope(self, x: Any) -> Any:
        """Natural logarithm of the mean of phi'^2 over the last axis, also where the mean underflows; -inf for 0."""
        sizes = self.slopes(x).abs()
        largest = sizes.max(dim=-1).values
        scale = torch.where(largest > 0, largest, 1.0)
        return 2 * scale.log() + ((sizes / scale[:, None]) ** 2).mean(dim=-1).log()

    def _by_pieces(self, expressions: list[sp.Expr], x: Any) -> Any:
        result = None
        for (low, high), expression in zip(self._ends, expressions, strict=True):
            # A piece is asked for values on its own interval alone: exp(x) of a left piece overflows at the right.
            inside = x if np.isinf(low) and np.isinf(high) else torch.clamp(x, low, high)
            value = _evaluated(expression, inside)
            result = value if result is None else torch.where(x >= low, value, result)
        return result


def _evaluated(expression: sp.Expr, x: Any) -> Any:
    if is_polynomial(expression):
        first, *rest = [float(c) for c in sp.Poly(expression, X).all_coeffs()]
        return reduce(lambda total, c: total * x + c, rest, torch.full_like(x, first))
    return compiled(expression).run({X.name: x}, LIBRARIES[torch.float64].algebra)[0] + torch.zeros_like(x)


def _ramp_values(ramps: Ramps, x: Any) -> Any:
    total = torch.full_like(x, ramps.offset)
    for low, high, slope in ramps.ramps:
        total += slope * torch.clamp(x, low, high)
    return total
