r"""The edge of chaos as a curve traced by q*, and its inverse: the point with a given sigma_b.

With E = E[phi^2] and S = E[phi'^2] at q*, the curve is ``sigma_w2 = 1 / S, sigma_b2 = B(q*) = q* - E / S``.  **B
increases wherever it is not negative**, for every activation: so the edge of chaos exists from one q* on for ever, and
each sigma_b belongs to one q* at most.  Proof, for q* = 1 (elsewhere rescale x), with E, S and ``Y = E[z^2 phi'^2]``:
By Stein's lemma ``E[z^2 phi^2] = E + 2 E[z phi phi'] <= E + 2 sqrt(E Y)``, and differentiating in q gives

.. math::
    2 S^2 B' = 2 S^2 + E Y - S\, E[z^2 \phi^2] \ge 2 S^2 - S E - 2 S \sqrt{E Y} + E Y
             = (\sqrt{E Y} - S)^2 + S (S - E) \ge 0,

for ``B = 1 - E/S >= 0`` says that E <= S.  Both terms vanish for homogeneous activations alone, whose B is 0
everywhere.  Neither kinks nor a mean of phi matter, only that phi is continuous with a finite E[phi'^2].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from scipy.optimize import elementwise

from ..activations import Activation, as_activation
from ..activations.symbols import X
from ..checks import integer_between, non_negative, positive
from ..errors import DegenerateMapError, DomainError, InfeasibleError, NoEdgeOfChaosError
from ..kernels import gaussian_moments
from .arguments import checked_array
from .edge_of_chaos import EdgeOfChaos, edge_of_chaos, require_finite_slope
from .edge_of_chaos_array import LEAST_SLOPE_MOMENT, edges_of_chaos
from .status import SolveStatus

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)
_STEP = 4.0  # factor of the steps in q that look for a bracket
_TIGHT: Any = {"xatol": 4e-16, "xrtol": 4e-16, "fatol": 0.0, "frtol": 0.0}


@dataclass(frozen=True, eq=False)
class EdgeCurve:
    """The edge of chaos of an activation over a range of q*: arrays of one length.

    Attributes
    ----------
    activation : Activation
        Of which.
    q_star : array
        Fixed points (variances), ascending, evenly spaced in the logarithm.
    sigma_w, sigma_b : array
        Standard deviations of the weights (times the root of the fan-in) and of the biases; NaN where there is no edge
        of chaos.  sigma_b does not decrease.
    status : array of uint8
        0 where there is an edge of chaos, else a number of `SolveStatus`.
    is_point : bool
        True for homogeneous activations, for which one sigma_w, with sigma_b = 0, serves every q*.
    """

    activation: Activation
    q_star: Array
    sigma_w: Array
    sigma_b: Array
    status: NDArray[np.uint8]
    is_point: bool

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """True where there is an edge of chaos."""
        found: NDArray[np.bool_] = self.status == SolveStatus.SOLVED
        return found


@dataclass(frozen=True, eq=False)
class EdgesAtBias:
    """Edges of chaos with given sigma_b: arrays of one shape.

    Attributes
    ----------
    activation : Activation
        Of which.
    sigma_b : array
        Standard deviations of the biases that were asked for.
    q_star : array
        The fixed points (variances); NaN where there is none.
    lower, upper : array
        Each fixed point lies surely between these.
    sigma_w : array
        Standard deviations of the weights, times the root of the fan-in.
    status : array of uint8
        0 where there is an edge of chaos, else a number of `SolveStatus`.
    """

    activation: Activation
    sigma_b: Any
    q_star: Any
    lower: Any
    upper: Any
    sigma_w: Any
    status: Any

    @property
    def feasible(self) -> Any:
        """True where there is an edge of chaos."""
        return self.status == SolveStatus.SOLVED


def edge_curve(act: Activation | str, q_min: float = 0.01, q_max: float = 100.0, points: int = 400) -> EdgeCurve:
    """Return the edge of chaos as a curve in the plane (sigma_b, sigma_w), traced by q*.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry; with a number for every parameter, and without jumps.
    q_min, q_max : float
        Range of q*, variances, 0 < q_min < q_max.
    points : int
        Points on the curve, 2 to 1 000 000.

    Raises
    ------
    NoEdgeOfChaosError
        phi jumps, or has an infinite slope, or E[phi'^2] is 0 in the whole range.
    InfeasibleError
        There is no edge of chaos in the whole range; the message says why.
    SymbolicParameterError, DomainError, DtypeError, UnknownNameError, PrecisionError
        A parameter has no value, or an argument is outside its domain.

    Examples
    --------
    >>> curve = edge_curve("tanh", 0.1, 10.0, points=3)
    >>> curve.sigma_w.round(4), curve.sigma_b.round(4)
    (array([1.0852, 1.4674, 2.4576]), array([0.0288, 0.3885, 2.3295]))
    >>> edge_curve("relu").is_point
    True
    """
    act = _continuous(act)
    low, high = _range(q_min, q_max)
    q = np.geomspace(low, high, integer_between("points", points, 2, 10**6))
    edges = edges_of_chaos(act, q)
    feasible = np.asarray(edges.feasible)
    if not feasible.any():
        _refuse_nowhere(act, low, high, edges.shortfall, q)
    return EdgeCurve(
        activation=act,
        q_star=q,
        sigma_w=np.sqrt(edges.sigma_w2),
        sigma_b=np.sqrt(edges.sigma_b2),
        status=edges.status,
        is_point=_is_homogeneous(act),
    )


def edges_at_bias(act: Activation | str, sigma_b: ArrayLike, q_min: float = 1e-6, q_max: float = 1e6) -> EdgesAtBias:
    """Return the edges of chaos with given standard deviations of the biases: the inverse of `edge_curve`.

    There is one at most for each sigma_b, since sigma_b increases with q* wherever there is an edge of chaos.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry; with a number for every parameter, and without jumps.
    sigma_b : array_like
        Standard deviations (not variances) of the biases, >= 0.
    q_min, q_max : float
        Range of q* that is searched.

    Returns
    -------
    EdgesAtBias
        Arrays of the shape of `sigma_b`; q* is accurate to its interval, whose ends have certain signs.  NaN where q*
        lies outside the range.  sigma_b = 0 has a q* if phi has a mean or a threshold that forbids smaller q*; tanh,
        for instance, approaches it as q* -> 0, sigma_w -> 1.

    Raises
    ------
    DegenerateMapError
        The activation is homogeneous: with sigma_b = 0 every q* is one, with any other none.
    NoEdgeOfChaosError
        phi jumps, or has an infinite slope.
    SymbolicParameterError, DomainError, DtypeError, UnknownNameError, PrecisionError
        A parameter has no value, or an argument is outside its domain.

    Examples
    --------
    >>> edges = edges_at_bias("tanh", [0.05**0.5, 0.2])
    >>> (edges.sigma_w**2).round(5), edges.q_star.round(5)
    (array([1.76095, 1.7008 ]), array([0.57005, 0.51208]))
    """
    act = _continuous(act)
    array = checked_array("sigma_b", sigma_b, non_negative)
    low, high = _range(q_min, q_max)
    if _is_homogeneous(act):
        raise DegenerateMapError(
            f"{act.label} is homogeneous: with sigma_b = 0 it is on the edge of chaos at every q*, with sigma_w = "
            f"{math.sqrt(edges_of_chaos(act, 1.0).sigma_w2):.6g}, and with another sigma_b nowhere. "
            "Use edge_of_chaos with any q_star."
        )
    flat = array.ravel()
    out = {name: np.full(flat.size, np.nan) for name in ("q_star", "lower", "upper")}
    status = np.where(np.isnan(flat), SolveStatus.MISSING, SolveStatus.OUTSIDE).astype(np.uint8)
    known = np.flatnonzero(~np.isnan(flat))
    for name, values in _search(act, flat[known] ** 2, low, high).items():
        out[name][known] = values
    found = ~np.isnan(out["q_star"])
    edges = edges_of_chaos(act, out["q_star"])
    status[found] = edges.status[found]
    shaped = {name: values.reshape(array.shape)[()] for name, values in (out | {"status": status}).items()}
    return EdgesAtBias(act, array[()], sigma_w=np.sqrt(edges.sigma_w2).reshape(array.shape)[()], **shaped)


def edge_at_bias(act: Activation | str, sigma_b: float, q_min: float = 1e-6, q_max: float = 1e6) -> EdgeOfChaos:
    """Return the edge of chaos with a given standard deviation of the biases.

    Parameters
    ----------
    act, q_min, q_max
        As in `edges_at_bias`.
    sigma_b : float
        Standard deviation (not variance) of the biases, >= 0.

    Raises
    ------
    InfeasibleError
        There is none with q* in the range; the message says on which side it would lie.
    DegenerateMapError, NoEdgeOfChaosError, SymbolicParameterError, DomainError, DtypeError, PrecisionError
        As in `edges_at_bias`.

    Examples
    --------
    >>> edge = edge_at_bias("tanh", 0.2)
    >>> round(edge.sigma_w2**0.5, 6), round(edge.q_star, 6)
    (1.304146, 0.512079)
    """
    bias = non_negative("sigma_b", sigma_b)
    found = edges_at_bias(act, bias, q_min, q_max)
    if found.status == SolveStatus.OUTSIDE:
        low, high = _range(q_min, q_max)
        value, _ = _biases(found.activation, np.array([low, high]))
        if not (value >= 0).any():
            edge_curve(found.activation, low, high)  # raises the error that says why there is none anywhere
        ends = [f"{math.sqrt(v):.6g}" if v >= 0 else "no edge of chaos" for v in value]
        raise InfeasibleError(
            f"{found.activation.label} has no edge of chaos with sigma_b = {bias:g} for q* from {low:g} to {high:g}, "
            f"where sigma_b increases from {ends[0]} to {ends[1]}. Choose another sigma_b, or widen the range of q*."
        )
    return edge_of_chaos(found.activation, float(found.q_star))


def _continuous(act: Activation | str) -> Activation:
    act = as_activation(act)
    act.require_numbers("the edge of chaos")
    require_finite_slope(act)
    return act


def _range(q_min: float, q_max: float) -> tuple[float, float]:
    low, high = positive("q_min", q_min), positive("q_max", q_max)
    if not low < high:
        raise DomainError(f"q_min = {low:g} is not below q_max = {high:g}: give an ascending range.")
    return low, high


def _refuse_nowhere(act: Activation, low: float, high: float, shortfall: Array, q: Array) -> None:
    """Raise the error for a range without an edge of chaos."""
    start = f"{act.label} has no edge of chaos for q* from {low:g} to {high:g}: "
    if not np.any(shortfall > 0):
        raise NoEdgeOfChaosError(
            f"{start}E[phi'^2] is 0 or too small for float64 at all of them. Raise q_max, or lower the threshold."
        )
    least = int(np.argmin(np.where(shortfall > 0, shortfall / q, np.inf)))
    raise InfeasibleError(
        f"{start}sigma_b2 would have to be negative; least so at q* = {q[least]:.4g}, with sigma_b2 = "
        f"{-shortfall[least]:.4g}. Raise q_max to widen the range, or shift the activation so that its mean is nearer "
        "zero."
    )


def _is_homogeneous(act: Activation) -> bool:
    """Whether phi is a line through 0 on either side, so that one pair of variances serves every q*."""
    straight = act.is_polynomial and all(sp.degree(piece.expression, gen=X) <= 1 for piece in act.pieces)
    return straight and all(point.at == 0 for point in act.breaks) and float(act(0.0)) == 0 and not act.jumps


def _biases(act: Activation, q: Array) -> tuple[Array, Array]:
    """B(q) = q - E/S, and bounds of its errors; NaN where S is 0."""
    moments = gaussian_moments(act, q, bounds=True)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        steep = np.where(moments.slope_moment > LEAST_SLOPE_MOMENT, moments.slope_moment, np.nan)
        ratio = moments.second_moment / steep
        error = (moments.second_moment_error + ratio * moments.slope_moment_error) / steep
    return q - ratio, error + 2 * _EPSILON * (q + ratio)


def _sides(act: Activation, q: Array, bias: Array) -> Array:
    """Sign of B(q) - bias where it is certain, 0 elsewhere."""
    value, error = _biases(act, q)
    return np.where(np.abs(value - bias) > error + 2 * _EPSILON * bias, np.sign(value - bias), 0.0)


def _search(act: Activation, bias: Array, low: float, high: float) -> dict[str, Array]:
    """q* with B(q*) = bias and points around it whose sides are certain; NaN where the range holds none.

    q* is at least the bias, for B(q) <= q; from there steps lead up to the first q on the upper side.
    """
    left, right = np.full(bias.size, np.nan), np.full(bias.size, np.nan)
    q = np.maximum(low, bias)
    waiting = np.flatnonzero(q < high)
    while waiting.size:
        side = _sides(act, q[waiting], bias[waiting])
        left[waiting[side < 0]] = q[waiting[side < 0]]
        above = waiting[side > 0]
        right[above] = q[above]
        waiting = waiting[(side <= 0) & (q[waiting] < high)]
        q[waiting] = np.minimum(_STEP * q[waiting], high)
    out = {name: np.full(bias.size, np.nan) for name in ("q_star", "lower", "upper")}
    here = np.flatnonzero(~np.isnan(left + right))
    if here.size:

        def excess(q: Array, bias: Array) -> Array:
            return _biases(act, q)[0] - bias

        found = elementwise.find_root(excess, (left[here], right[here]), args=(bias[here],), tolerances=_TIGHT)
        out["q_star"][here] = found.x
        out["lower"][here] = _narrowed(act, left[here], found.x, bias[here])
        out["upper"][here] = _narrowed(act, right[here], found.x, bias[here])
    return out


def _narrowed(act: Activation, end: Array, q: Array, bias: Array) -> Array:
    """Move from an end towards the root, by halving, as far as the side stays certain."""
    points = q + (end - q) * np.exp2(-np.arange(56.0))[:, None]
    points[0] = end
    sides = _sides(act, points.ravel(), np.broadcast_to(bias, points.shape).ravel()).reshape(points.shape)
    last = np.argmax(np.vstack([sides != sides[0], np.ones_like(end, dtype=bool)]), axis=0) - 1
    return np.asarray(points[last, np.arange(end.size)], dtype=np.float64)
