r"""Variances below and above which the sign of V(q) - q is certain, from the signs of psi near 0 and far out.

With s = 1/q, t = x^2/2 and T where psi begins to change its sign, ``e^(sT)`` times the Laplace transform of psi is a
part on t < T of one sign, which grows with s, and the rest, which fades with s.  So once the first outweighs the rest
at one variance, it does so at all smaller ones; and the other way round far out.  What is left to bound:

- the part of psi that is negative has psi >= -x^2, whose Gaussian integrals are known in closed form;
- the integral of phi^2 over |x| > X, X^2 = 2T, at q is at most ``sqrt(2) exp(-X^2/(4q))`` times E[phi^2] at 2q, and
  over |x| < X at most ``sqrt(q_1/q) exp(X^2 (1/q_1 - 1/q)/2)`` times E[phi^2] at any q_1 < q.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import erfc

from .map_array import MapArray
from .sign_patterns import EndSigns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Signs = NDArray[np.int8]

_RUNGS, _SAMPLED_RUNGS = 40, 16  # of the second kind each costs tables of quadrature
_RUNG = 4.0
_LEAST_Q, _LARGEST_Q = 1e-290, 1e290  # inside the range in which the moments can be told
_SAFE = 1 + 1e-9
_ROUNDING = 1e-15  # of 1 less a share


@dataclass(frozen=True)
class SearchInterval:
    """Where fixed points can lie, arrays.

    Attributes
    ----------
    low, high : array
        All fixed points lie between them, where proven.
    sign_low, sign_high : array of int
        Sign of V(q) - q at and beyond them; 0 where not proven.
    is_empty : array of bool
        Where psi has one sign, so that there is nothing to search; there `low` and `high` are 1.
    """

    low: Array
    high: Array
    sign_low: Signs
    sign_high: Signs
    is_empty: NDArray[np.bool_]


def search_interval(maps: MapArray, signs: EndSigns) -> SearchInterval:
    """Return the interval outside of which V(q) - q keeps its sign."""
    with np.errstate(all="ignore"):
        return _search_interval(maps, signs)


def _search_interval(maps: MapArray, signs: EndSigns) -> SearchInterval:
    is_empty = ~signs.is_uniform & (signs.first == signs.last) & (signs.first != 0) & (signs.begin >= signs.end)
    low, high = np.ones((2, is_empty.size))
    sign_low, sign_high = signs.first.copy(), signs.last.copy()
    uniform = signs.is_uniform & (signs.first != 0) & (signs.last != 0)
    low[uniform], high[uniform] = _within(signs.begin[uniform] ** 2), _within(signs.end[uniform] ** 2)
    biased = uniform & (maps.sigma_b2 / 2 >= _LEAST_Q)
    low[biased] = np.minimum(low, maps.sigma_b2 / 2)[biased]
    rest = np.flatnonzero(~(is_empty | uniform))
    if rest.size:
        some, theirs = maps.chosen(rest), signs.at(rest)
        low[rest], sign_low[rest] = _lower_end(some, theirs)
        high[rest], sign_high[rest] = _upper_end(some, theirs, low[rest])
    return SearchInterval(low, high, sign_low, sign_high, is_empty)


def _lower_end(maps: MapArray, signs: EndSigns) -> tuple[Array, Signs]:
    low = np.full(maps.sigma_w2.size, np.nan)
    sign = np.zeros(low.size, dtype=np.int8)
    biased = maps.sigma_b2 / 2 >= _LEAST_Q  # V >= sigma_b2 > q below sigma_b2
    low[biased], sign[biased] = maps.sigma_b2[biased] / 2, 1
    todo = np.flatnonzero(~biased & (signs.first != 0) & np.isfinite(signs.begin))
    for rung in range(_RUNGS):
        q = _within(signs.begin[todo] ** 2 * _RUNG**-rung)
        far = signs.begin[todo] / np.sqrt(q)
        here, twice = maps.jets(todo, q), maps.jets(todo, 2 * q)
        mass, square = outside(far)
        above = square_outside(far, twice.high[0]) + here.bias * mass
        rest = np.where(signs.first[todo] > 0, above, square)
        proven = here.ratio * signs.first[todo] > rest * _SAFE + here.error
        low[todo[proven]], sign[todo[proven]] = q[proven], signs.first[todo[proven]]
        todo = todo[~proven]
        if not todo.size:
            break
    unproven = np.isnan(low)
    low[unproven] = _within(np.where(np.isfinite(signs.begin), signs.begin, 1.0)[unproven] ** 2 * _RUNG**-_RUNGS)
    return low, sign


def _upper_end(maps: MapArray, signs: EndSigns, low: Array) -> tuple[Array, Signs]:
    high = np.full(low.size, np.nan)
    sign = np.zeros(low.size, dtype=np.int8)
    todo = np.flatnonzero((signs.last != 0) & np.isfinite(signs.end))
    ends = np.where(np.isfinite(signs.end), signs.end, 1.0)
    near_q = _within(np.maximum(np.minimum(ends**2, signs.reach / _RUNG), low))
    near = maps.jets(np.arange(low.size), near_q)
    rungs = _RUNGS if maps.act.is_polynomial else _SAMPLED_RUNGS
    for rung in range(1, rungs + 1):
        todo = todo[near_q[todo] * _RUNG**rung <= signs.reach]
        if not todo.size:
            break
        q = _within(near_q[todo] * _RUNG**rung)
        close = signs.end[todo] / np.sqrt(q)
        here = maps.jets(todo, q)
        mass, square = (1 - share for share in outside(close))
        above = square_inside(close, near_q[todo] / q, near.high[0][todo]) + here.bias * mass
        rest = np.where(signs.last[todo] > 0, above, np.maximum(square, 0) + _ROUNDING)
        proven = here.ratio * signs.last[todo] > rest * _SAFE + here.error
        high[todo[proven]], sign[todo[proven]] = q[proven], signs.last[todo[proven]]
        todo = todo[~proven]
    unproven = np.isnan(high)
    high[unproven] = _within(np.minimum(near_q[unproven] * _RUNG**rungs, signs.reach))
    return np.maximum(high, 2 * low), sign


def outside(far: Array) -> tuple[Array, Array]:
    """P(|Z| > far) and E[Z^2; |Z| > far]."""
    mass = erfc(far / np.sqrt(2))
    return mass, mass + 2 * far * np.exp(-far * far / 2) / np.sqrt(2 * np.pi)


def square_outside(far: Array, at_twice: Array) -> Array:
    """Bound of sigma_w2 E[phi^2; |X| > far sqrt(q)]/q from A_0 at 2q."""
    bound: Array = 2 * np.sqrt(2.0) * np.exp(-far * far / 4) * at_twice
    return bound


def square_inside(close: Array, smaller: Array, at_smaller: Array) -> Array:
    """Bound of sigma_w2 E[phi^2; |X| < close sqrt(q)]/q from A_0 at a smaller variance, `smaller` times q."""
    bound: Array = at_smaller * smaller**1.5 * np.exp(close * close * (1 / smaller - 1) / 2)
    return bound


def _within(q: Any) -> Array:
    clipped: Array = np.clip(q, _LEAST_Q, _LARGEST_Q)
    return clipped
