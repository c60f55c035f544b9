"""`fixed_point_grid`: the fixed points of arrays of maps at once, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, as_activation
from ..checks import broadcast, real_array, refuse_where
from ..errors import SymbolicParameterError
from ..kernels import gaussian_moments
from ..kernels.plan import plan_for
from .ends import search_interval
from .map_array import MapArray
from .result import FixedPointGrid, SearchStatus, Stability
from .roots import refined
from .search import Bracket, brackets
from .sign_patterns import end_signs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Columns = dict[str, NDArray[Any]]

_CHUNK = 2048  # maps at a time: some hundred cells each, fifteen numbers a cell
_UNCERTAINTY = 1e-15  # of the variances, which may be rounded results themselves
_LONG = 10.0
_TOUCHING = 1e-6


def fixed_point_grid(
    act: Activation | str, sigma_w2: ArrayLike, sigma_b2: ArrayLike, /, **parameters: ArrayLike
) -> FixedPointGrid:
    """Find all fixed points of arrays of variance maps.

    The search of `fixed_points`, in float64 alone: where that cannot tell how many there are, the status says so.
    A tenth of a millisecond for each map.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.
    sigma_w2, sigma_b2 : array_like
        Variances of weights times fan-in, and of biases, >= 0; taken as known to 1e-15 of themselves.
    **parameters : array_like
        The free parameters; all are broadcast against each other.  NaN in any of them gives a map without fixed points
        and the status ``MISSING``.

    Returns
    -------
    FixedPointGrid
        A stretch on which float64 cannot tell V(q) from q counts as one fixed point: semi-stable if V(q) - q has the
        same sign on both sides of it, else stable or unstable.

    Raises
    ------
    DomainError, DtypeError
        A variance is negative or infinite, a parameter outside its domain, or the shapes do not broadcast.
    SymbolicParameterError, UnknownNameError
        A free parameter has no value, or a name is no free parameter.

    Examples
    --------
    >>> grid = fixed_point_grid("crelu", 8.0, [0.3, 0.6], tau=1.0, m=1.0)
    >>> grid.count.tolist(), grid.q[:, 0].round(4).tolist()
    ([1, 1], [0.3317, 1.0595])
    """
    act = as_activation(act)
    arrays = {"sigma_w2": _variances("sigma_w2", sigma_w2), "sigma_b2": _variances("sigma_b2", sigma_b2)}
    arrays |= {name: real_array(name, value, finite=False) for name, value in parameters.items()}
    shape, flat = broadcast(arrays)
    known = ~np.any([np.isnan(array) for array in flat.values()], axis=0)
    status = np.where(known, SearchStatus.COMPLETE, SearchStatus.MISSING).astype(np.uint8)
    diverges = np.zeros(known.size, dtype=bool)
    columns = []
    for which, maps in _groups(act, flat, np.flatnonzero(known)):
        points, status[which], diverges[which] = _found(maps)
        points["which"] = which[points["which"]]
        columns.append(points)
    every = {name: np.concatenate([points[name] for points in columns]) for name in columns[0]} if columns else None
    return _arranged(act, shape, every, status, diverges)


def _variances(name: str, value: Any) -> Array:
    array = real_array(name, value, finite=False)
    refuse_where(name, array, np.isinf(array), "finite real numbers")
    refuse_where(name, array, array < 0, "numbers >= 0")
    return array


def _groups(
    act: Activation, flat: dict[str, Array], known: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], MapArray]]:
    """Chunks of maps: with parameter arrays where the kernel takes them, else one set of parameters at a time."""
    names = [name for name in flat if name not in ("sigma_w2", "sigma_b2")]
    cases = [(act, known, names)]
    if names and not _takes_arrays(act):
        sets, index = np.unique(np.stack([flat[name][known] for name in names]), axis=1, return_inverse=True)
        cases = [
            (act.bind(**dict(zip(names, map(float, values), strict=True))), known[index.ravel() == number], [])
            for number, values in enumerate(sets.T)
        ]
    for case, places, free in cases:
        for begin in range(0, places.size, _CHUNK):
            which = places[begin : begin + _CHUNK]
            values = {name: flat[name][which] for name in free}
            yield which, MapArray(case, flat["sigma_w2"][which], flat["sigma_b2"][which], values, _UNCERTAINTY)


def _takes_arrays(act: Activation) -> bool:
    try:
        plan_for(act)
    except SymbolicParameterError:
        return False
    return act.is_polynomial


def _found(maps: MapArray) -> tuple[Columns, NDArray[np.uint8], NDArray[np.bool_]]:
    """The fixed points of all maps, a status for each map, and whether V(q) > q for all large q."""
    interval = search_interval(maps, end_signs(maps))
    found: list[list[Bracket]] = [[] for _ in interval.low]
    rest = np.flatnonzero(~interval.is_empty)
    if rest.size:
        some = brackets(maps.chosen(rest), interval.low[rest], interval.high[rest])
        for which, those in zip(rest.tolist(), some, strict=True):
            found[which] = those
    proven = (interval.sign_low != 0) & (interval.sign_high != 0)
    status = np.where(proven, SearchStatus.COMPLETE, SearchStatus.UNRESOLVED).astype(np.uint8)
    single = [(which, bracket) for which, those in enumerate(found) for bracket in those if bracket.is_single]
    others = [(which, bracket) for which, those in enumerate(found) for bracket in those if not bracket.is_single]
    for which, bracket in others:
        status[which] = SearchStatus.DEGENERATE if _is_long(bracket) else SearchStatus.UNRESOLVED
    columns = _touching(maps, _columns([pair for pair in others if not _is_long(pair[1])]))
    if single:
        exact = _columns(single)
        roots = refined(maps, exact["which"], exact["lower"], exact["upper"], exact["sign_low"])
        exact |= {"q": roots.q, "lower": roots.lower, "upper": roots.upper}
        columns = {name: np.concatenate([exact[name], columns[name]]) for name in columns}
    return columns | _slopes(maps, columns), status, interval.sign_high > 0


def _is_long(bracket: Bracket) -> bool:
    """A stretch without a point that could stand for it."""
    return bracket.sign_low * bracket.sign_high >= 0 and bracket.high > _LONG * bracket.low


def _columns(pairs: list[tuple[int, Bracket]]) -> Columns:
    low, high = (np.array([getattr(bracket, name) for _, bracket in pairs], dtype=float) for name in ("low", "high"))
    signs = [(bracket.sign_low, bracket.sign_high) for _, bracket in pairs]
    return {
        "which": np.array([which for which, _ in pairs], dtype=np.intp),
        "q": np.sqrt(low) * np.sqrt(high),
        "lower": low,
        "upper": high,
        "sign_low": np.array([before for before, _ in signs], dtype=np.int8),
        "crosses": np.array([before * after < 0 for before, after in signs], dtype=bool),
    }


def _touching(maps: MapArray, columns: Columns) -> Columns:
    """Without the stretches of one sign on which V(q) is far from q, and only its error is large."""
    near = np.abs(maps.jets(columns["which"], columns["q"]).ratio) <= _TOUCHING
    return {name: values[near | columns["crosses"]] for name, values in columns.items()}


def _slopes(maps: MapArray, columns: Columns) -> Columns:
    which, q = columns["which"], columns["q"]
    values: dict[str, Any] = {name: value[which] for name, value in maps.parameters.items()}
    moments = gaussian_moments(maps.act, q, **values)
    with np.errstate(invalid="ignore"):
        chi_1 = np.where(maps.sigma_w2[which] > 0, maps.sigma_w2[which] * moments.slope_moment, 0.0)
    kind = np.where(columns["sign_low"] > 0, Stability.STABLE, Stability.UNSTABLE)
    return {
        "slope": maps.sigma_w2[which] * moments.d_second_moment,
        "chi_1": chi_1,
        "stability": np.where(columns["crosses"], kind, Stability.SEMI_STABLE).astype(np.uint8),
    }


def _arranged(
    act: Activation,
    shape: tuple[int, ...],
    columns: Columns | None,
    status: NDArray[np.uint8],
    diverges: NDArray[np.bool_],
) -> FixedPointGrid:
    """The columns as arrays with a row for each map."""
    which = columns["which"] if columns else np.zeros(0, dtype=np.intp)
    count = np.bincount(which, minlength=status.size)
    most = int(count.max(initial=0))
    out: dict[str, NDArray[Any]] = {
        name: np.full((status.size, most), np.nan) for name in ("q", "lower", "upper", "slope", "chi_1")
    }
    out["stability"] = np.zeros((status.size, most), dtype=np.uint8)
    if columns:
        order = np.lexsort((columns["q"], which))
        slot = np.arange(order.size) - np.repeat(np.cumsum(count) - count, count)
        for name, rows in out.items():
            rows[which[order], slot] = columns[name][order]
    single = {"count": count, "diverges": diverges, "status": status}
    return FixedPointGrid(
        act,
        **{name: values.reshape(shape)[()] for name, values in single.items()},
        **{name: rows.reshape((*shape, most)) for name, rows in out.items()},
    )
