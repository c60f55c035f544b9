"""Arguments of the moment functions on NumPy: checked, and cut into chunks without copying what broadcasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, Parameter
from ..checks import positive_array, real_array
from ..errors import DomainError, SymbolicParameterError, UnknownNameError
from .computation import may_be_infinite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

CHUNK = 16384
"""Points at a time: arrays of this size stay in a core's caches, and the calls cost little beside the arithmetic."""


@dataclass(frozen=True)
class Arguments:
    """Variances and free parameters as float64 arrays that broadcast to `shape`."""

    q: Array
    values: Mapping[str, Array]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of points."""
        return int(np.prod(self.shape, dtype=np.int64))

    def chunks(self, chunk: int) -> Iterator[tuple[slice, Array, dict[str, Array]]]:
        """Slices of the flattened points, each with its variances and values."""
        q, values = self._flat(self.q), {name: self._flat(value) for name, value in self.values.items()}
        for begin in range(0, self.size, chunk):
            here = slice(begin, min(begin + chunk, self.size))
            yield here, _part(q, here), {name: _part(value, here) for name, value in values.items()}

    def _flat(self, array: Array) -> Any:
        """A view that slices as if flattened: one-dimensional where that needs no copy, else an iterator."""
        if array.size == 1:
            return np.broadcast_to(array.reshape(()), (self.size,))
        if array.shape == self.shape and array.flags.c_contiguous:
            return array.reshape(-1)
        return np.broadcast_to(array, self.shape).flat


def _part(flat: Any, here: slice) -> Array:
    part: Array = flat[here]
    return part


def checked_arguments(act: Activation, q: ArrayLike, given: Mapping[str, ArrayLike]) -> Arguments:
    """Check variances and parameters against their domains; NaN passes.

    Raises
    ------
    DomainError, DtypeError
        A value is outside its domain or no real number, or shapes do not broadcast.
    SymbolicParameterError, UnknownNameError
        A free parameter has no value, or a value no free parameter.
    """
    variance = positive_array("q", q, nan=True)
    values = {name: real_array(name, given[name], finite=False) for name in checked_names(act, given)}
    for parameter in act.free_parameters:
        check_extremes(act, parameter.name, values[parameter.name])
    try:
        shape = np.broadcast_shapes(variance.shape, *(value.shape for value in values.values()))
    except ValueError:
        shapes = ", ".join(f"{name}: {value.shape}" for name, value in {"q": variance, **values}.items())
        raise DomainError(f"the shapes do not broadcast ({shapes}): give shapes that agree.") from None
    return Arguments(variance, values, shape)


def checked_names(act: Activation, given: Mapping[str, Any]) -> list[str]:
    """The names of all free parameters, each of which has a value, and no other."""
    free = {parameter.name: parameter for parameter in act.free_parameters}
    for name in given:
        if name not in free:
            raise UnknownNameError.among(f"free parameter of {act.name}", name, free)
    missing = sorted(set(free) - set(given))
    if missing:
        raise SymbolicParameterError(
            f"no value for {', '.join(missing)} of {act.name}: give one, as in {missing[0]}=1.0."
        )
    return list(free)


def check_extremes(act: Activation, name: str, array: Array) -> None:
    """Check the least and the greatest value against the domain; infinity passes where a limit is declared."""
    if not array.size:
        return
    parameter, low, high = _with_ends(act, name)
    for extreme in (np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)):
        well_inside = low < extreme < high and not parameter.integer  # SymPy compares exactly, and slowly
        if not (well_inside or np.isnan(extreme) or (extreme == np.inf and name in may_be_infinite(act))):
            parameter.accept(float(extreme))


@lru_cache(maxsize=512)
def _with_ends(act: Activation, name: str) -> tuple[Parameter, float, float]:
    (parameter,) = (p for p in act.free_parameters if p.name == name)
    return parameter, float(parameter.domain.inf), float(parameter.domain.sup)
