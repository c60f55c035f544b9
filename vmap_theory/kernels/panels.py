"""Panels on a segment, halved until what is integrated is a polynomial to rounding on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PrecisionError
from .legendre import legendre_analysis, unit_rule
from .samplers import SLOPE, SQUARE, TAIL, ZERO, Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_RESOLVED = 2e-15
_NEGLIGIBLE = 1e-18
_LARGEST_LOG = 700.0
_DEEPEST = 250
_MOST_PANELS = 2000
_PROBES = (1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12)
"""Of the width of a panel; the outermost node lies at 5e-3."""
_VISIBLE = 1e-15
_DEVIATION = 1e-11
_AMPLIFIED = 1e3
_HALF = 0.5
_FADING = 60.0


@dataclass(frozen=True)
class Panel:
    """Tables on ``low < t < high``.

    Attributes
    ----------
    y : array, shape (NODES,)
        |x| at the nodes.
    tables : array, shape (NODES, COLUMNS)
        Columns times quadrature weights, divided by ``exp(log_unit)``.
    coefficients : array, shape (NODES, COLUMNS)
        Sizes of the Legendre coefficients of the columns, in the same unit.
    unresolved : array, shape (COLUMNS,)
        Bound of what is not a polynomial of degree 15 on the panel, in the same unit, largest value times length.
    rounding : array, shape (COLUMNS,)
        The part of `unresolved` that is error of the values, which no smaller panel makes better.
    missed : array, shape (COLUMNS,)
        The part of `unresolved` that probes near the ends of the segment found, where no node lies.
    log_unit : float
        0 but for panels whose values leave the range of float64.
    """

    low: float
    high: float
    y: Array
    tables: Array
    coefficients: Array
    unresolved: Array
    rounding: Array
    missed: Array
    log_unit: float


def panels_between(
    sampler: Sampler,
    interval: tuple[float, float],
    ends: tuple[float, float],
    needed: Sequence[int],
    inner: Array,
    fall: float,
) -> list[Panel]:
    """Tabulate an interval of t, halved where it must be.

    `ends` are those of the segment; `needed` are the columns that have to be resolved, and `inner` the logarithms of
    the integrals of their sizes from the start of the segment to the interval: the Gaussian weight falls outwards, so
    that nothing has to be resolved better than to rounding of these.  Over the interval it falls by exp(-fall) at most,
    so that nothing has to be resolved better than to rounding of exp(-fall) times the whole either.

    Raises
    ------
    PrecisionError
        An integral diverges, or phi oscillates too fast to be resolved.
    """
    whole = _panel(sampler, *interval, ends)
    budget = np.maximum(inner, log_sizes(whole) - fall)
    result: list[Panel] = []
    wanted = np.isin(np.arange(len(budget)), needed)
    waiting = [(whole, 0)]
    while waiting:
        panel, depth = waiting.pop()
        rough = _rough_columns(panel, budget, halved=depth > 0) & wanted
        if not any(rough):
            result.append(panel)
            budget = np.maximum(budget, log_sizes(panel))
            continue
        if any(rough[: SLOPE + 1]):
            sampler.allow_halving(panel.y, (panel.low, panel.high), depth, ends)
        middle = (panel.low + panel.high) / 2
        if not panel.low < middle < panel.high and not any(rough[: SLOPE + 1]):
            result.append(panel)  # the edge of a stretch of zeros, to the last bit
            continue
        done = depth >= _DEEPEST or len(result) + len(waiting) >= _MOST_PANELS
        if done or not panel.low < middle < panel.high:
            raise PrecisionError(
                f"the integrals do not converge near |x| = {panel.y[0]:.9g}: phi^2 or phi'^2 has no finite integral "
                "there, or oscillates faster than can be followed. Clip or smooth the activation there."
            )
        waiting.append((_panel(sampler, middle, panel.high, ends), depth + 1))
        # The next to come: inner panels measure outer ones.
        waiting.append((_panel(sampler, panel.low, middle, ends), depth + 1))
    return result


def one_panel(
    sampler: Sampler,
    interval: tuple[float, float],
    ends: tuple[float, float],
    needed: Sequence[int],
    inner: Array,
    fall: float,
) -> list[Panel]:
    """The interval as one panel if it is smooth enough, else nothing; arguments as for `panels_between`."""
    whole = _panel(sampler, *interval, ends)
    rough = _rough_columns(whole, np.maximum(inner, log_sizes(whole) - fall), halved=False)
    return [] if any(rough[list(needed)]) else [whole]


def inner_half_fades(sampler: Sampler, interval: tuple[float, float], ends: tuple[float, float]) -> bool:
    """Whether the inner half of an interval is nothing beside the whole, as for exp(-1/x^2) near 0."""
    low, high = interval
    whole, half = _panel(sampler, low, high, ends), _panel(sampler, low, (low + high) / 2, ends)
    return bool(np.all(log_sizes(half) <= log_sizes(whole) - _FADING))


def log_sizes(panel: Panel) -> Array:
    """Logarithms of the integrals of the sizes of the columns over a panel."""
    with np.errstate(divide="ignore"):
        logs: Array = np.log(np.abs(panel.tables).sum(axis=0)) + panel.log_unit
    return logs


def _rough_columns(panel: Panel, budget: Array, *, halved: bool) -> NDArray[np.bool_]:
    """The columns that are neither resolved nor, after a halving, negligible; `budget` is a logarithm."""
    width = panel.high - panel.low
    mass, tail = _largest(panel) * width, _tail(panel) * width
    share = np.exp(np.clip(budget - panel.log_unit, -_LARGEST_LOG, _LARGEST_LOG))
    enough = np.maximum(_RESOLVED * np.maximum(mass, share), panel.rounding)
    resolved = np.maximum(tail, panel.missed) <= enough
    negligible = (mass <= _NEGLIGIBLE * share) & halved
    rough: NDArray[np.bool_] = ~(resolved | negligible)
    return rough


def _panel(sampler: Sampler, low: float, high: float, ends: tuple[float, float]) -> Panel:
    if low > ends[0] or sampler.start == 0.0:
        sampler.check_edge(low)
    values, errors, log_unit = sampler.columns(low, high)
    width = high - low
    coefficients = legendre_analysis() @ values
    missed = _missed(sampler, (low, high), ends, coefficients, errors, log_unit)
    sizes = np.abs(coefficients)
    return Panel(
        low,
        high,
        sampler.distances(low, high),
        values * (unit_rule()[1] * width)[:, None],
        sizes,
        (4 * sizes[-TAIL:].max(axis=0) + errors) * width + missed,
        errors * width,
        missed,
        log_unit,
    )


def _missed(
    sampler: Sampler,
    interval: tuple[float, float],
    ends: tuple[float, float],
    coefficients: Array,
    errors: Array,
    log_unit: float,
) -> Array:
    """What hides between the outermost node and an end of the segment, where functions turn: found by probes."""
    low, high = interval
    missed = np.zeros(coefficients.shape[1])

    def expected(points: Sequence[float]) -> Any:
        return np.polynomial.legendre.legval((2 * np.array(points) - low - high) / (high - low), coefficients).T

    inner = list(sampler.checkpoints(low, high))
    if inner and _deviates(sampler.at(inner, log_unit), expected(inner), errors):
        return np.full(coefficients.shape[1], np.inf)
    for end, inward in ((low, 1.0), (high, -1.0)):
        if end not in ends or end == 0.0 == sampler.start:
            continue
        distances = (high - low) * np.array(_PROBES)
        points = [t for t in end + inward * distances if low < t < high]
        if not points:
            continue
        found = sampler.at(points, log_unit)
        if inner and _deviates(found, expected(points), errors):
            return np.full(coefficients.shape[1], np.inf)
        if inner and bool((np.abs(found - expected(points))[:, ZERO] > _HALF).any()):
            missed[ZERO] = 2 * (high - low)
        # A feature that shows at one probe may reach to the next, ten times or more as far.
        reach = 100 * np.abs(np.array(points) - end)
        missed = np.fmax(missed, (np.abs(found - expected(points)) * reach[:, None]).max(axis=0, initial=0.0))
    if inner and bool((np.abs(sampler.at(inner, log_unit) - expected(inner))[:, ZERO] > _HALF).any()):
        missed[ZERO] = 2 * (high - low)
    visible = missed > _VISIBLE * np.abs(coefficients).max(axis=0) * (high - low)
    return np.where(visible, missed, 0.0)


def _deviates(found: Array, expected: Any, errors: Array) -> bool:
    """Whether phi^2 leaves the interpolating polynomial by more than rounding, which the polynomial amplifies."""
    allowed = _DEVIATION * np.abs(expected[:, SQUARE]).max() + _AMPLIFIED * errors[SQUARE]
    return bool(np.abs(found - expected)[:, SQUARE].max() > allowed)


def _largest(panel: Panel) -> Array:
    sizes: Array = np.abs(panel.tables / unit_rule()[1][:, None]).max(axis=0) / (panel.high - panel.low)
    return sizes


def _tail(panel: Panel) -> Array:
    """The last Legendre coefficients, which tell whether a panel is resolved."""
    tail: Array = panel.coefficients[-TAIL:].max(axis=0)
    return tail
