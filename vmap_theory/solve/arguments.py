"""Arguments of solves over arrays: checked element by element, NaN let through, shapes broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..checks import broadcast as broadcast
from ..checks import real_array

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
