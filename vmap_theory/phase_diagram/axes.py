"""Axes of phase diagrams: one-dimensional, ascending, inside their domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks import real_array, refuse_where
from ..errors import DomainError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def checked_axis(
    name: str, values: ArrayLike, domain: str, *, low: float = 0.0, high: float = np.inf, closed: bool = False
) -> Array:
    """Return the values of an axis as float64.

    Parameters
    ----------
    name, domain : str
        For messages: the argument, and what it must hold.
    values : array_like
        What was given.
    low, high : float
        Ends of the domain, open; `closed`: the lower end belongs to it.

    Raises
    ------
    DomainError, DtypeError
        The values are empty, of other than one dimension, outside the domain or not ascending.
    """
    axis = real_array(name, values)
    if axis.ndim != 1 or not axis.size:
        raise DomainError(
            f"{name} has the shape {axis.shape}: give the values of one axis, at least one, for instance "
            "numpy.linspace(...)."
        )
    below = axis < low if closed else axis <= low
    refuse_where(name, axis, below | (axis >= high), domain)
    falls = np.flatnonzero(np.diff(axis) <= 0)
    if falls.size:
        index = int(falls[0]) + 1
        raise DomainError(
            f"{name} = {axis[index]:g} at index {index} does not lie above the value before, {axis[index - 1]:g}: give "
            "strictly ascending values, for instance numpy.unique(...)."
        )
    return axis
