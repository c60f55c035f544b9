r"""Gaussian moments of any activation on arrays, by certified quadrature in scaled form.

With y = |x|, n the density of N(0, q) and w = phi^2, on the segments of `kernels.segments`:

.. math::
    E[\phi^2] = \int w\, n, \qquad q\, dE/dq = \tfrac12 \int y\, w'\, n + \ldots, \qquad
    4 q^2\, d^2E/dq^2 = \int (y^2 w'' - y\, w')\, n + \ldots, \qquad E[\phi'^2] = \int \phi'^2\, n

(the dots are the terms at jumps and kinks of phi^2).  The tables of the panels do not depend on q, so that all
variances of one octave share them: a matrix of Gaussian weights times a matrix of tables gives all results.  Panels lie
in half octaves of the distance t from the start of a segment, from an eighth of the scale on which the weight falls, so
that the weight is resolved wherever it counts.

The error bound has four parts: what is left of the tables beyond degree 15 (`Panel.unresolved`), the products of degree
32 and more that the rule of 16 points does not integrate, the panels that are left out, and rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..activations.base import Activation
from ..errors import PrecisionError
from .breaks import is_differentiable_twice, point_terms
from .legendre import NODES
from .panels import Panel, inner_half_fades, log_sizes, one_panel, panels_between
from .result import MOMENT_NAMES
from .samplers import (
    BEND,
    COLUMNS,
    DERIVATIVES,
    GROWTH,
    SLOPE,
    SQUARE,
    SQUARE_Y2,
    SQUARE_Y4,
    ZERO,
    ExpressionSampler,
    FunctionSampler,
    Sampler,
)
from .segments import Segment, segments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    _Bounded = tuple[Array, Array]

_CHUNK = 512  # variances at a time: the matrix of weights, of about 500 columns, stays in a core's cache
_EPSILON = float(np.finfo(np.float64).eps)
_TINY = float(np.finfo(np.float64).tiny)
_LEAVE_OUT = 46.0  # panels below exp(-46) = 1e-20 of the largest are left out
_SURELY_FALLING = 60.0
_MOST_RINGS = 500
_MOST_PANELS = 4000
_SMALLEST_SPLIT = 1e-6
"""Of the natural length of a segment; below, halving is left to `panels_between`, which knows when to stop."""
_LARGEST_LOG = 705.0
_STEEPEST = 1.3
_PLACE = 4e-13
_BESIDE = 1e-7
_LARGEST_Q = 1e57
_PARTS = 4
"""Of an octave of variances; each has error bounds of its own."""
_OVERFLOW = 700.0
"""Logarithm of what float64 can just hold: where a panel contributes as much, the moment counts as infinite."""


@dataclass(frozen=True)
class _Track:
    """A segment with what gives values on it, and the panels made so far."""

    segment: Segment
    sampler: Sampler
    start: float
    width: float
    rings: dict[tuple[float, float], tuple[float, list[Panel]]]


@dataclass(frozen=True)
class _Window:
    """The panels that count for one octave of variances, side by side.

    `errors` are bounds of truncation for each part of the octave, panel and column, to be multiplied by
    ``exp(log_unit - low^2 / (2 q)) / sqrt(2 pi q)``; also for panels that are left out of the sums.
    """

    y: Array
    tables: Array
    log_units: Array
    lows: Array
    panel_units: Array
    errors: Array
    overflows: bool


class QuadratureRule:
    """Everything tabulated of one activation; grows as variances are asked for."""

    def __init__(self, act: Activation) -> None:
        self._label = act.label
        segments = segments_of(act)
        self._declared = frozenset(abs(float(piece.lower)) for piece in act.pieces[1:])
        points = None if act.function is not None else point_terms(act)
        self._differentiable = points is not None and all(is_differentiable_twice(segment) for segment in segments)
        self._points = [(float(p.at), float(p.jump), float(p.slope_change)) for p in points or ()]
        self._jumps = [] if act.function is None else _jumps_of_squares(act)
        self._slope_is_infinite = act.slope_is_infinite
        self._needed = [
            column
            for column in range(COLUMNS)
            if not (column == SLOPE and self._slope_is_infinite)
            and not (column in DERIVATIVES and not self._differentiable)
        ]
        never_zero = act.function is None and all(piece.expression != 0 for piece in act.pieces)
        self._tiny = np.array([0.0 if column == ZERO and never_zero else _TINY for column in range(COLUMNS)])
        self._tracks = [self._track(act, segment) for segment in segments]
        self._windows: dict[int, _Window] = {}

    def moments(self, q: Array) -> dict[str, Array]:
        """All moments and their error bounds at positive variances, in any order."""
        out = {name + kind: np.empty(q.size) for name in MOMENT_NAMES for kind in ("", "_error")}
        parts = np.floor(_PARTS * np.log2(q)).astype(int)
        for part in np.unique(parts):
            places = np.flatnonzero(parts == part)
            octave, within = divmod(int(part), _PARTS)
            window = self._window(octave)
            for begin in range(0, places.size, _CHUNK):
                here = places[begin : begin + _CHUNK]
                results = self._assembled(q[here], *self._integrals(window, within, q[here]))
                if window.overflows:  # of the probability all that is certain is that it is one
                    infinite = (np.full(here.size, np.inf),) * 2
                    results = [infinite] * (len(MOMENT_NAMES) - 1) + [(results[-1][0], np.ones(here.size))]
                for name, (value, error) in zip(MOMENT_NAMES, results, strict=True):
                    out[name][here], out[f"{name}_error"][here] = value, error
        return out

    def _integrals(self, window: _Window, part: int, q: Array) -> tuple[Array, Array]:
        """Integrals of the columns and their error bounds, shape (points, COLUMNS) each."""
        exponent = -(window.y**2) / (2 * q[:, None])
        if window.log_units.any():
            exponent += window.log_units
        norm = 1 / np.sqrt(2 * np.pi * q)[:, None]
        sums = (np.exp(np.minimum(exponent, _LARGEST_LOG)) * norm) @ window.tables
        sizes, sizes_y2 = sums[:, COLUMNS : 2 * COLUMNS], sums[:, 2 * COLUMNS :]
        rounding = _EPSILON * (sizes + 2 * sizes_y2 / q[:, None])
        outer = np.exp(np.minimum(window.panel_units - window.lows**2 / (2 * q[:, None]), _LARGEST_LOG))
        truncation = 1.001 * ((outer * norm) @ window.errors[part])
        return sums[:, :COLUMNS], rounding + truncation + self._tiny

    def _assembled(self, q: Array, values: Array, errors: Array) -> list[tuple[Array, Array]]:
        """From integrals to moments: divisions by q, terms at breaks, the better of two forms of the derivatives."""
        errors = errors + self._misplaced(q)
        w, _, _, slope, zero, _, _ = values.T
        w_error, _, _, slope_error, zero_error, _, _ = errors.T
        first, second = self._by_weights(q, values, errors)
        if self._differentiable:
            first, second = (
                _better(one, other)
                for one, other in zip((first, second), self._by_derivatives(q, values, errors), strict=True)
            )
        if self._slope_is_infinite:
            slope, slope_error = np.full(q.shape, np.inf), np.zeros(q.shape)
        return [
            (w, w_error),
            (first[0] / q, first[1] / q + _EPSILON * np.abs(first[0] / q)),
            (second[0] / q / (4 * q), (second[1] + 3 * _EPSILON * np.abs(second[0])) / q / (4 * q)),
            (slope, slope_error),
            (np.minimum(zero, 1.0), zero_error),
        ]

    def _misplaced(self, q: Array) -> Array:
        """What the jumps of a Python function add to the bounds, since their places are checked to 1e-13 alone."""
        errors = np.zeros((q.size, COLUMNS))
        for at, size in self._jumps:
            mass = _PLACE * at * np.exp(-(at**2) / (2 * q)) / np.sqrt(2 * np.pi * q)
            errors[:, [SQUARE, SQUARE_Y2, SQUARE_Y4]] += size * mass[:, None] * at ** np.array([0, 2, 4])
            errors[:, ZERO] += mass
        return errors

    def _by_weights(self, q: Array, values: Array, errors: Array) -> tuple[_Bounded, _Bounded]:
        """Bounded values of q dE/dq and 4 q^2 d^2E/dq^2 from w, w y^2 and w y^4."""
        w, z2, z4 = values[:, SQUARE], values[:, SQUARE_Y2] / q, values[:, SQUARE_Y4] / q / q
        w_error, z2_error, z4_error = errors[:, SQUARE], errors[:, SQUARE_Y2] / q, errors[:, SQUARE_Y4] / q / q
        first_error = (z2_error + w_error) / 2 + 2 * _EPSILON * (z2 + w)
        second_error = z4_error + 6 * z2_error + 3 * w_error + 8 * _EPSILON * (z4 + 6 * z2 + 3 * w)
        known = np.where(q < _LARGEST_Q, 0.0, np.inf)  # beyond, y^4 leaves float64
        return ((z2 - w) / 2, first_error + known), (z4 - 6 * z2 + 3 * w, second_error + known)

    def _by_derivatives(self, q: Array, values: Array, errors: Array) -> tuple[_Bounded, _Bounded]:
        """The same from y w'/2 and y^2 w'' - y w', with the jumps and kinks of w."""
        first, second = values[:, GROWTH], values[:, BEND]
        first_error, second_error = errors[:, GROWTH], errors[:, BEND]
        for at, jump, slope_change in self._points:
            u = at / np.sqrt(q)
            density = np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
            step, kink = jump * u * density, slope_change * np.sqrt(q) * u * u * density
            first = first + step / 2
            second = second + step * (u * u - 3) + kink
            rounding = _EPSILON * (20 + 2 * u * u)
            first_error = first_error + rounding * np.abs(step)
            second_error = second_error + rounding * (np.abs(step) * (u * u + 3) + np.abs(kink))
        return (first, first_error), (second, second_error)

    def _track(self, act: Activation, segment: Segment) -> _Track:
        sampler: Sampler = (
            ExpressionSampler(segment, self._differentiable)
            if act.function is None
            else FunctionSampler(segment, act.function, self._declared)
        )
        return _Track(segment, sampler, float(segment.start), float(segment.width), {})

    def _window(self, octave: int) -> _Window:
        if octave not in self._windows:
            self._windows[octave] = self._make_window(2.0**octave, 2.0 ** (octave + 1))
        return self._windows[octave]

    def _make_window(self, q_low: float, q_high: float) -> _Window:
        chosen = [panel for track in self._tracks for panel in self._panels_for(track, q_low, q_high)]
        sizes = np.array([_log_contributions(panel, q_high) for panel in chosen])
        counts = (sizes >= sizes.max(axis=0) - _LEAVE_OUT).any(axis=1)
        counts |= ~counts.any()  # nothing but zeros: any panel will do
        panels = [panel for panel, counting in zip(chosen, counts, strict=True) if counting]
        tables = np.concatenate([panel.tables for panel in panels])
        y = np.concatenate([panel.y for panel in panels])
        log_units = np.repeat([panel.log_unit for panel in panels], NODES)
        # In units of the last place: tables, norm and exp to 10, the sums to half their length, the exponent of a unit
        # to its size; y^2/(2 q) in the exponent adds 3/2 y^2/q.
        roundings = (20 + y.size / 2 + np.abs(log_units))[:, None]
        return _Window(
            y=y,
            tables=np.concatenate([tables, np.abs(tables) * roundings, np.abs(tables) * y[:, None] ** 2], axis=1),
            log_units=log_units,
            lows=np.array([_low_end(panel) for panel in chosen]),
            panel_units=np.array([panel.log_unit for panel in chosen]),
            errors=np.array(
                [
                    [
                        _rule_error(panel, *edges) if counting else np.abs(panel.tables).sum(axis=0)
                        for panel, counting in zip(chosen, counts, strict=True)
                    ]
                    for edges in pairwise(np.geomspace(q_low, q_high, _PARTS + 1))
                ]
            ),
            overflows=any(_overflows(panel, q_low) for panel in chosen),
        )

    def _panels_for(self, track: _Track, q_low: float, q_high: float) -> list[Panel]:
        """The panels of one segment for an octave of variances, outwards until what they contribute fades."""
        scale = min(math.sqrt(q_low), q_low / track.start if track.start else math.inf)
        edge = 2.0 ** (math.floor(2 * math.log2(scale / 8)) / 2)
        low, high = 0.0, min(edge, track.width)
        found: list[Panel] = []
        best = inner = np.full(COLUMNS, -math.inf)
        for _ in range(_MOST_RINGS):
            ring = self._ring(track, (low, high), inner, (high - low) * (track.start + (low + high) / 2) / q_low)
            found.extend(ring)
            if len(found) > _MOST_PANELS:
                raise PrecisionError(
                    f"{self._label} oscillates too fast to be followed to |x| = {track.start + high:.3g}, as q = "
                    f"{q_high:.3g} asks for: choose a smaller q, or use the closed form of vmap_theory.derive if it "
                    "has one."
                )
            for panel in ring:
                inner = np.logaddexp(inner, log_sizes(panel))
            best = np.max([best, *(_log_contributions(panel, q_high) for panel in ring)], axis=0)
            fall = high * (track.start + high / 2) / q_high
            fades = fall > _SURELY_FALLING and bool(np.all(_log_contributions(ring[-1], q_high) <= best - _LEAVE_OUT))
            overflows = any(_overflows(panel, q_low) for panel in ring)
            if high >= track.width or overflows or (fades and math.isinf(track.width)):
                return found
            low, high = high, min(high * math.sqrt(2.0), track.width)
            if fades:  # only the far end is left, where a function inside phi may turn
                low, high = max(low, track.width / 2), track.width
        raise PrecisionError(
            f"the integrals of {self._label} for q near {q_low:.3g} do not end: phi grows too fast for them to be "
            "finite there. Clip it, or choose a smaller q."
        )

    def _ring(self, track: _Track, interval: tuple[float, float], inner: Array, fall: float) -> list[Panel]:
        """The panels of an interval on which the weight falls by exp(-fall); made again for a larger fall.

        One that begins with the segment and is not smooth is made of those that smaller variances ask for too.
        """
        if interval in track.rings and track.rings[interval][0] >= fall:
            return track.rings[interval][1]
        low, high = interval
        allowed = math.inf if fall > _LARGEST_LOG else 2.0 ** math.ceil(math.log2(max(fall, 1.0)))
        ends = (0.0, track.width)
        arguments = (ends, self._needed, inner, allowed)
        panels = [] if low else one_panel(track.sampler, interval, *arguments)
        large = high > _SMALLEST_SPLIT * (track.start or min(track.width, 1.0))
        if not panels and not low and large and not inner_half_fades(track.sampler, interval, ends):
            first = self._ring(track, (0.0, high / 2), inner, fall)
            for panel in first:
                inner = np.logaddexp(inner, log_sizes(panel))
            panels = [*first, *self._ring(track, (high / 2, high), inner, fall)]
        panels = panels or panels_between(track.sampler, interval, *arguments)
        # What is one panel all the same does not depend on the fall.
        track.rings[interval] = (allowed if len(panels) > 1 else math.inf, panels)
        return panels


@lru_cache(maxsize=128)
def rule_for(act: Activation) -> QuadratureRule:
    """The quadrature rule of an activation, made once."""
    return QuadratureRule(act)


def _jumps_of_squares(act: Activation) -> list[tuple[float, float]]:
    """Where |x| a Python function jumps, and a bound of the jump of its square."""
    found = []
    for point in act.jumps:
        at = float(point.at)
        beside = np.abs(np.asarray(act([at * (1 - _BESIDE), at * (1 + _BESIDE)])))
        found.append((abs(at), float(beside.max() ** 2)))
    return found


def _better(one: _Bounded, other: _Bounded) -> _Bounded:
    """At each point the value with the smaller error bound."""
    first = one[1] <= other[1]
    return np.where(first, one[0], other[0]), np.where(first, one[1], other[1])


def _low_end(panel: Panel) -> float:
    """|x| at the inner end of a panel, or a little less: there the weight is largest."""
    first, last = float(panel.y[0]), float(panel.y[-1])
    return max(first - (last - first) / (2 * NODES), 0.0)


def _log_contributions(panel: Panel, q: float) -> Array:
    """Logarithms of bounds of what a panel contributes to each column at variances up to q."""
    logs: Array = log_sizes(panel) - _low_end(panel) ** 2 / (2 * q)
    return logs


def _overflows(panel: Panel, q: float) -> bool:
    """Whether a panel alone makes E[phi^2] larger than float64 can hold."""
    return bool(_log_contributions(panel, q)[SQUARE] - math.log(2 * math.pi * q) / 2 > _OVERFLOW)


def _rule_error(panel: Panel, q_low: float, q_high: float) -> Array:
    """Bound of the truncation error of one panel, for a weight that is 1 at its inner end.

    On a panel the weight is exp(-E) with an exponent that grows by alpha.  Its Legendre coefficients fall like those of
    an exponential, (alpha/4)^j / j! exp(-alpha/2) up to factors near 1 (2 here, and the second order of the Bessel
    function I_j); the rule is exact for products of total degree 31.  The exponent is quadratic, and on half an octave
    its slope exceeds the mean by a sixth at most.
    """
    low, high = panel.y[0], panel.y[-1]
    degrees = np.arange(NODES + 1, 2 * NODES + 1)[::-1]  # of the weight, beside degree 0, 1, ... of a table
    factorials = np.array([math.lgamma(j + 1) for j in degrees])
    largest = np.zeros(NODES)
    for q in (q_low, q_high):
        alpha = _STEEPEST * (high - low) * (high + low) / (2 * q)
        logs = degrees * math.log(max(alpha, 1e-300) / 4) - alpha / 2 + alpha**2 / (16 * (degrees + 1)) - factorials
        largest = np.maximum(largest, 2 * np.exp(np.minimum(logs, 0.0)))
    error: Array = 8 * (panel.coefficients * largest[:, None]).sum(axis=0) * (panel.high - panel.low)
    return error + 2 * panel.unresolved
