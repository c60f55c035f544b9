r"""Criterion ``saddle-node``: the largest clipping level up to which q* is the only fixed point.

On the edge of chaos V(q) = q at another q exactly if the mean slope of V between the two is 1.  Written without
sigma_w2, with E = E[phi^2] and S = E[phi'^2] at q*, the surplus

.. math:: g(q; m) = E(q) - E(q^*) - S (q - q^*)

has the sign of q - q*.  A second fixed point appears where the surplus first touches 0: g = 0 and V'(q) = 1 together.

For ramps with tau > 0 the first touch is the only one, and lies above q*.  With x = tau + t,

.. math::
    E(q) - E(q^*) = \int_0^m 2 t \int_{q^*}^q \frac{x}{2u} n(x; u)\, du\, dt, \qquad S = \int_0^m n(x; q^*)\, dt,

and the ratio of the integrands, ``t x int n(x; u) / (u n(x; q*)) du``, increases in t for q > q*; therefore so does the
ratio of the integrals in m, which is the mean slope.  For other activations levels are searched from below in
steps of a factor 2^(1/2), so that two touches within one step are told as one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .family import LEAST, MOST, ClippedFamily

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .family import Array

_LEVELS = np.geomspace(0.01, MOST, 25)
_SMALL_LEVELS = np.geomspace(LEAST, 0.01, 27)
_UPWARDS = np.geomspace(2e-3, 9.0, 36)  # log(q / q_star): ratios from 1.002 to 8000
_DISTANCES = np.concatenate([-np.geomspace(5e-3, 14.0, 16)[::-1], _UPWARDS])
_ZOOMS, _WINDOW = 6, 12
_NEWTON_STEPS = 12
_EPSILON = float(np.finfo(np.float64).eps)
_DIFFERENCE = 1e-5  # in log m, for the derivative in the level: the iteration gains five digits a step at its end
_LARGEST_ERROR = 1e-6


class SaddleNodes(NamedTuple):
    """The level m / sqrt(q_star), q of the tangency, and whether float64 cannot place a second fixed point."""

    ratio: Array
    tangency: Array
    unresolved: Array


class _Bracket(NamedTuple):
    """No second fixed point is seen at the low level, one is at the high level, with log(q / q_star) in a window."""

    low: Array
    high: Array
    left: Array
    right: Array


def saddle_nodes(family: ClippedFamily, tau: Array, q_star: Array) -> SaddleNodes:
    """The first level at which the surplus touches 0; NaN where none is seen up to the largest level."""
    nan = np.full(q_star.shape, np.nan)
    found = SaddleNodes(nan.copy(), nan.copy(), np.zeros(q_star.shape, dtype=bool))
    waiting = np.arange(q_star.size)
    for levels in (_LEVELS, _SMALL_LEVELS):  # few elements need the small ones
        first, here, bracket = _first_crossing(family, tau[waiting], q_star[waiting], levels)
        here = waiting[here]
        if here.size:
            bracket = _zoomed(family, tau[here], q_star[here], bracket)
            ratio, tangency, error = _touch(family, tau[here], q_star[here], bracket)
            sure = error < _LARGEST_ERROR
            found.ratio[here] = np.where(sure, ratio, np.nan)
            found.tangency[here] = np.where(sure, tangency, np.nan)
            found.unresolved[here] = ~sure
        waiting = waiting[first]
    return found


def _first_crossing(
    family: ClippedFamily, tau: Array, q_star: Array, levels: Array
) -> tuple[NDArray[np.intp], NDArray[np.intp], _Bracket]:
    """Indices of the elements that have a second fixed point at the first level; of those that get one; and where."""
    waiting = np.arange(q_star.size)
    at_first, places, brackets = waiting[:0], [], []
    for index, level in enumerate(levels):
        seen = _crosses(family, np.full(waiting.size, level), tau[waiting], q_star[waiting], _DISTANCES[:, None])
        any_seen = seen.any(axis=0)
        if not index:
            at_first = waiting[any_seen]
        elif any_seen.any():
            places.append(waiting[any_seen])
            left, right = _hull(seen[:, any_seen], np.broadcast_to(_DISTANCES[:, None], seen.shape)[:, any_seen])
            low, high = (np.full(left.size, end) for end in (levels[index - 1], level))
            brackets.append(_Bracket(low, high, left, right))
        waiting = waiting[~any_seen]
        if not waiting.size:
            break
    if not places:
        return at_first, waiting[:0], _Bracket(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
    low, high, left, right = (np.concatenate(part) for part in zip(*brackets, strict=True))
    return at_first, np.concatenate(places), _Bracket(low, high, left, right)


def _zoomed(family: ClippedFamily, tau: Array, q_star: Array, bracket: _Bracket) -> _Bracket:
    """Halve the step of levels and shrink the window of q, some times."""
    low, high, left, right = bracket
    fractions = np.linspace(0, 1, _WINDOW)[:, None]
    for _ in range(_ZOOMS):
        middle = np.sqrt(low * high)
        distances = left + fractions * (right - left)
        seen = _crosses(family, middle, tau, q_star, distances)
        some = seen.any(axis=0)
        first, last = _hull(np.where(some, seen, True), distances)
        low, high = np.where(some, low, middle), np.where(some, middle, high)
        left, right = np.where(some, first, left), np.where(some, last, right)
    return _Bracket(low, high, left, right)


def _hull(seen: NDArray[np.bool_], distances: Array) -> tuple[Array, Array]:
    """The neighbours of the first and the last place where a crossing was seen, on one side of q_star."""
    count = seen.shape[0]
    first, last = seen.argmax(axis=0), count - 1 - seen[::-1].argmax(axis=0)
    columns = np.arange(seen.shape[1])
    left, right = distances[np.maximum(first - 1, 0), columns], distances[np.minimum(last + 1, count - 1), columns]
    inner = distances[first, columns], distances[last, columns]
    left = np.where(left * inner[0] > 0, left, inner[0] / 8)
    return left, np.where(right * inner[1] > 0, right, inner[1] / 8)


def _crosses(family: ClippedFamily, ratio: Array, tau: Array, q_star: Array, distance: Array) -> NDArray[np.bool_]:
    """Where V surely lies beyond the identity, seen from q_star: one row for each log(q / q_star)."""
    surplus, error = surpluses(family, ratio, tau, q_star, q_star * np.exp(distance))
    beyond: NDArray[np.bool_] = np.sign(distance) * surplus > error
    return beyond


def surpluses(family: ClippedFamily, ratio: Array, tau: Array, q_star: Array, q: Array) -> tuple[Array, Array]:
    """g(q; m) = E(q) - E(q*) - S (q - q*), in which S = E[phi'^2] at q*, and bounds of its errors."""
    at, there = (family.moments(ratio, tau, q_star, where, bounds=True) for where in (q_star, q))
    distance = q - q_star
    value = there.second_moment - at.second_moment - at.slope_moment * distance
    error = there.second_moment_error + at.second_moment_error + at.slope_moment_error * np.abs(distance)
    rounding = 2 * _EPSILON * (there.second_moment + at.second_moment + at.slope_moment * (q + q_star))
    return value, error + rounding


def _touch(family: ClippedFamily, tau: Array, q_star: Array, bracket: _Bracket) -> tuple[Array, Array, Array]:
    """Return m / sqrt(q_star) and q where surplus and slope are both 0, and the relative error of the level.

    A step in q at a fixed level is Newton's on V'(q) = 1; a step in the level at a fixed q is Newton's on surplus 0.
    Where V' = 1 the surplus does not depend on q, so the errors of the two do not feed each other.
    """
    ratio = bracket.high
    distance = (bracket.left + bracket.right) / 2
    q = q_star * np.exp(distance)
    span = bracket.right - bracket.left
    error = np.full(q.shape, np.inf)
    for _ in range(_NEWTON_STEPS):
        at, there = family.moments(ratio, tau, q_star), family.moments(ratio, tau, q_star, q)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = (there.d_second_moment - at.slope_moment) / (q * there.d2_second_moment)
        q = q * np.exp(-np.clip(np.nan_to_num(step), -span, span))
        surplus, bound = surpluses(family, ratio, tau, q_star, q)
        raised, _ = surpluses(family, ratio * math.exp(_DIFFERENCE), tau, q_star, q)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slope = (raised - surplus) / _DIFFERENCE
            move = np.clip(np.nan_to_num(surplus / slope), -1, 1)
            error = np.abs(bound / slope) + np.abs(move)
        ratio = np.clip(ratio * np.exp(-move), 0.9 * bracket.low, 1.1 * bracket.high)
    return ratio, q, np.where(np.isfinite(error), error, np.inf)


def why_no_saddle_node(family: ClippedFamily, sparsity: float, tau: float, q: float, unresolved: bool) -> str:
    """The reason that `saddle_nodes` found none."""
    start = f"no clipping level of {family.act.name} at sparsity {sparsity:g} gives V a second fixed point: "
    if unresolved:
        return (
            f"the level at which {family.act.name} at sparsity {sparsity!r} gets a second fixed point cannot be told "
            f"in float64: tau = {tau:g} is so near 0 that V touches the identity within rounding. Choose a larger "
            "sparsity, or the criterion 'slope'."
        )
    grid = np.geomspace(1e-4, 1e4, 81)[:, None] * q
    moments = family.moments(_LEVELS, tau, q, grid, bounds=True)
    if np.all(moments.d2_second_moment <= moments.d2_second_moment_error):
        return (
            f"{start}V is concave at tau = {tau:g}, so q_star is the only fixed point whatever the level. "
            "Choose a sparsity that needs a threshold above 0, or the criterion 'slope'."
        )
    if _crosses(family, _SMALL_LEVELS[:1], np.array([tau]), np.array([q]), _DISTANCES[:, None]).any():
        return (
            f"at sparsity {sparsity:g} {family.act.name} has another fixed point beside q_star at a level as small as "
            f"{LEAST:g} sqrt(q_star) already. Choose another sparsity or q_star, or the criterion 'slope'."
        )
    return (
        f"{start}none is seen up to a level of {MOST:g} sqrt(q_star). Choose another sparsity, or the criterion "
        "'slope'."
    )
