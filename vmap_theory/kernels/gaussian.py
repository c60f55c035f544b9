"""`gaussian_moments`: arguments checked, then the exact kernel for polynomial pieces or certified quadrature."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from ..activations import Activation, as_activation
from ..checks import positive_array, real_array
from ..errors import DomainError, PrecisionError, SymbolicParameterError, UnknownNameError
from .plan import plan_for
from .polynomial import polynomial_moments
from .quadrature import rule_for
from .result import MOMENT_NAMES, GaussianMoments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def gaussian_moments(act: Activation | str, q: ArrayLike, /, **parameters: ArrayLike) -> GaussianMoments:
    """Evaluate all Gaussian moments of `act` at once.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.  Parameters may stay symbolic if they are given here.
    q : array_like
        Variances (not standard deviations), finite and > 0, any shape.
    **parameters : array_like
        Numbers or arrays for the free parameters, broadcast against `q`; each value is checked against its domain.

    Returns
    -------
    GaussianMoments
        float64 arrays of the broadcast shape.  Relative error at most 1e-12 (observed: at most 1.3e-14) for break
        points up to 8 sqrt(q) and pieces from 1e-3 sqrt(q) wide; `d2_second_moment`, which changes sign, relative to
        the sum of the absolute values of its terms.  Below the smallest normal float64 results fade to zero.

    Raises
    ------
    DomainError
        q or a parameter is NaN, infinite or outside its domain.
    DtypeError
        q or a parameter is complex, boolean, text or an object.
    SymbolicParameterError
        A free parameter has no value.
    PrecisionError
        An integral diverges, oscillates too fast to be followed, or leaves the range of float64.
    PiecesError, ExpressionError
        A Python function is not smooth where no break was given, or has no finite real value.

    Notes
    -----
    Polynomial pieces are integrated by `kernels.polynomial`, with parameters as arrays; everything else by
    `kernels.quadrature`, which makes tables for every new set of parameter values (some tenths of a second each) and
    serves many variances from them.

    Examples
    --------
    >>> from vmap_theory import activation
    >>> gaussian_moments(activation("relu"), [1.0, 4.0]).second_moment
    array([0.5, 2. ])
    >>> tail = gaussian_moments(activation("relu_tau"), 1.0, tau=30.0).slope_moment
    >>> print(f"{tail:.12e}")  # (1 - erf(tau / sqrt(2))) / 2 would give 0
    4.906713927148e-198
    >>> print(f"{gaussian_moments('tanh', 1.0).second_moment:.12f}")
    0.394294490398
    """
    act = as_activation(act)
    variance = positive_array("q", q)
    values = _parameter_arrays(act, parameters)
    try:
        shape = np.broadcast_shapes(variance.shape, *(value.shape for value in values.values()))
    except ValueError:
        shapes = ", ".join(f"{name}: {value.shape}" for name, value in {"q": variance, **values}.items())
        raise DomainError(f"the shapes do not broadcast ({shapes}): give shapes that agree.") from None
    flat_q = np.broadcast_to(variance, shape).ravel()
    flat_values = {name: np.broadcast_to(value, shape).ravel() for name, value in values.items()}
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        out = _moments(act, flat_q, flat_values)
    if any(np.isnan(value).any() for value in out.values()):
        raise PrecisionError(
            f"the moments of {act.label} leave the range of float64 at some q: "
            "measure q and the parameters in another unit."
        )
    return GaussianMoments(**{name: value.reshape(shape)[()] for name, value in out.items()})


def _parameter_arrays(act: Activation, given: dict[str, ArrayLike]) -> dict[str, Array]:
    free = {parameter.name: parameter for parameter in act.free_parameters}
    for name in given:
        if name not in free:
            raise UnknownNameError.among(f"free parameter of {act.name}", name, free)
    missing = sorted(set(free) - set(given))
    if missing:
        raise SymbolicParameterError(
            f"no value for {', '.join(missing)} of {act.name}: give one, as in {missing[0]}=1.0."
        )
    arrays = {name: real_array(name, value) for name, value in given.items()}
    for name, array in arrays.items():
        if array.size:
            for extreme in (array.min(), array.max()):
                free[name].accept(float(extreme))
    return arrays


def _moments(act: Activation, q: Array, values: dict[str, Array]) -> dict[str, Array]:
    """All moments of one-dimensional arrays of one length.

    At a closed end of a parameter's domain breaks may meet and jumps vanish (hard_threshold at tau = 0 is the
    identity), which the pieces of the open domain do not show; there the exact value is put in first.
    """
    if not values:
        return polynomial_moments(act, q, {}) if act.is_polynomial else rule_for(act).moments(q)
    if not _serves_arrays(act):
        return _one_by_one(act, q, values)
    for parameter in act.free_parameters:
        for end in (parameter.domain.inf, parameter.domain.sup):
            at_end = values[parameter.name] == float(end)
            if not (at_end.any() and bool(parameter.domain.contains(end))):
                continue
            rest = {name: value for name, value in values.items() if name != parameter.name}
            groups = ((at_end, act.bind(**{parameter.name: end}), rest), (~at_end, act, values))
            return _joined(groups, q)
    return polynomial_moments(act, q, values)


def _serves_arrays(act: Activation) -> bool:
    """Whether the pieces are polynomials for all values of the parameters, with breaks of known sign.

    A difference of parameters that is divided by, as in 1/(a - 2), may have lost its digits in float64, of which the
    error bounds know nothing: such parameters are put in exactly, one set at a time.
    """
    if any(parameter.integer for parameter in act.free_parameters) or not act.is_polynomial:
        return False
    powers = {power for piece in act.pieces for power in piece.expression.atoms(sp.Pow)}
    if any(power.args[0].is_Add and power.args[1].is_negative for power in powers):
        return False
    try:
        plan_for(act)
    except SymbolicParameterError:
        return False
    return True


def _one_by_one(act: Activation, q: Array, values: dict[str, Array]) -> dict[str, Array]:
    """A rule of its own for every set of values that occurs."""
    names = list(values)
    sets, which = np.unique(np.stack([values[name] for name in names]), axis=1, return_inverse=True)
    groups: list[tuple[NDArray[np.bool_], Activation, dict[str, Array]]] = [
        (which.ravel() == index, act.bind(**dict(zip(names, map(float, chosen), strict=True))), {})
        for index, chosen in enumerate(sets.T)
    ]
    return _joined(groups, q)


def _joined(groups: Iterable[tuple[NDArray[np.bool_], Activation, dict[str, Array]]], q: Array) -> dict[str, Array]:
    out = {name + kind: np.empty(q.size) for name in MOMENT_NAMES for kind in ("", "_error")}
    for mask, act, values in groups:
        part = _moments(act, q[mask], {name: value[mask] for name, value in values.items()})
        for name, value in part.items():
            out[name][mask] = value
    return out
