"""Arguments of solves over arrays: checked element by element, NaN let through, shapes broadcast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..checks import real_array
from ..errors import DomainError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def checked_array(name: str, value: ArrayLike, check: Callable[[str, object], float]) -> Array:
    """Return `value` as a float64 array of which `check`, for an interval, accepts every element that is not NaN.

    Raises
    ------
    DomainError
        An element is outside the interval; the message names it by its index.
    DtypeError
        The data are complex, boolean, text or objects.
    """
    array = real_array(name, value, finite=False)
    if not np.isnan(array).all():
        for where in (np.nanargmin(array), np.nanargmax(array)):  # an interval that holds both holds all between
            index = np.unravel_index(where, array.shape)
            place = f"[{', '.join(str(int(i)) for i in index)}]" if index else ""
            check(f"{name}{place}", float(array[index]))
    return array


def broadcast(arrays: Mapping[str, Array]) -> tuple[tuple[int, ...], dict[str, Array]]:
    """Return the common shape and the arrays, broadcast and flat.

    Raises
    ------
    DomainError
        The shapes do not broadcast.
    """
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name}: {array.shape}" for name, array in arrays.items())
        raise DomainError(f"the shapes do not broadcast ({shapes}): give shapes that agree.") from None
    return shape, {name: np.broadcast_to(array, shape).ravel() for name, array in arrays.items()}
