"""Phase diagram over sparsity and clipping level, on the edge of chaos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation, as_activation
from ..checks import positive
from ..errors import NoEdgeOfChaosError
from ..fixed_point_search import fixed_point_grid
from ..solve import SolveStatus, edges_of_chaos, thresholds_for_sparsity
from ..solve.clipping import level_parameter
from ..solve.threshold import threshold_parameter
from .axes import checked_axis
from .diagram import PhaseDiagram
from .phases import phases

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def clipping_phase_diagram(
    act: Activation | str, sparsities: ArrayLike, levels: ArrayLike, q_star: float = 1.0
) -> PhaseDiagram:
    """Return the phases of a clipped family on its edge of chaos, over sparsity and clipping level.

    In every feasible cell q_star is a fixed point with chi_1 = 1; the phase says whether it attracts, and whether it is
    alone.

    Parameters
    ----------
    act : Activation or str
        A clipped family (``crelu``, ``cst``), or an activation with two free parameters, threshold and level, and
        without jumps.
    sparsities : one-dimensional array_like
        P(phi = 0) at q_star, ascending, strictly between 0 and 1.
    levels : one-dimensional array_like
        Clipping levels m, ascending, > 0, in the units of the pre-activations (not of sqrt(q_star)).
    q_star : float
        Variance of the fixed point, > 0.

    Returns
    -------
    PhaseDiagram
        Arrays of shape (sparsities, levels).

    Raises
    ------
    DomainError, DtypeError
        An axis is empty, does not ascend or leaves its domain; q_star is no number > 0.
    InfeasibleError
        The activation has no threshold or no clipping level.
    NoEdgeOfChaosError
        phi jumps, so that E[phi'^2] is infinite.

    Examples
    --------
    >>> diagram = clipping_phase_diagram("cst", [0.7, 0.85], [0.8, 1.6])
    >>> diagram.words
    array([['critical', 'critical'],
           ['critical', 'several_stable']], dtype='<U14')
    >>> diagram.slope.round(3)
    array([[0.494, 0.865],
           [0.584, 0.915]])
    """
    unbound = as_activation(act)
    threshold, _ = threshold_parameter(unbound)
    level = level_parameter(unbound, threshold)
    _refuse_jumps(unbound)
    sparsity = checked_axis(
        "sparsities",
        sparsities,
        "shares strictly between 0 and 1 (0.85 means that 85 % of the outputs are zero)",
        high=1,
    )
    m = checked_axis("levels", levels, "clipping levels > 0")
    q = positive("q_star", q_star)
    shape = (sparsity.size, m.size)
    tau = np.broadcast_to(thresholds_for_sparsity(unbound, sparsity, q)[:, None], shape)
    parameters = {threshold: tau, level: np.broadcast_to(m, shape)}
    edges = edges_of_chaos(unbound, q, **parameters)
    found = fixed_point_grid(unbound, edges.sigma_w2, edges.sigma_b2, **parameters)
    is_edge = edges.status == SolveStatus.SOLVED
    chi_1 = np.where(is_edge, 1.0, np.nan)
    status = np.where(np.isnan(tau), SolveStatus.NO_THRESHOLD, edges.status).astype(np.uint8)
    return PhaseDiagram(
        activation=unbound,
        x_name="sparsity",
        x=sparsity,
        y_name=level,
        y=m,
        sigma_w2=edges.sigma_w2,
        sigma_b2=edges.sigma_b2,
        parameters=parameters,
        q=np.where(is_edge, q, np.nan),
        slope=edges.slope,
        chi_1=chi_1,
        xi_c=np.where(is_edge, np.inf, np.nan),
        fixed_points=found,
        phase=phases(found, np.abs(edges.slope) < 1, chi_1),
        status=status,
        q_star=q,
    )


def _refuse_jumps(act: Activation) -> None:
    if act.jumps:
        raise NoEdgeOfChaosError(
            f"{act.label} jumps at x = {act.jumps[0].at}, so E[phi'^2] is infinite and there is no edge of chaos: use "
            "an activation without jumps, crelu or cst for instance."
        )
