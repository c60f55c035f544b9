"""Single roots to the last digits, each inside an interval whose ends have certain signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import elementwise

from .map_array import MapArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.intp]

_TOLERANCE = 4.5e-16
_MOST_STEPS = 200
_WIDENINGS = 40


@dataclass(frozen=True)
class Roots:
    """Roots and what encloses them, arrays of one shape."""

    q: Array
    lower: Array
    upper: Array


def refined(maps: MapArray, which: Indices, low: Array, high: Array, sign_low: Array) -> Roots:
    """The one root between `low` and `high` of each of the maps `which`; the signs at the ends are certain."""

    def excess(ratio: Array, which: Array, start: Array) -> Array:
        jets = maps.jets(which.astype(np.intp), start * np.exp(ratio))
        return np.clip(jets.ratio, -1.0, 1.0)

    length = np.log(high / low)
    found = elementwise.find_root(
        excess,
        (np.zeros(low.size), length),
        args=(which.astype(np.float64), low),
        tolerances={"xatol": 1e-17, "xrtol": _TOLERANCE, "fatol": 0, "frtol": 0},
        maxiter=_MOST_STEPS,
    )
    # Where rounding makes an end look like a root, the end that is nearer to zero serves.
    q = np.clip(np.where(np.isfinite(found.x), low * np.exp(found.x), low), low, high)
    return Roots(q, _certain(maps, which, q, low, sign_low), _certain(maps, which, q, high, -sign_low))


def _certain(maps: MapArray, which: Indices, q: Array, end: Array, sign: Array) -> Array:
    """A point between q and the certain end, near q, at which the sign is certain too."""
    direction = np.where(end > q, 1.0, -1.0)
    steps = np.full(q.size, 4.5e-16)
    out = end.copy()
    todo = np.flatnonzero(np.abs(end - q) > 0)
    for _ in range(_WIDENINGS):
        point = q[todo] * (1 + direction[todo] * steps[todo])
        beyond = (end[todo] - point) * direction[todo] <= 0
        jets = maps.jets(which[todo], np.where(beyond, end[todo], point))
        certain = (jets.sign == sign[todo]) & ~beyond
        out[todo[certain]] = point[certain]
        todo = todo[~(certain | beyond)]
        if not todo.size:
            break
        steps[todo] *= 4
    return out
