"""Compute a table of edges of chaos over a grid."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from ..activations import family
from ..checks import inside_open_interval, positive
from ..errors import DegenerateMapError, VmapTheoryError
from ..fixed_point_search import FixedPoint, fixed_points
from ..solve import EdgeOfChaos, clipping_level, edge_of_chaos, threshold_for_sparsity
from ..solve.threshold import threshold_parameter
from .provenance import require_lists, verified_provenance
from .schema import EocRow, Stability
from .table import EocTable


def eoc_table(
    families: Sequence[str],
    sparsities: Sequence[float],
    targets: Sequence[float] = (0.5, 0.7, 0.9),
    q_stars: Sequence[float] = (1.0,),
    *,
    digits: int = 50,
    on_progress: Callable[[int, int], None] | None = None,
) -> EocTable:
    """Compute the table of edges of chaos over (family, sparsity, q_star, target).

    Parameters
    ----------
    families : sequence of str
        Families with a threshold; clipped ones give a row for each target, unclipped ones a row without m and target.
    sparsities, targets, q_stars : sequences of float
        The grid; see `clipping_level`.
    digits : int
        The closed forms of each family are verified to this many digits first.
    on_progress : callable, optional
        Called as ``on_progress(done, total)``.

    Raises
    ------
    VmapTheoryError
        Any combination that has no edge of chaos; the message names it.

    Examples
    --------
    >>> table = eoc_table(["crelu"], [0.85], [0.5], digits=20)
    >>> round(table.rows[0].m, 4), table.provenance.formulas[0].digits_verified
    (0.8095, 20)
    """
    require_lists(families=families, sparsities=sparsities, targets=targets, q_stars=q_stars)
    jobs = [job for name in families for job in _combinations(name, sparsities, q_stars, targets)]
    total = len(families) + len(jobs)
    steps = iter(range(1, total + 1))

    def advance() -> None:
        if on_progress is not None:
            on_progress(next(steps), total)

    provenance = verified_provenance(families, digits, advance)
    rows = []
    for job in jobs:
        rows.append(_row(*job))
        advance()
    return EocTable(provenance=provenance, rows=tuple(rows))


def _combinations(
    name: str, sparsities: Iterable[float], q_stars: Iterable[float], targets: Iterable[float]
) -> list[tuple[str, float, float, float | None]]:
    unbound = family(name)
    threshold, _ = threshold_parameter(unbound)
    clipped = any(parameter.name != threshold for parameter in unbound.free_parameters)
    checked_s = [inside_open_interval("sparsity", s, 0, 1) for s in sparsities]
    checked_q = [positive("q_star", q) for q in q_stars]
    wanted = [inside_open_interval("target", t, 0, 1) for t in targets] if clipped else [None]
    return [(name, *rest) for rest in itertools.product(checked_s, checked_q, wanted)]


def _row(name: str, sparsity: float, q_star: float, target: float | None) -> EocRow:
    m: float | None
    found: Any
    try:
        if target is None:
            tau, m = threshold_for_sparsity(name, sparsity, q_star), None
            found = _unclipped(name, tau, q_star)
        else:
            found = clipping_level(name, sparsity, q_star, target=target)
            tau, m = found.tau, found.m
        try:
            points: Sequence[FixedPoint] = fixed_points(found.variance_map)
        except DegenerateMapError:  # the whole line is fixed, to rounding: no point to list
            points = ()
    except VmapTheoryError as error:
        where = f"{name}, sparsity {sparsity:g}, q_star {q_star:g}" + (f", target {target:g}" if target else "")
        raise type(error)(f"no row for {where}: {error}") from None
    return EocRow(
        family=name,
        sparsity=sparsity,
        q_star=q_star,
        target=target,
        tau=tau,
        m=m,
        sigma_w2=found.sigma_w2,
        sigma_b2=found.sigma_b2,
        slope=found.slope,
        curvature=found.curvature,
        fixed_points=tuple(point.q for point in points),
        stabilities=tuple(cast("Stability", point.stability) for point in points),
    )


def _unclipped(name: str, tau: float, q_star: float) -> EdgeOfChaos:
    threshold, _ = threshold_parameter(family(name))
    return edge_of_chaos(family(name).bind(**{threshold: tau}), q_star)
