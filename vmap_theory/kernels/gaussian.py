"""`gaussian_moments`: arguments checked, then the exact kernel for polynomial pieces or certified quadrature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation, as_activation
from .arguments import checked_arguments
from .cases import computed
from .foreign import foreign_library
from .libraries import NUMPY
from .polynomial import polynomial_moments
from .quadrature import rule_for
from .result import MOMENT_NAMES, GaussianMoments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def gaussian_moments(
    act: Activation | str, q: ArrayLike, /, *, bounds: bool = False, **parameters: ArrayLike
) -> GaussianMoments:
    """Evaluate all Gaussian moments of `act` at once.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.  Parameters may stay symbolic if they are given here.
    q : array_like
        Variances (not standard deviations), finite and > 0, any shape.  NaN gives NaN.
    bounds : bool
        Whether to compute bounds of the errors too (the ``..._error`` fields).
    **parameters : array_like
        Numbers or arrays for the free parameters, broadcast against `q`; each value is checked against its domain.
        NaN gives NaN.  Infinity is allowed where the family declares that limit, as for the level m of crelu.

    Returns
    -------
    GaussianMoments
        float64 arrays of the broadcast shape.  For polynomial pieces: relative error below 1e-13 (observed: at most
        6e-15, and 1.4e-14 for Hermite polynomials of degree 8) for all break points up to 37 sqrt(q), pieces from
        1e-8 sqrt(q) wide, and q from 1e-250 to 1e250, wherever the result is a normal number; `d2_second_moment`,
        which changes sign, relative to the sum of the absolute values of its terms.  Below the smallest normal
        float64 results fade to zero: see `log_gaussian_moments`.

    Raises
    ------
    DomainError
        q or a parameter is infinite or outside its domain, or the shapes do not broadcast.
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
    >>> tail = gaussian_moments(activation("relu_tau"), 1.0, tau=30.0, bounds=True)
    >>> print(f"{tail.slope_moment:.12e}")  # (1 - erf(tau / sqrt(2))) / 2 would give 0
    4.906713927148e-198
    >>> bool(tail.slope_moment_error < 1e-13 * tail.slope_moment)
    True
    >>> print(f"{gaussian_moments('tanh', 1.0).second_moment:.12f}")
    0.394294490398
    """
    foreign = foreign_library(q, *parameters.values())
    if foreign is not None:
        return foreign.gaussian_moments(act, q, parameters, bounds=bounds)
    act = as_activation(act)
    names = [name + kind for kind in ("", "_error")[: 1 + bounds] for name in MOMENT_NAMES]

    def compute(case: Activation, variances: Array, values: dict[str, Array]) -> dict[str, Array]:
        if case.is_polynomial:
            return polynomial_moments(case, variances, values, NUMPY, bounds=bounds)
        return {name: value for name, value in rule_for(case).moments(variances).items() if name in names}

    return GaussianMoments(**computed(act, checked_arguments(act, q, parameters), names, compute))
