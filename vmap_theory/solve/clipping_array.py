"""Clipping levels over arrays of sparsities, variances and targets; `clipping_level` is the same for one of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, as_activation
from ..checks import positive
from .arguments import broadcast, checked_array
from .criteria.family import ClippedFamily
from .criteria.family import level_parameter as level_parameter
from .criteria.finite_width import finite_width_level
from .criteria.inflection import inflection_ratios
from .criteria.options import CRITERIA as CRITERIA
from .criteria.options import finite_width_options, refuse_foreign_arguments, require_criterion
from .criteria.saddle_node import saddle_nodes
from .criteria.slope import slope_ratios
from .criteria.slope import slope_target as slope_target
from .edge_of_chaos_array import edges_of_chaos
from .status import SolveStatus
from .threshold import probability, thresholds_for_sparsity

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

# Levels at a time, so that the arrays of the search (some 50 MB) do not grow with the grid; the other criteria than
# slope look at some fifty places for each.
_CHUNK = 65536
_SMALL_CHUNK = 2048
_DEFAULT_TARGET = 0.5


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
    q_star, sparsity : array
        What was asked for, broadcast.
    criterion : str
        How m was chosen.
    target : array or None
        The slopes asked for; None for other criteria than ``slope``.
    slope, curvature : array
        V'(q_star) and V''(q_star) that are reached.
    status : array of uint8
        0 where all was found, else a number of `SolveStatus`.
    tangency : array or None
        For ``saddle-node`` the variance q at which V touches the identity, V(q) = q and V'(q) = 1.
    m_low, m_high : array or None
        For ``finite-width`` the ends of the interval in which the level lies with 95 % confidence: below m_low the
        probability surely suffices (0 where that cannot be shown at any level), above m_high it surely does not.
    m_least : array or None
        For ``finite-width`` the smallest level that suffices: below it too few units are active.
    probability : array or None
        For ``finite-width`` the share of the simulated nets that stay in range; where there is no level, at the best.
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
    tangency: Any = None
    m_low: Any = None
    m_high: Any = None
    m_least: Any = None
    probability: Any = None

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
    target: ArrayLike | None = None,
    width: int | None = None,
    depth: int | None = None,
    risk: float | None = None,
    variance_range: float | None = None,
    gradient_range: float | None = None,
    chains: int | None = None,
    seed: int | None = None,
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
        ``"slope"``, ``"inflection"``, ``"saddle-node"`` or ``"finite-width"``; see `clipping_level`.
    target : array_like, optional
        For ``slope``: the slopes V'(q_star) wanted, strictly between 0 and 1; 0.5 if left out.
    width, depth, risk, variance_range, gradient_range, chains, seed : number, optional
        For ``finite-width``, as in `clipping_level`.

    Returns
    -------
    ClippingLevels
        Arrays of the broadcast shape.  What has no solution is NaN, and ``status`` says why.  NaN in an argument gives
        NaN there.  Relative errors of m for crelu and cst: ``slope`` below 1e-13 at targets from 0.01 to 0.99 and
        sparsities up to 0.9999 (nearer 1 the error of V', some 1e-16, is divided by 1 - target); ``inflection`` below
        1e-15 / min(m / sqrt(q_star), 1); ``saddle-node`` below 1e-12 where tau is at least 0.01 sqrt(q_star) (1e-9
        down to 3e-6).

    Raises
    ------
    InfeasibleError
        The activation has no threshold or no clipping level.
    NoEdgeOfChaosError
        The activation jumps or has an infinite slope.
    UnknownNameError
        Unknown family or criterion.
    DomainError, DtypeError
        An element is outside its domain or no real number, the shapes do not broadcast, or an argument is missing or
        does not belong to the criterion.
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
    >>> clipping_levels("crelu", [0.7, 0.85, 0.97], criterion="inflection").m.round(4)
    array([2.132 , 1.1323,    nan])
    >>> clipping_levels("crelu", [0.7, 0.85, 0.97], criterion="saddle-node").m.round(4)
    array([2.6567, 1.8386, 0.8709])
    """
    require_criterion(criterion)
    net: dict[str, object] = {"width": width, "depth": depth, "risk": risk, "variance_range": variance_range}
    net |= {"gradient_range": gradient_range, "chains": chains, "seed": seed}
    refuse_foreign_arguments(criterion, {"target": target, **net})
    arrays = {}
    if criterion == "slope":
        arrays["target"] = checked_array("target", _DEFAULT_TARGET if target is None else target, slope_target)
    options = finite_width_options(net) if criterion == "finite-width" else None
    arrays["q_star"] = checked_array("q_star", q_star, positive)
    unbound = as_activation(act)
    family = ClippedFamily.of(unbound)
    arrays["sparsity"] = checked_array("sparsity", sparsity, probability)
    shape, flat = broadcast(arrays)
    missing = np.any([np.isnan(array) for array in flat.values()], axis=0)
    flat["tau"] = thresholds_for_sparsity(unbound, flat["sparsity"], flat["q_star"])
    found = _solved(family, criterion, flat, ~(missing | np.isnan(flat["tau"])), options)
    edges = edges_of_chaos(unbound, flat["q_star"], **{family.threshold: flat["tau"], family.level: found["m"]})
    status = np.select(
        [missing, np.isnan(flat["tau"]), found.pop("unresolved") == 1, np.isnan(found["m"])],
        [SolveStatus.MISSING, SolveStatus.NO_THRESHOLD, SolveStatus.UNRESOLVED, SolveStatus.NO_LEVEL],
        edges.status,
    ).astype(np.uint8)
    out = {name: getattr(edges, name) for name in ("sigma_w2", "sigma_b2", "slope", "curvature")} | flat | found
    shaped = {name: values.reshape(shape)[()] for name, values in (out | {"status": status}).items()}
    return ClippingLevels(unbound, criterion=criterion, **({"target": None} | shaped))


def _solved(
    family: ClippedFamily, criterion: str, flat: Mapping[str, Array], solvable: NDArray[np.bool_], options: Any
) -> dict[str, Array]:
    """The levels m and what else the criterion tells, NaN where not solvable; ``unresolved`` is 0 or 1."""
    solve = _SOLVERS[criterion]
    chunk = _CHUNK if criterion == "slope" else _SMALL_CHUNK
    names = ("m", "unresolved", *_EXTRAS.get(criterion, ()))
    out = {name: np.full(flat["q_star"].size, np.nan) for name in names}
    places = np.flatnonzero(solvable)
    for begin in range(0, places.size, chunk):
        here = places[begin : begin + chunk]
        for name, values in solve(family, {key: array[here] for key, array in flat.items()}, options).items():
            out[name][here] = values
    return out


def _by_slope(family: ClippedFamily, flat: Mapping[str, Array], options: object) -> dict[str, Array]:
    return {"m": slope_ratios(family, flat["tau"], flat["q_star"], flat["target"]) * np.sqrt(flat["q_star"])}


def _by_inflection(family: ClippedFamily, flat: Mapping[str, Array], options: object) -> dict[str, Array]:
    return {"m": inflection_ratios(family, flat["tau"], flat["q_star"]) * np.sqrt(flat["q_star"])}


def _by_saddle_node(family: ClippedFamily, flat: Mapping[str, Array], options: object) -> dict[str, Array]:
    found = saddle_nodes(family, flat["tau"], flat["q_star"])
    m = found.ratio * np.sqrt(flat["q_star"])
    return {"m": m, "tangency": found.tangency, "unresolved": found.unresolved.astype(np.float64)}


def _by_finite_width(family: ClippedFamily, flat: Mapping[str, Array], options: Any) -> dict[str, Array]:
    pairs = zip(flat["tau"].tolist(), flat["q_star"].tolist(), strict=True)
    found = [finite_width_level(family, tau, q, options) for tau, q in pairs]
    root = np.sqrt(flat["q_star"])
    names = {"m": "ratio", "m_low": "low", "m_high": "high", "m_least": "least"}
    levels = {name: np.array([getattr(one, what) for one in found]) * root for name, what in names.items()}
    return levels | {"probability": np.array([one.kept for one in found])}


_SOLVERS: dict[str, Callable[[ClippedFamily, Mapping[str, Array], Any], dict[str, Array]]] = {
    "slope": _by_slope,
    "inflection": _by_inflection,
    "saddle-node": _by_saddle_node,
    "finite-width": _by_finite_width,
}
_EXTRAS = {"saddle-node": ("tangency",), "finite-width": ("m_low", "m_high", "m_least", "probability")}
