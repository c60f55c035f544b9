"""Compute columnar tables of edges of chaos: over a grid, or for sequences of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, family
from ..checks import positive, real_array
from ..errors import DomainError
from ..solve import SolveStatus, clipping_levels, edges_of_chaos, thresholds_for_sparsity
from ..solve.arguments import broadcast, checked_array
from ..solve.clipping_array import level_parameter, slope_target
from ..solve.threshold import probability, threshold_parameter
from .columns import CODES, RESULTS, EocColumns, column_names
from .provenance import require_lists, verified_provenance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Columns = dict[str, NDArray[Any]]

_BLOCK = 65536  # rows between two signs of progress


def eoc_grid(
    families: Sequence[str],
    sparsities: ArrayLike,
    targets: ArrayLike = (0.5, 0.7, 0.9),
    q_stars: ArrayLike = (1.0,),
    *,
    digits: int = 50,
    on_progress: Callable[[int, int], None] | None = None,
) -> EocColumns:
    """Compute edges of chaos over (family, sparsity, q_star, target) as columns, a million rows in seconds.

    The rows are those of `eoc_table` in the same order, without fixed points.  A row that has no solution holds NaN and
    a status that says why, where `eoc_table` raises an error.

    Parameters
    ----------
    families : sequence of str
        Families with a threshold; clipped ones give a row for each target, unclipped ones a row with target and level
        NaN.  A name given twice counts once.
    sparsities, targets, q_stars : one-dimensional array_like
        The grid; see `clipping_levels`.
    digits : int
        The closed forms of each family are verified to this many digits first.
    on_progress : callable, optional
        Called as ``on_progress(done, total)``.

    Returns
    -------
    EocColumns
        With the accuracy of `clipping_levels`.

    Raises
    ------
    DomainError, DtypeError
        An element of the grid is outside its domain, NaN or no real number.
    InfeasibleError, UnknownNameError
        A family has no threshold, or there is no such family.

    Examples
    --------
    >>> table = eoc_grid(["crelu", "relu_tau"], [0.5, 0.85], [0.5, 0.7], digits=20)
    >>> table
    EocColumns(6 rows of crelu, relu_tau; family, sparsity, q_star, target, tau, m, sigma_w2, sigma_b2, slope, ...)
    >>> table["m"].round(4)
    array([1.4   , 1.8144, 0.8095, 1.1704,    nan,    nan])
    """
    require_lists(families=families, sparsities=sparsities, targets=targets, q_stars=q_stars)
    names = list(dict.fromkeys(families))
    axes = {
        "sparsity": _axis("sparsities", sparsities, probability),
        "q_star": _axis("q_stars", q_stars, positive),
        "target": _axis("targets", targets, slope_target),
    }
    unclipped = {**axes, "target": np.array([np.nan])}
    grids = [(name, axes if _is_clipped(family(name)) else unclipped) for name in names]
    counts = [math.prod(axis.size for axis in grid.values()) for _, grid in grids]
    step = _Steps(len(names) + sum(counts), on_progress)
    provenance = verified_provenance(names, digits, step)
    columns = _empty_columns(names, sum(counts))
    first = 0
    for code, ((name, grid), count) in enumerate(zip(grids, counts, strict=True)):
        for begin in range(0, count, _BLOCK):
            size = min(_BLOCK, count - begin)
            indices = np.unravel_index(np.arange(begin, begin + size), [axis.size for axis in grid.values()])
            block: Columns = {key: axis[index] for (key, axis), index in zip(grid.items(), indices, strict=True)}
            block |= _solved_block(family(name), **block)
            here = slice(first + begin, first + begin + size)
            columns["family"][here] = code
            for key, values in block.items():
                columns[key][here] = values
            step(size)
        first += count
    return EocColumns(provenance, columns)


def eoc_columns(
    family_name: str,
    /,
    q_star: ArrayLike = 1.0,
    *,
    digits: int = 50,
    on_progress: Callable[[int, int], None] | None = None,
    **parameters: ArrayLike,
) -> EocColumns:
    """Compute edges of chaos for sequences of parameters as columns.

    Parameters
    ----------
    family_name : str
        A family of the registry.
    q_star, **parameters : array_like
        Variances and parameters, broadcast against each other; a row for each element.
    digits, on_progress
        As for `eoc_grid`.

    Raises
    ------
    VmapTheoryError
        As `edges_of_chaos` does.

    Examples
    --------
    >>> table = eoc_columns("leaky_relu", negative_slope=[0.0, 0.5, 1.0], digits=20)
    >>> table["negative_slope"], table["sigma_w2"]
    (array([0. , 0.5, 1. ]), array([2. , 1.6, 1. ]))
    """
    act = family(family_name)
    given = {"q_star": checked_array("q_star", q_star, positive)}
    given |= {name: real_array(name, values, finite=False) for name, values in parameters.items()}
    _, rows = broadcast(given)
    count = rows["q_star"].size
    if not count:
        raise DomainError("there is no row to compute: give at least one value of q_star and of each parameter.")
    step = _Steps(1 + count, on_progress)
    provenance = verified_provenance([family_name], digits, step)
    columns = _empty_columns([family_name], count)
    for begin in range(0, count, _BLOCK):
        here = slice(begin, min(begin + _BLOCK, count))
        block: Columns = {name: values[here] for name, values in rows.items()}
        edges = edges_of_chaos(act, **block)
        block |= {name: getattr(edges, name) for name in ("sparsity", *RESULTS, "status")}
        for name, values in block.items():
            columns[name][here] = values
        step(here.stop - begin)
    return EocColumns(provenance, columns)


def _solved_block(act: Activation, *, sparsity: Array, q_star: Array, target: Array) -> Columns:
    """Parameters, results and status for arrays of one length; no target for an unclipped family."""
    threshold, _ = threshold_parameter(act)
    found: Any
    if _is_clipped(act):
        found = clipping_levels(act, sparsity, q_star, target=target)
        parameters, status = {threshold: found.tau, level_parameter(act, threshold): found.m}, found.status
    else:
        tau = thresholds_for_sparsity(act, sparsity, q_star)
        found = edges_of_chaos(act, q_star, **{threshold: tau})
        parameters, status = {threshold: tau}, np.where(np.isnan(tau), SolveStatus.NO_THRESHOLD, found.status)
    return {**parameters, **{name: getattr(found, name) for name in RESULTS}, "status": status}


def _is_clipped(act: Activation) -> bool:
    threshold, _ = threshold_parameter(act)
    return any(parameter.name != threshold for parameter in act.free_parameters)


def _empty_columns(families: Sequence[str], count: int) -> Columns:
    codes: Columns = {name: np.zeros(count, kind) for name, kind in CODES.items()}
    return {name: codes[name] if name in codes else np.full(count, np.nan) for name in column_names(families)}


def _axis(name: str, values: ArrayLike, check: Callable[[str, object], float]) -> Array:
    axis = checked_array(name, real_array(name, values), check)
    if axis.ndim != 1:
        raise DomainError(f"{name} has the shape {axis.shape}: give a list of numbers.")
    return axis


class _Steps:
    """Counts what is done and tells whoever wants to know."""

    def __init__(self, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self.done, self.total, self.on_progress = 0, total, on_progress

    def __call__(self, count: int = 1) -> None:
        self.done += count
        if self.on_progress is not None:
            self.on_progress(self.done, self.total)
