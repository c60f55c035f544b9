r"""The depth scale of correlations in the chaotic phase, from the Hermite series of phi.

With ``a_k = E[phi(sqrt(q) Z) He_k(Z)] / sqrt(k!)`` and correlation rho of two inputs

.. math:: R(\rho) = \frac1q \Bigl(\sigma_w^2 \sum_k a_k^2 \rho^k + \sigma_b^2\Bigr), \qquad \sum_k a_k^2 = E[\phi^2].

No coefficient is negative, so R is convex on [0, 1]; with R(1) = 1 and R'(1) = chi_1 > 1 there is one other fixed point
rho* in [0, 1), and it attracts.  The coefficients that are left out sum to what E[phi^2] has more, which bounds their
part of R(rho) and so encloses rho* and R'(rho*).

Coefficients come from the kinks if phi is piecewise linear, by parts: ``a_k = sqrt(q/(k(k-1))) sum_i J_i e_{k-2}(h_i)
n(h_i)`` for kinks at ``sqrt(q) h_i`` with slope changes J_i, normalised Hermite polynomials ``e_k = He_k / sqrt(k!)``
and the normal density n.  If phi has no breaks but at 0, they come from Gauss-Legendre quadrature.

The coefficients have errors of their own, of rounding and of quadrature; those of the latter are taken from a second
rule with panels twice as wide.  They enter both ends of the enclosure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from ..activations.symbols import X
from ..kernels import gaussian_moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_TERMS = (128, 1024)  # the second for cells that the first leaves too wide: rho* near 1
_CHUNK = 2048  # cells at a time: 16 MB of 1024 coefficients
_NEWTON_STEPS = 60
_WIDEST = 1e-6  # relative width of the enclosure of a depth scale that is told
_REACH, _PANELS, _NODES = 13.0, 104, 16  # quadrature in z; beyond, exp(-z^2/4) is below 1e-18
_ROUNDING = 1e-13  # of E[phi^2], in what is left out
_KINK_ROUNDING = 16 * 2.2e-16  # of the terms of a coefficient
_NODE_ROUNDING = 4 * 2.2e-16  # of the root of E[phi^2]
_SAFETY = 2.0  # on the difference of two rules


def chaotic_depth(act: Activation, sigma_w2: Array, sigma_b2: Array, q: Array) -> Array:
    """Return ``xi_c = -1/ln R'(rho*)`` at fixed points q with chi_1 > 1.

    Parameters
    ----------
    act : Activation
        With numbers for all parameters.
    sigma_w2, sigma_b2, q : one-dimensional array
        Cells: variances of weights and biases, and a fixed point of V with chi_1 > 1.

    Returns
    -------
    array
        With a relative error below 1e-6.  NaN where that is out of reach: rho* within about 0.01 of 1, R'(rho*) so
        small that rounding drowns it (below some 1e-25), phi that oscillates faster than quadrature resolves; and
        everywhere if phi is neither piecewise linear nor smooth but at 0.
    """
    depth = np.full(q.shape, np.nan)
    if act.jumps or not (_is_piecewise_linear(act) or _is_smooth_but_at_0(act)):
        return depth
    for terms in _TERMS:
        left = np.flatnonzero(np.isnan(depth))
        for begin in range(0, left.size, _CHUNK):
            here = left[begin : begin + _CHUNK]
            depth[here] = _depths(act, terms, sigma_w2[here], sigma_b2[here], q[here])
    return depth


def _depths(act: Activation, terms: int, sigma_w2: Array, sigma_b2: Array, q: Array) -> Array:
    coefficients, errors = _coefficients(act, terms, q)
    least, most = np.maximum(np.abs(coefficients) - errors, 0.0) ** 2, (np.abs(coefficients) + errors) ** 2
    total = np.asarray(gaussian_moments(act, q).second_moment)
    rest = total - least.sum(axis=0) + _ROUNDING * total
    series = sigma_w2 / q * np.concatenate([least, np.zeros((1, q.size))])
    series[0] += sigma_b2 / q
    low_rho = _fixed_point(series)
    low = _slope(series, low_rho)
    # All that is left out, put into the first term left out, gives at least the rest's R; its slope is at least that of
    # the rest too as long as k rho^(k-1) falls with k, which it does above -1/ln rho.
    series[:-1] = sigma_w2 / q * most
    series[0] += sigma_b2 / q
    series[-1] = sigma_w2 / q * np.maximum(rest, 0.0)
    high_rho = _fixed_point(series)
    high = _slope(series, high_rho)
    with np.errstate(divide="ignore", invalid="ignore"):
        falls = terms * -np.log(high_rho) > 1
        shallow, deep = -1 / np.log(low), -1 / np.log(high)
        sure = (rest >= 0) & falls & (low > 0) & (high < 1) & (deep - shallow <= _WIDEST * deep)
    return np.where(sure, (shallow + deep) / 2, np.nan)


def _fixed_point(series: Array) -> Array:
    """The least rho in [0, 1] with R(rho) = rho; Newton's steps from 0 ascend to it, for R is convex."""
    rho = np.zeros(series.shape[1])
    for _ in range(_NEWTON_STEPS):
        value, slope = _value_and_slope(series, rho)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.nan_to_num((value - rho) / (1 - slope))
        following = np.clip(rho + np.maximum(step, 0.0), 0.0, 1.0)
        if np.array_equal(following, rho):
            break
        rho = following
    return rho


def _slope(series: Array, rho: Array) -> Array:
    return _value_and_slope(series, rho)[1]


def _value_and_slope(series: Array, rho: Array) -> tuple[Array, Array]:
    """R and R' by Horner's rule; all terms are non-negative."""
    value, slope = np.zeros_like(rho), np.zeros_like(rho)
    for coefficient in series[::-1]:
        slope = slope * rho + value
        value = value * rho + coefficient
    return value, slope


def _is_piecewise_linear(act: Activation) -> bool:
    return act.is_polynomial and all(piece.expression.diff(X, 2) == 0 for piece in act.pieces)


def _is_smooth_but_at_0(act: Activation) -> bool:
    return all(point.at == 0 for point in act.breaks)


def _coefficients(act: Activation, terms: int, q: Array) -> tuple[Array, Array]:
    """a_0 to a_(terms - 1), of shape (terms, cells), and bounds of their errors in each cell."""
    return _from_kinks(act, terms, q) if _is_piecewise_linear(act) else _from_nodes(act, terms, q)


def _from_kinks(act: Activation, terms: int, q: Array) -> tuple[Array, Array]:
    """By parts, for k >= 2; a_0 and a_1 from the quadrature-free moments of ramps."""
    from scipy.special import ndtr

    root = np.sqrt(q)
    left = act.pieces[0].expression
    alpha = float(left.coeff(X, 1))
    coefficients = np.zeros((terms, q.size))
    coefficients[0] = float(left.coeff(X, 0))
    coefficients[1] = alpha * root
    size = np.abs(coefficients[0]) + np.abs(coefficients[1])  # of the terms that are added up
    for kink in act.kinks:
        change, h = float(kink.slope_change), float(kink.at) / root
        density = np.exp(-h * h / 2) / np.sqrt(2 * np.pi)
        coefficients[0] += change * root * (density - h * ndtr(-h))
        coefficients[1] += change * root * ndtr(-h)
        # |e_k(h)| n(h) < 0.44 exp(-h^2 / 4) by Cramer's inequality; its slope in h, which is rounded too, grows as
        # sqrt(k), and errors of the recurrence as k: both are made up for by the 1/k of a_k.
        size += np.abs(change) * root * ((1 + np.abs(h)) * ndtr(-h) + (1 + h * h) * np.exp(-h * h / 4))
        for k, hermite in enumerate(_hermite(h, density, terms - 2), start=2):
            coefficients[k] += change * root * hermite / np.sqrt(k * (k - 1.0))
    return coefficients, _KINK_ROUNDING * size


def _from_nodes(act: Activation, terms: int, q: Array) -> tuple[Array, Array]:
    fine, coarse = (_by_rule(act, terms, q, panels) for panels in (_PANELS, _PANELS // 2))
    # Both rules round, at points of their own: the largest difference is of the size of rounding errors at least.
    spread = np.abs(fine - coarse).max(axis=0)
    return fine, _SAFETY * spread + _NODE_ROUNDING * np.sqrt((fine**2).sum(axis=0))


def _by_rule(act: Activation, terms: int, q: Array, panels: int) -> Array:
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(-_REACH, _REACH, panels + 1)  # 0 is one of them
    half = (edges[1] - edges[0]) / 2
    z = ((edges[:-1] + half)[:, None] + half * node).ravel()
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * np.tile(weight * half, panels)
    hermite = np.stack(list(_hermite(z, density, terms)))
    values = np.asarray(act(np.sqrt(q)[:, None] * z))
    found: Array = hermite @ values.T
    return found


def _hermite(z: Array, first: Array, terms: int) -> list[Array]:
    """Normalised Hermite polynomials of degree 0 to terms - 1 at z, each times `first`."""
    found = [first, z * first]
    for k in range(1, terms - 1):
        found.append((z * found[k] - np.sqrt(k) * found[k - 1]) / np.sqrt(k + 1.0))
    return found[:terms]
