"""Edges of chaos over arrays of variances and parameters; `edge_of_chaos` calls this with one of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, as_activation
from ..checks import positive, real_array
from ..kernels import gaussian_moments
from .arguments import broadcast, checked_array
from .status import SolveStatus

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

LEAST_SLOPE_MOMENT = 1e-300
_ROUNDING = 4.5e-16  # two units in the last place: a bias variance this small beside q* is a rounding error


@dataclass(frozen=True, eq=False)
class EdgesOfChaos:
    """Points on the edge of chaos, arrays of one shape.

    Attributes
    ----------
    activation : Activation
        What was given, its array parameters free.
    parameters : mapping of str to array
        The array parameters, broadcast.
    q_star : array
        The fixed points, variances.
    sigma_w2, sigma_b2 : array
        Variance of the weights times fan-in, and of the biases; NaN where there is no edge of chaos.
    slope, curvature : array
        V'(q_star) and V''(q_star); NaN where there is no edge of chaos.
    sparsity : array
        P(phi = 0) at q_star.
    shortfall : array
        How far below 0 the bias variance would have to be; 0 where it need not.
    status : array of uint8
        0 where there is an edge of chaos, else a number of `SolveStatus`.
    """

    activation: Activation
    parameters: Mapping[str, Any]
    q_star: Any
    sigma_w2: Any
    sigma_b2: Any
    slope: Any
    curvature: Any
    sparsity: Any
    shortfall: Any
    status: Any

    @property
    def feasible(self) -> Any:
        """True where there is an edge of chaos."""
        return self.status == SolveStatus.SOLVED


def edges_of_chaos(act: Activation | str, /, q_star: ArrayLike = 1.0, **parameters: ArrayLike) -> EdgesOfChaos:
    """Return the edges of chaos of `act` over arrays of variances and parameters.

    ``sigma_w2 = 1 / E[phi'^2]`` and ``sigma_b2 = q_star - sigma_w2 E[phi^2]``, as `edge_of_chaos` has them.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.  Parameters may stay symbolic if they are given here.
    q_star : array_like
        Variances (not standard deviations) that are to be fixed points, > 0.
    **parameters : array_like
        Numbers or arrays for the free parameters, broadcast against `q_star`.

    Returns
    -------
    EdgesOfChaos
        Arrays of the broadcast shape.  Where there is no edge of chaos they hold NaN, and ``status`` says why.
        NaN in an argument gives NaN there.

    Raises
    ------
    DomainError, DtypeError
        q_star or a parameter is outside its domain or no real number, or the shapes do not broadcast.
    PrecisionError
        The moments leave the range of float64, as at q_star below 1e-307.
    SymbolicParameterError, UnknownNameError
        A free parameter has no value, or a name is no free parameter.

    Examples
    --------
    >>> edges = edges_of_chaos("crelu", q_star=1.0, tau=[0.5, 1.0, 60.0], m=1.0)
    >>> edges.sigma_w2.round(4), edges.sigma_b2.round(4)
    (array([4.1368, 7.3581,    nan]), array([0.4697, 0.613 ,    nan]))
    >>> SolveStatus(edges.status[2]).meaning
    "E[phi'^2] is 0 or too small, so no weight variance in float64 gives chi_1 = 1"
    """
    act = as_activation(act)
    arrays = {"q_star": checked_array("q_star", q_star, positive)}
    arrays |= {name: real_array(name, value, finite=False) for name, value in parameters.items()}
    shape, flat = broadcast(arrays)
    known = ~np.any([np.isnan(array) for array in flat.values()], axis=0)
    found = _edges(act, **{name: array[known] for name, array in flat.items()})
    out = {name: np.full(known.size, np.nan) for name in found}
    out["status"] = np.full(known.size, SolveStatus.MISSING, dtype=np.uint8)
    for name, values in found.items():
        out[name][known] = values
    shaped = {name: values.reshape(shape)[()] for name, values in (out | {"q_star": flat.pop("q_star")}).items()}
    return EdgesOfChaos(act, {name: array.reshape(shape)[()] for name, array in flat.items()}, **shaped)


def _edges(act: Activation, /, q_star: Array, **parameters: Array) -> dict[str, NDArray[Any]]:
    """The numbers of `EdgesOfChaos` for one-dimensional arrays without NaN."""
    given: dict[str, Any] = parameters
    moments = gaussian_moments(act, q_star, bounds=True, **given)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore", under="ignore"):
        sigma_w2 = 1 / moments.slope_moment
        sigma_b2 = q_star - sigma_w2 * moments.second_moment
        unresolved = sigma_w2 * (moments.second_moment_error + q_star * moments.slope_moment_error)
        zero = (np.abs(sigma_b2) <= _ROUNDING * q_star) | ((-unresolved <= sigma_b2) & (sigma_b2 < 0))
        sigma_b2 = np.where(zero, 0.0, sigma_b2)
        lost = ~(unresolved <= 0.5 * q_star)  # infinite, or below what float64 resolves
        slope, curvature = sigma_w2 * moments.d_second_moment, sigma_w2 * moments.d2_second_moment
    status = np.select(
        [np.isinf(moments.slope_moment), moments.slope_moment <= LEAST_SLOPE_MOMENT, lost, sigma_b2 < 0],
        [SolveStatus.INFINITE_SLOPE, SolveStatus.FLAT, SolveStatus.OUT_OF_RANGE, SolveStatus.NEGATIVE_BIAS],
        SolveStatus.SOLVED,
    ).astype(np.uint8)
    solved = status == SolveStatus.SOLVED
    edge = {"sigma_w2": sigma_w2, "sigma_b2": sigma_b2, "slope": slope, "curvature": curvature}
    return {name: np.where(solved, values, np.nan) for name, values in edge.items()} | {
        "sparsity": moments.sparsity,
        "shortfall": np.where(status == SolveStatus.NEGATIVE_BIAS, -sigma_b2, 0.0),
        "status": status,
    }
