"""Clipping levels over arrays of sparsities, variances and targets; `clipping_level` calls this with one of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import elementwise

from ..activations import Activation, as_activation
from ..checks import inside_open_interval, positive
from ..errors import InfeasibleError, UnknownNameError
from ..kernels import GaussianMoments, gaussian_moments
from .arguments import broadcast, checked_array
from .edge_of_chaos_array import edges_of_chaos
from .status import SolveStatus
from .threshold import probability, threshold_parameter, thresholds_for_sparsity

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

CRITERIA = ("slope",)
"""The criteria that `clipping_level` and `clipping_levels` know."""

LEAST, MOST = 1e-6, 40.0
"""Range of m / sqrt(q_star) that is searched; at 40 the clipped share of a Gaussian underflows."""

_CHUNK = 65536  # levels at a time, so that the arrays of the search (some 50 MB) do not grow with the grid

# The search runs in log(m / sqrt(q_star)), between -14 and 4.  It stops when the bracket is two to four units in the
# last place of that logarithm; V' moves less over such a bracket than by its own rounding.
_TOLERANCE = 4.5e-16
_MOST_STEPS = 200  # halving a bracket of 18 down to 1e-15 takes 54


@dataclass(frozen=True, eq=False)
class ClippingLevels:
    """Clipped activations on their edges of chaos, arrays of one shape.

    Attributes
    ----------
    activation : Activation
        The activation, threshold and level free.
    m, tau : array
        Clipping levels and thresholds; NaN where there is none.
    sigma_w2, sigma_b2 : array
        Variance of the weights times fan-in, and of the biases, on the edge of chaos; NaN where there is none.
    q_star, sparsity, target : array
        What was asked for, broadcast.
    criterion : str
        How m was chosen.
    slope, curvature : array
        V'(q_star) and V''(q_star) that are reached.
    status : array of uint8
        0 where all was found, else a number of `SolveStatus`.
    """

    activation: Activation
    m: Any
    tau: Any
    sigma_w2: Any
    sigma_b2: Any
    q_star: Any
    sparsity: Any
    criterion: str
    target: Any
    slope: Any
    curvature: Any
    status: Any

    @property
    def feasible(self) -> Any:
        """True where all was found."""
        return self.status == SolveStatus.SOLVED


def clipping_levels(
    act: str | Activation,
    sparsity: ArrayLike,
    q_star: ArrayLike = 1.0,
    *,
    criterion: str = "slope",
    target: ArrayLike = 0.5,
) -> ClippingLevels:
    """Return the clipping levels of `clipping_level` for arrays, broadcast against each other.

    Parameters
    ----------
    act : str or Activation
        A clipped family of the registry (``crelu``, ``cst``), or an activation with two free parameters, threshold and
        level.
    sparsity : array_like
        P(phi = 0) at q_star, strictly between 0 and 1.
    q_star : array_like
        Variances of the fixed points, > 0.
    criterion : str
        ``"slope"``.
    target : array_like
        The slopes V'(q_star) wanted, strictly between 0 and 1.

    Returns
    -------
    ClippingLevels
        Arrays of the broadcast shape.  For crelu and cst m has a relative error below 1e-13 at targets from 0.01 to
        0.99 and sparsities up to 0.9999; nearer 1 the error of V', some 1e-16, is divided by 1 - target.
        What has no solution is NaN, and ``status`` says why.  NaN in an argument gives NaN there.

    Raises
    ------
    InfeasibleError
        The activation has no threshold or no clipping level.
    UnknownNameError
        Unknown family or criterion.
    DomainError, DtypeError
        An element is outside its domain or no real number, or the shapes do not broadcast.
    PrecisionError
        The moments leave the range of float64, as at q_star below 1e-307.

    Examples
    --------
    >>> import numpy as np
    >>> grid = clipping_levels("crelu", np.array([[0.4], [0.85]]), target=[0.5, 0.7])
    >>> grid.m.round(4)
    array([[   nan,    nan],
           [0.8095, 1.1704]])
    >>> SolveStatus(grid.status[0, 0]).meaning
    "no threshold of the parameter's domain gives the sparsity"
    """
    require_criterion(criterion)
    arrays = {
        "target": checked_array("target", target, slope_target),
        "q_star": checked_array("q_star", q_star, positive),
    }
    unbound = as_activation(act)
    search = Search(unbound)
    arrays["sparsity"] = checked_array("sparsity", sparsity, probability)
    shape, flat = broadcast(arrays)
    missing = np.any([np.isnan(array) for array in flat.values()], axis=0)
    tau = thresholds_for_sparsity(unbound, flat["sparsity"], flat["q_star"])
    m = np.full(tau.shape, np.nan)
    solvable = np.flatnonzero(~(missing | np.isnan(tau)))
    for begin in range(0, solvable.size, _CHUNK):
        here = solvable[begin : begin + _CHUNK]
        m[here] = search.levels(tau[here], flat["q_star"][here], flat["target"][here])
    edges = edges_of_chaos(unbound, flat["q_star"], **{search.threshold: tau, search.level: m})
    status = np.select(
        [missing, np.isnan(tau), np.isnan(m)],
        [SolveStatus.MISSING, SolveStatus.NO_THRESHOLD, SolveStatus.NO_LEVEL],
        edges.status,
    ).astype(np.uint8)
    out = {name: getattr(edges, name) for name in ("sigma_w2", "sigma_b2", "slope", "curvature")} | flat
    out |= {"m": m, "tau": tau, "status": status}
    shaped = {name: values.reshape(shape)[()] for name, values in out.items()}
    return ClippingLevels(unbound, criterion=criterion, **shaped)


class Search:
    """The search for the level m of an activation with a threshold and a level."""

    def __init__(self, act: Activation) -> None:
        self.act = act
        self.threshold, _ = threshold_parameter(act)
        self.level = level_parameter(act, self.threshold)

    def levels(self, tau: Array, q: Array, wanted: Array) -> Array:
        """The m at which V'(q) is `wanted`; NaN where the ends of the range searched do not surely enclose one."""
        low, low_error = self.slopes_at(LEAST, tau, q)
        high, high_error = self.slopes_at(MOST, tau, q)
        inside = (low < wanted - low_error) & (high > wanted + high_error)
        m = np.full(q.shape, np.nan)
        if inside.any():
            count = np.count_nonzero(inside)
            found = elementwise.find_root(
                self._excess,
                (np.full(count, math.log(LEAST)), np.full(count, math.log(MOST))),
                args=(tau[inside], q[inside], wanted[inside]),
                tolerances={"xatol": _TOLERANCE, "xrtol": _TOLERANCE, "fatol": 0, "frtol": 0},
                maxiter=_MOST_STEPS,
            )
            m[inside] = np.where(found.success, np.exp(found.x) * np.sqrt(q[inside]), np.nan)
        return m

    def slopes_at(self, ratio: float, tau: Array, q: Array) -> tuple[Array, Array]:
        """V'(q) on the edge of chaos at m = ratio sqrt(q), and bounds of the errors."""
        moments = self._moments(ratio * np.sqrt(q), tau, q, bounds=True)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slope = moments.d_second_moment / moments.slope_moment
            error = (moments.d_second_moment_error + slope * moments.slope_moment_error) / moments.slope_moment
        return slope, error

    def _excess(self, log_ratio: Array, tau: Array, q: Array, wanted: Array) -> Array:
        moments = self._moments(np.exp(log_ratio) * np.sqrt(q), tau, q)
        excess: Array = moments.d_second_moment / moments.slope_moment - wanted
        return excess

    def _moments(self, m: Array, tau: Array, q: Array, *, bounds: bool = False) -> GaussianMoments:
        parameters: dict[str, Any] = {self.threshold: tau, self.level: m}
        return gaussian_moments(self.act, q, bounds=bounds, **parameters)


def slope_target(name: str, value: object) -> float:
    """Return `value` as a slope V'(q_star) that can be aimed at, strictly between 0 and 1, or raise `DomainError`."""
    return inside_open_interval(name, value, 0, 1, "It is the slope V'(q_star); 0.5 and 0.7 are customary.")


def require_criterion(criterion: object) -> None:
    """Raise `UnknownNameError` unless `criterion` is one of `CRITERIA`."""
    if criterion not in CRITERIA:
        raise UnknownNameError.among("criterion", criterion, CRITERIA)


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
