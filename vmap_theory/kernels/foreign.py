"""Which array library a call is made in, told from its arguments; PyTorch and JAX are loaded when they are used."""

from __future__ import annotations

from typing import Any, Protocol

from ..activations import Activation
from ..errors import DtypeError
from .result import GaussianMoments, LogGaussianMoments

_HOMES = {"torch": "torch", "jax": "jax", "jaxlib": "jax"}


class ForeignLibrary(Protocol):
    """The moment functions in a library other than NumPy."""

    def gaussian_moments(
        self, act: Activation | str, q: Any, given: dict[str, Any], *, bounds: bool
    ) -> GaussianMoments:
        """See `kernels.gaussian.gaussian_moments`."""

    def log_gaussian_moments(self, act: Activation | str, q: Any, given: dict[str, Any]) -> LogGaussianMoments:
        """See `kernels.logarithms.log_gaussian_moments`."""


def foreign_library(*arguments: Any) -> ForeignLibrary | None:
    """Return the module that serves these arguments; None for NumPy and plain numbers.

    Raises
    ------
    DtypeError
        Tensors of PyTorch and arrays of JAX are mixed.
    """
    # Plain loops and plain imports: PyTorch's compiler traces through this function.
    home = None
    for argument in arguments:
        if isinstance(argument, (float, int)):
            continue
        for base in type(argument).__mro__:
            found = _HOMES.get(base.__module__.split(".")[0])
            if found is not None:
                if home is not None and home != found:
                    raise DtypeError("the arguments mix PyTorch's tensors and JAX's arrays: convert one to the other.")
                home = found
    if home == "torch":
        from . import torch_arrays

        return torch_arrays.CALLS
    if home == "jax":
        from . import jax_arrays

        return jax_arrays.CALLS
    return None
