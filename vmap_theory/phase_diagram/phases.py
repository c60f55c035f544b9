"""The phases of a net of infinite width, and which one a cell of a diagram is in."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ..fixed_point_search import FixedPointGrid, SearchStatus, Stability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CRITICAL_TOLERANCE = 1e-9
"""Of chi_1 - 1: nearer to 1 the depth scale is beyond a thousand million layers."""


class Phase(IntEnum):
    """Phase of one cell of a `PhaseDiagram`."""

    ORDERED = 0
    CRITICAL = 1
    CHAOTIC = 2
    SEVERAL_STABLE = 3
    REPELLING = 4
    DIVERGING = 5
    COLLAPSING = 6
    INFEASIBLE = 7
    UNRESOLVED = 8

    @property
    def word(self) -> str:
        """The name as it stands in files, such as ``several_stable``."""
        return self.name.lower()

    @property
    def meaning(self) -> str:
        """A line for people."""
        return _MEANINGS[self]


_MEANINGS = {
    Phase.ORDERED: "one stable fixed point, chi_1 < 1: gradients vanish, inputs become alike",
    Phase.CRITICAL: "one stable fixed point, chi_1 = 1: the edge of chaos",
    Phase.CHAOTIC: "one stable fixed point, chi_1 > 1: gradients explode",
    Phase.SEVERAL_STABLE: "two or more stable fixed points: noise can carry a net from one to another",
    Phase.REPELLING: "the fixed point attracts from one side at most: variances leave it",
    Phase.DIVERGING: "no fixed point, V(q) > q: variances grow without bound",
    Phase.COLLAPSING: "no fixed point, V(q) < q: variances decay to 0",
    Phase.INFEASIBLE: "no edge of chaos at q_star, or no threshold gives the sparsity",
    Phase.UNRESOLVED: "float64 cannot tell the fixed points",
}


def phases(found: FixedPointGrid, is_stable: NDArray[np.bool_], chi_1: Array) -> NDArray[np.uint8]:
    """Return the phases of cells.

    Parameters
    ----------
    found : FixedPointGrid
        All fixed points.
    is_stable, chi_1 : array
        Of the fixed point that the diagram is about.
    """
    none, several = found.count == 0, stable_count(found) > 1
    conditions: list[tuple[Any, Phase]] = [
        (found.status == SearchStatus.MISSING, Phase.INFEASIBLE),
        (found.status != SearchStatus.COMPLETE, Phase.UNRESOLVED),
        (none & found.diverges, Phase.DIVERGING),
        (none, Phase.COLLAPSING),
        (several, Phase.SEVERAL_STABLE),
        (~is_stable, Phase.REPELLING),
        (np.abs(chi_1 - 1) <= CRITICAL_TOLERANCE, Phase.CRITICAL),
        (chi_1 < 1, Phase.ORDERED),
    ]
    chosen = np.select([where for where, _ in conditions], [phase.value for _, phase in conditions], Phase.CHAOTIC)
    return chosen.astype(np.uint8)


def stable_count(found: FixedPointGrid) -> Any:
    """How many stable fixed points each cell has."""
    return (found.stability == Stability.STABLE).sum(axis=-1)
