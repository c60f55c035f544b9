"""What the modules of PyTorch and JAX share: arguments checked where they can be seen, NaN where they cannot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..activations import Activation, as_activation
from ..checks import refuse_where
from ..errors import ExpressionError
from .arguments import checked_names
from .computation import may_be_infinite
from .libraries import ArrayLibrary
from .plan import plan_for
from .polynomial import polynomial_logarithms, polynomial_moments
from .result import GaussianMoments, LogGaussianMoments


@dataclass(frozen=True)
class ForeignCalls:
    """The moment functions in another library.

    Attributes
    ----------
    broadcast : callable
        ``broadcast(names, given)``: real arrays of one floating point type and one shape.
    arithmetic_of : callable
        The `ArrayLibrary` of such an array.
    holds : callable
        Whether a mask is all true; None if its values cannot be seen (inside compiled or transformed code).
    to_numpy : callable
        The array in NumPy.
    """

    broadcast: Callable[[Sequence[str], Sequence[Any]], list[Any]]
    arithmetic_of: Callable[[Any], ArrayLibrary]
    holds: Callable[[Any], bool | None]
    to_numpy: Callable[[Any], Any]

    def gaussian_moments(
        self, act: Activation | str, q: Any, given: dict[str, Any], *, bounds: bool
    ) -> GaussianMoments:
        """See `kernels.gaussian.gaussian_moments`."""
        act = as_activation(act)
        variance, values, library = self._checked(act, q, given)
        found = polynomial_moments(act, variance, values, library, bounds=bounds)
        return GaussianMoments(**_where_known(found, variance, values, library))

    def log_gaussian_moments(self, act: Activation | str, q: Any, given: dict[str, Any]) -> LogGaussianMoments:
        """See `kernels.logarithms.log_gaussian_moments`."""
        act = as_activation(act)
        variance, values, library = self._checked(act, q, given)
        found = named(polynomial_logarithms(act, variance, values, library))
        return LogGaussianMoments(**_where_known(found, variance, values, library))

    def _checked(self, act: Activation, q: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any], ArrayLibrary]:
        names = checked_names(act, given)
        if any(parameter.integer for parameter in act.free_parameters) or not act.is_polynomial:
            raise ExpressionError(
                f"{act.label} has pieces that are no polynomials, or an integer parameter without a number: such "
                "moments are computed by NumPy alone. Pass NumPy arrays, and bind integer parameters."
            )
        plan_for(act)  # a break of unknown sign is an error before anything is computed
        variance, *arrays = self.broadcast(["q", *names], [q, *(given[name] for name in names)])
        library = self.arithmetic_of(variance)
        inside = (variance > 0) & (variance < math.inf)
        variance = self._inside("q", variance, inside | (variance != variance), "numbers > 0, finite ones", library)
        for place, parameter in enumerate(act.free_parameters):
            array, domain = arrays[place], parameter.domain
            low, high = float(domain.inf), float(domain.sup)
            inside = (array > low) if domain.left_open else (array >= low)
            if parameter.name not in may_be_infinite(act):
                inside = inside & ((array < high) if domain.right_open else (array <= high))
            wanted = f"numbers of {parameter.domain_text}"
            arrays[place] = self._inside(parameter.name, array, inside | (array != array), wanted, library)
        return variance, dict(zip(names, arrays, strict=True)), library

    def _inside(self, name: str, array: Any, mask: Any, wanted: str, library: ArrayLibrary) -> Any:
        """The array, with NaN for what is outside its domain where that cannot be told as an error."""
        seen = self.holds(mask)
        if seen is None:
            return library.where(mask, array, math.nan)
        if not seen:
            refuse_where(name, self.to_numpy(array), ~self.to_numpy(mask), wanted)
        return array


def _where_known(found: dict[str, Any], variance: Any, values: dict[str, Any], library: ArrayLibrary) -> dict[str, Any]:
    """The results, NaN where an input is: also those that do not depend on it, or whose part it is in is left out."""
    known = variance == variance
    for value in values.values():
        known = known & (value == value)
    return {name: library.where(known, result, math.nan) for name, result in found.items()}


def named(found: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """The fields of `LogGaussianMoments` from the (logarithm, sign) of every moment."""
    signed = ("d_second_moment", "d2_second_moment")
    return {f"log_{name}": logarithm for name, (logarithm, _) in found.items()} | {
        f"sign_{name}": found[name][1] for name in signed
    }
