"""Gauss-Legendre panels under the normal density, cut at break points, for integrands that no kernel knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from .units import Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_REACH = 12.0  # standard deviations; the mass beyond, 4e-33, counts against no power that float64 holds
_ORDER = 24
PANEL = 0.5
"""Standard deviations that a panel is wide at most."""


@dataclass(frozen=True, eq=False)
class UnitNodes:
    """phi and phi' at nodes z with normal weights: ``E[f] = sum weights f``, f smooth between the breaks."""

    z: Array
    weights: Array
    phi: Array
    slope: Array


def unit_nodes(act: Activation, q: float, panel: float = PANEL) -> UnitNodes:
    """Return the nodes for ``E[f(phi(sqrt(q) Z), phi'(sqrt(q) Z), Z)]``."""
    breaks = np.array([float(piece.lower) for piece in act.pieces[1:]]) / np.sqrt(q)
    edges = np.unique(np.concatenate([breaks[np.abs(breaks) < _REACH], np.arange(-_REACH, _REACH + panel / 2, panel)]))
    x, w = _legendre()
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    z = (middle + half * x).ravel()
    weights = (half * w).ravel() * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    units = Units(act)
    with np.errstate(all="ignore"):
        points = z * np.sqrt(q)
        return UnitNodes(z, weights, units.values(points), units.slopes(points))


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(_ORDER)
    return x, w
