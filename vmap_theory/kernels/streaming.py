"""`stream_gaussian_moments`: more points than memory should hold results for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..activations import Activation, as_activation
from ..checks import integer_between
from .arguments import checked_arguments
from .gaussian import gaussian_moments
from .result import GaussianMoments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_MOST = 2**40


def stream_gaussian_moments(
    act: Activation | str,
    q: ArrayLike,
    /,
    *,
    chunk_size: int = 2**18,
    bounds: bool = False,
    **parameters: ArrayLike,
) -> Iterator[tuple[slice, GaussianMoments]]:
    """Yield the Gaussian moments of `act` chunk by chunk, in constant memory.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.  Parameters may stay symbolic if they are given here.
    q : array_like
        Variances; arrays in memory or on disk (`numpy.memmap`), which are read a chunk at a time.
    chunk_size : int
        Points in a chunk; a chunk needs about 5 (with bounds 10) float64 numbers a point.
    bounds : bool
        Whether to compute bounds of the errors too.
    **parameters : array_like
        Numbers or arrays for the free parameters, broadcast against `q`.

    Yields
    ------
    slice, GaussianMoments
        Which points of the flattened broadcast shape, and their moments as `gaussian_moments` returns them: for
        polynomial pieces the same numbers, bit for bit; for others to rounding, within the same bounds.

    Raises
    ------
    DomainError, DtypeError, SymbolicParameterError, PrecisionError
        As `gaussian_moments` does; arguments are checked, all of them, before the first chunk.

    Examples
    --------
    >>> import numpy as np
    >>> q = np.linspace(0.5, 2.0, 10**6)
    >>> largest = max(part.second_moment.max() for _, part in stream_gaussian_moments("crelu", q, tau=1.0, m=2.0))
    >>> largest == gaussian_moments("crelu", 2.0, tau=1.0, m=2.0).second_moment
    np.True_
    """
    act = as_activation(act)
    size = integer_between("chunk_size", chunk_size, 1, _MOST)
    arguments = checked_arguments(act, q, parameters)

    def chunks() -> Iterator[tuple[slice, GaussianMoments]]:
        for here, variances, values in arguments.chunks(size):
            yield here, gaussian_moments(act, variances, bounds=bounds, **values)

    return chunks()
