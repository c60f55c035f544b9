"""A family of activations with a free threshold and a free clipping level, as the criteria search it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import elementwise

from ...activations import Activation
from ...errors import InfeasibleError, NoEdgeOfChaosError
from ...kernels import GaussianMoments, gaussian_moments
from ..threshold import threshold_parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST, MOST = 1e-6, 40.0
"""Range of m / sqrt(q_star) that is searched; at 40 the clipped share of a Gaussian underflows."""

# Roots are sought in log(m / sqrt(q_star)), between -14 and 4.  The search stops when the bracket is two to four units
# in the last place of that logarithm; V' moves less over such a bracket than by its own rounding.
_TOLERANCE = 4.5e-16
_MOST_STEPS = 200  # halving a bracket of 18 down to 1e-15 takes 54


@dataclass(frozen=True)
class ClippedFamily:
    """An activation whose two free parameters are a threshold and a clipping level.

    Attributes
    ----------
    act : Activation
        The activation, both parameters free.
    threshold, level : str
        Their names.
    """

    act: Activation
    threshold: str
    level: str

    @classmethod
    def of(cls, act: Activation) -> ClippedFamily:
        """Find the two parameters.

        Raises
        ------
        InfeasibleError
            The activation has no free threshold, or not exactly one other free parameter.
        NoEdgeOfChaosError
            phi jumps, so that there is no edge of chaos whatever the level.
        """
        threshold, _ = threshold_parameter(act)
        level = level_parameter(act, threshold)
        if act.slope_is_infinite:
            raise NoEdgeOfChaosError(
                f"{act.label} jumps or has an infinite slope, so E[phi'^2] is infinite and no clipping level gives an "
                "edge of chaos: use a continuous activation, for instance cst or crelu."
            )
        return cls(act, threshold, level)

    def moments(self, ratio: Any, tau: Any, q_star: Any, q: Any = None, *, bounds: bool = False) -> GaussianMoments:
        """Gaussian moments at m = ratio sqrt(q_star) and variance q (q_star if left out), broadcast."""
        parameters: dict[str, Any] = {self.threshold: tau, self.level: ratio * np.sqrt(q_star)}
        return gaussian_moments(self.act, q_star if q is None else q, bounds=bounds, **parameters)


def level_parameter(act: Activation, threshold: str) -> str:
    """Name of the one free parameter beside the threshold.

    Raises
    ------
    InfeasibleError
        There is none, or more than one.
    """
    others = [parameter.name for parameter in act.free_parameters if parameter.name != threshold]
    if len(others) != 1:
        raise InfeasibleError(
            f"{act.label} has no single clipping level: its free parameters beside {threshold} are "
            f"{', '.join(others) or 'none'}. Use a clipped family, crelu or cst, and leave its level out."
        )
    return others[0]


def ratio_at_root(function: Callable[..., Array], low: float, high: float, *args: Array) -> Array:
    """The ratio m / sqrt(q_star) between `low` and `high` at which ``function(ratio, *args)`` is 0; NaN where none is.

    The function has opposite signs at the ends.
    """
    count = args[0].size
    found = elementwise.find_root(
        lambda log_ratio, *rest: function(np.exp(log_ratio), *rest),
        (np.full(count, math.log(low)), np.full(count, math.log(high))),
        args=args,
        tolerances={"xatol": _TOLERANCE, "xrtol": _TOLERANCE, "fatol": 0, "frtol": 0},
        maxiter=_MOST_STEPS,
    )
    return np.where(found.success, np.exp(found.x), np.nan)
