"""Phase diagram of one activation over the standard deviations of weights and biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation, as_activation
from ..errors import NoEdgeOfChaosError
from ..fixed_point_search import FixedPointGrid, Stability, fixed_point_grid
from ..solve import SolveStatus
from .axes import checked_axis
from .correlation import chaotic_depth
from .diagram import PhaseDiagram
from .phases import CRITICAL_TOLERANCE, Phase, phases

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def variance_phase_diagram(act: Activation | str, sigma_w: ArrayLike, sigma_b: ArrayLike) -> PhaseDiagram:
    """Return the phases of an activation over the standard deviations of weights and biases.

    Each cell is about its smallest stable fixed point, to which nets go that start with small variances; where none is
    stable, about the smallest one.

    Parameters
    ----------
    act : Activation or str
        With a number for every parameter, and without jumps.
    sigma_w : one-dimensional array_like
        Standard deviation (not variance) of the weights times sqrt(fan-in), ascending, > 0.
    sigma_b : one-dimensional array_like
        Standard deviation of the biases, ascending, >= 0.

    Returns
    -------
    PhaseDiagram
        Arrays of shape (sigma_w, sigma_b).

    Raises
    ------
    DomainError, DtypeError
        An axis is empty, does not ascend or leaves its domain.
    SymbolicParameterError
        A parameter has no number.
    NoEdgeOfChaosError
        phi jumps, so that chi_1 is infinite.

    Examples
    --------
    >>> diagram = variance_phase_diagram("tanh", [1.0, 2.0], [0.2])
    >>> diagram.words.ravel().tolist(), diagram.q.ravel().round(4).tolist()
    (['ordered', 'chaotic'], [0.1698, 2.1808])
    >>> diagram.chi_1.ravel().round(4).tolist(), diagram.xi_c.ravel().round(4).tolist()
    ([0.7791, 1.3464], [4.0056, 7.1075])
    """
    act = as_activation(act)
    act.require_numbers("a phase diagram over sigma_w and sigma_b")
    if act.slope_is_infinite:
        raise NoEdgeOfChaosError(
            f"E[phi'^2] of {act.label} is infinite, so chi_1 and depth scales do not exist: use an activation without "
            "jumps."
        )
    x = checked_axis("sigma_w", sigma_w, "standard deviations > 0")
    y = checked_axis("sigma_b", sigma_b, "standard deviations >= 0", closed=True)
    shape = (x.size, y.size)
    weights, biases = np.broadcast_to((x * x)[:, None], shape), np.broadcast_to(y * y, shape)
    found = fixed_point_grid(act, weights, biases)
    q, slope, chi_1, is_stable = _smallest_stable(found)
    phase = phases(found, is_stable, chi_1)
    xi_c = _correlation_depths(act, weights, biases, q, chi_1)
    xi_c[phase == Phase.UNRESOLVED] = np.nan  # there may be a smaller stable point
    return PhaseDiagram(
        activation=act,
        x_name="sigma_w",
        x=x,
        y_name="sigma_b",
        y=y,
        sigma_w2=weights,
        sigma_b2=biases,
        parameters={},
        q=q,
        slope=slope,
        chi_1=chi_1,
        xi_c=xi_c,
        fixed_points=found,
        phase=phase,
        status=np.full(shape, SolveStatus.SOLVED, dtype=np.uint8),
        q_star=None,
    )


def _smallest_stable(found: FixedPointGrid) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """q, V' and chi_1 of the smallest stable fixed point, else of the smallest (NaN: none); whether it is stable."""
    if not found.q.shape[-1]:
        nan = np.full(found.count.shape, np.nan)
        return nan, nan, nan, np.zeros(nan.shape, dtype=bool)
    stable = found.stability == Stability.STABLE
    first = stable.argmax(axis=-1)[..., None]  # 0 where none is
    q, slope, chi_1 = (
        np.take_along_axis(array, first, axis=-1)[..., 0] for array in (found.q, found.slope, found.chi_1)
    )
    return q, slope, chi_1, stable.any(axis=-1)


def _correlation_depths(act: Activation, weights: Array, biases: Array, q: Array, chi_1: Array) -> Array:
    """xi_c: from chi_1 = R'(1) where correlations go to 1, else from R' at the fixed point below 1."""
    depth = np.full(q.shape, np.nan)
    critical = np.abs(chi_1 - 1) <= CRITICAL_TOLERANCE
    depth[critical] = np.inf
    ordered = (chi_1 < 1) & ~critical
    with np.errstate(divide="ignore"):
        depth[ordered] = -1 / np.log(chi_1[ordered])
    chaotic = (chi_1 > 1) & ~critical & np.isfinite(chi_1)
    if chaotic.any():
        depth[chaotic] = chaotic_depth(act, weights[chaotic], biases[chaotic], q[chaotic])
    return depth
