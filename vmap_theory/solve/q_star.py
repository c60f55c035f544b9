"""q* as a knob: what changes on the edge of chaos with q*, when this or that is held fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation, as_activation
from ..activations.parameters import exact_number
from ..checks import inside_open_interval, positive
from ..finite_width.derived import derived
from ..finite_width.layer_noise import ROUNDING
from ..finite_width.moments import square_noise
from ..kernels import gaussian_moments
from ..kernels.slope_derivative import slope_moment_derivative
from .edge_of_chaos import require_finite_slope
from .edge_of_chaos_array import EdgesOfChaos, edges_of_chaos
from .held import held_parameters
from .status import SolveStatus

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

_LEAST_FOURTH = 1e-290  # of E[phi^4], below which it loses digits


@dataclass(frozen=True, eq=False)
class QStarEffects:
    """Properties of maps on their edges of chaos against q*: arrays of one shape, NaN where there is no such edge.

    All but q_star, tau, m, `sigma_b2`, `curvature` and `sensitivity` are pure numbers, the same in every unit of q.

    Attributes
    ----------
    activation : Activation
        What was given.
    hold : str
        What was held fixed.
    q_star : array
        The fixed points, variances.
    parameters : mapping of str to array
        Every parameter that varies or was given, by name.
    tau, m : array
        Threshold and clipping level, under these names whatever the activation calls them; NaN if it has none.
    sigma_w2, sigma_b2 : array
        Variance of the weights times fan-in, and of the biases.
    sparsity : array
        P(phi = 0) at q*.
    slope, curvature : array
        V'(q*), and V''(q*) in 1 over the unit of q.
    sensitivity : array
        d chi_1/dq at q*, in 1 over the unit of q.
    distance : float
        d, the relative distance from q* at which `asymmetry` and `drift` are taken.
    asymmetry : array
        (up - down)/(up + down) with up = V(q* + d q*) - q* and down = q* - V(q* - d q*): 0 if V is symmetric about its
        fixed point, and between -1 and 1 if it rises.  For small d it is d q* V''/(2 V').
    drift : array
        (up - down)/(2 d q*): the same step, not divided by the slope; for small d it is d q* V''/2.
    noise : array
        sigma_w^4 Var[phi^2]/q*^2: one layer of n units gives Q/q* a variance of noise/n.  NaN where E[phi^4] is below
        1e-290 or overflows, as it does for q* beyond about 1e-140 and 1e150.
    status : array of uint8
        0 where all was found, else a number of `SolveStatus`.
    """

    activation: Activation
    hold: str
    q_star: Any
    parameters: Mapping[str, Any]
    tau: Any
    m: Any
    sigma_w2: Any
    sigma_b2: Any
    sparsity: Any
    slope: Any
    curvature: Any
    sensitivity: Any
    distance: float
    asymmetry: Any
    drift: Any
    noise: Any
    status: Any

    @property
    def feasible(self) -> Any:
        """True where all was found."""
        return self.status == SolveStatus.SOLVED

    @property
    def relative_curvature(self) -> Any:
        """The pure number q* V''(q*)."""
        return self.q_star * self.curvature

    @property
    def relative_sensitivity(self) -> Any:
        """The pure number q* d chi_1/dq = d log chi_1/d log q at q*, for chi_1(q*) = 1."""
        return self.q_star * self.sensitivity

    @property
    def stationary_variance(self) -> Any:
        """``noise / (1 - V'^2)``: n times Var[Q/q*] deep in a net of width n; infinite where ``|V'| >= 1``."""
        falls = self._attracts
        return np.where(
            falls, self.noise / np.where(falls, 1 - self.slope**2, 1.0), np.where(self.feasible, np.inf, np.nan)
        )[()]

    @property
    def mean_shift(self) -> Any:
        """``q* V'' stationary_variance / (2 (1 - V'))``: n times E[Q]/q* - 1 deep in a net, to first order in 1/n.

        NaN where ``|V'| >= 1``, since nothing is stationary there.
        """
        falls = self._attracts
        pushed = self.relative_curvature * np.where(falls, self.stationary_variance, np.nan)
        return (pushed / (2 * np.where(falls, 1 - self.slope, 1.0)))[()]

    @property
    def gradient_variance(self) -> Any:
        """``relative_sensitivity^2 stationary_variance``: n times the variance of chi_1(Q) deep in a net."""
        depends = self.relative_sensitivity != 0  # where it does not, it stays at 1 even if Q wanders
        spread = self.relative_sensitivity**2 * np.where(depends, self.stationary_variance, 0.0)
        return np.where(self.feasible, spread, np.nan)[()]

    @property
    def _attracts(self) -> Any:
        """Where |V'| < 1, and not by rounding alone."""
        return 1 - np.abs(self.slope) > ROUNDING


def vary_q_star(
    act: str | Activation,
    q_star: ArrayLike,
    /,
    *,
    hold: str = "parameters",
    sparsity: ArrayLike | None = None,
    slope: ArrayLike | None = None,
    distance: float = 0.5,
    **parameters: ArrayLike,
) -> QStarEffects:
    """Return what becomes of an activation's edge of chaos as q* varies.

    By the exact symmetry of `scaled_activation`, q* alone is only a choice of unit: what is held fixed beside it
    decides what it does.  Held fixed can be

    - ``"parameters"``: all parameters, such as threshold and level; for every activation;
    - ``"threshold-and-slope"``: the threshold, while the level is chosen so that V'(q*) is `slope`;
    - ``"level-and-sparsity"``: the level, while the threshold is chosen for the sparsity;
    - ``"sparsity-and-slope"``: both; then threshold and level grow as sqrt(q*), sigma_b2 as q*, and nothing else of
      the map changes.

    Parameters
    ----------
    act : str or Activation
        Or a name of the registry.  To hold anything but ``"parameters"`` it must have a free threshold and a free
        clipping level, as ``crelu`` and ``cst`` have.
    q_star : array_like
        Variances (not standard deviations), > 0.
    hold : str
        One of the four above.
    sparsity, slope : array_like, optional
        P(phi = 0) at q*, and V'(q*), both strictly between 0 and 1: given where `hold` names them, and only there.
    distance : float
        Relative distance from q* at which `asymmetry` and `drift` are taken, strictly between 0 and 1.
    **parameters : array_like
        Free parameters that are held: all of them, the threshold, the level, or none.

    Returns
    -------
    QStarEffects
        Arrays of the shape to which q_star and everything held broadcast.  What has no solution is NaN, and ``status``
        says why.  NaN in an argument gives NaN there.

    Raises
    ------
    UnknownNameError
        Unknown family, parameter or `hold`.
    InfeasibleError
        The activation has no free threshold and level, which `hold` asks for.
    DomainError, DtypeError
        An element is outside its domain or no real number, shapes do not broadcast, or what is to be held is missing
        or does not go with `hold`.
    NoEdgeOfChaosError
        The activation jumps or has an infinite slope, at all that is given.
    SymbolicParameterError, PrecisionError
        As `gaussian_moments` does.

    Notes
    -----
    For polynomial pieces the relative error of all but `asymmetry`, `drift` and `noise` is below 1e-13 of the sum of
    the absolute values of the terms; the differences V(q* (1 +- d)) - q* lose their ratio
    to q* as a further factor.  Python functions have a `sensitivity` to some 1e-8.

    Examples
    --------
    >>> one = vary_q_star("crelu", [0.5, 1.0, 2.0], hold="parameters", tau=1.0, m=1.0)
    >>> one.slope.round(4), one.relative_sensitivity.round(4)
    (array([0.8646, 0.6027, 0.3558]), array([1.2245, 0.4929, 0.0377]))
    >>> other = vary_q_star("crelu", [0.5, 1.0, 2.0], hold="sparsity-and-slope", sparsity=0.85, slope=0.7)
    >>> other.relative_sensitivity.round(4), other.sigma_b2.round(4)
    (array([0.6034, 0.6034, 0.6034]), array([0.2977, 0.5953, 1.1907]))
    """
    relative = inside_open_interval("distance", distance, 0, 1, "It is a share of q*; 0.5 is customary.")
    unbound = as_activation(act)
    held = held_parameters(unbound, q_star, hold, {"sparsity": sparsity, "slope": slope}, parameters)
    edges = edges_of_chaos(unbound, held.q_star, **held.parameters)
    if np.size(edges.status) and np.all(edges.status == SolveStatus.INFINITE_SLOPE):
        require_finite_slope(unbound.bind(**{name: float(value.flat[0]) for name, value in edges.parameters.items()}))
    status = np.where(held.status == SolveStatus.SOLVED, edges.status, held.status).astype(np.uint8)
    found = {name: getattr(edges, name) for name in ("sigma_w2", "sigma_b2", "slope", "curvature", "sparsity")}
    found |= {"tau": held.tau, "m": held.m, "status": status, "q_star": held.q_star}
    found |= _around(unbound, edges, relative)
    shaped = {name: np.asarray(values).reshape(held.shape)[()] for name, values in found.items()}
    kept = {name: np.asarray(values).reshape(held.shape)[()] for name, values in held.parameters.items()}
    return QStarEffects(activation=unbound, hold=hold, parameters=kept, distance=relative, **shaped)


def _around(act: Activation, edges: EdgesOfChaos, distance: float) -> dict[str, Array]:
    """What takes more than the five moments at q*."""
    q: Array = np.where(edges.feasible, edges.q_star, np.nan)
    here, above, below = (
        gaussian_moments(act, place * q, **edges.parameters) for place in (1.0, 1 + distance, 1 - distance)
    )
    # sigma_b2 drops out of differences of V, and with it the digits that it would cost.
    up = edges.sigma_w2 * (above.second_moment - here.second_moment)
    down = edges.sigma_w2 * (here.second_moment - below.second_moment)
    with np.errstate(invalid="ignore", divide="ignore"):
        asymmetry = (up - down) / (up + down)
    return {
        "sensitivity": edges.sigma_w2 * slope_moment_derivative(act, q, **edges.parameters).value,
        "asymmetry": asymmetry,
        "drift": (up - down) / (2 * distance * q),
        "noise": _noise(act, edges, q, here.second_moment),
    }


def _noise(act: Activation, edges: EdgesOfChaos, q: Array, second_moment: Array) -> Array:
    """sigma_w^4 Var[phi^2]/q*^2, NaN where E[phi^4] leaves the normal numbers."""
    if act.function is not None:
        variance = square_noise(act, q)[2]
    else:
        fourth = gaussian_moments(derived(act, "square"), q, **edges.parameters).second_moment
        resolved = (fourth > _LEAST_FOURTH) & np.isfinite(fourth)
        with np.errstate(over="ignore", invalid="ignore"):
            variance = np.maximum(np.where(resolved, fourth - second_moment**2, np.nan), 0.0)
    noise: Array = (edges.sigma_w2 * np.sqrt(variance) / q) ** 2  # in this order nothing overflows on the way
    return noise


def scaled_activation(act: Activation, factor: Any) -> Activation:
    r"""Return ``c phi(x / c)``: the same activation where pre-activations are measured in another unit.

    Its variance map with the same sigma_w2, and c^2 times the sigma_b2, is ``c^2 V(q / c^2)``: fixed points are
    multiplied by c^2, slopes, chi_1, sparsity and everything that happens in a net at initialisation stay as they are.
    For clipped and thresholded families it multiplies tau and m by c: ``c phi_{tau, m}(x / c) = phi_{c tau, c m}(x)``.

    Parameters
    ----------
    act : Activation
        Any; parameters without a value stay as they are.
    factor : number
        c > 0, exact if it is an exact number or a power of two.

    Raises
    ------
    DomainError, DtypeError
        `factor` is no number > 0.

    Examples
    --------
    >>> from vmap_theory import activation, edge_of_chaos
    >>> act = activation("crelu", tau=1, m=1)
    >>> one, two = edge_of_chaos(act, 1.0), edge_of_chaos(scaled_activation(act, 2), 4.0)
    >>> two.sigma_w2 == one.sigma_w2, two.sigma_b2 / one.sigma_b2, two.slope == one.slope
    (True, 4.0, True)
    """
    positive("factor", factor, "It is the ratio of two units.")
    exact = exact_number("factor", factor)
    return act.affine(a=exact, b=1 / exact)
