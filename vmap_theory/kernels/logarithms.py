"""`log_gaussian_moments`: what remains of the moments where float64 has underflown."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation, as_activation
from .arguments import checked_arguments
from .cases import computed
from .foreign import foreign_library
from .foreign_arguments import named
from .libraries import NUMPY
from .polynomial import polynomial_logarithms
from .quadrature import rule_for
from .result import LOGARITHM_NAMES, LogGaussianMoments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def log_gaussian_moments(act: Activation | str, q: ArrayLike, /, **parameters: ArrayLike) -> LogGaussianMoments:
    """Evaluate the natural logarithms of all Gaussian moments of `act`, far beyond where the moments underflow.

    Parameters
    ----------
    act : Activation or str
        Or a name of the registry.  Parameters may stay symbolic if they are given here.
    q : array_like
        Variances (not standard deviations), finite and > 0, any shape.  NaN gives NaN.
    **parameters : array_like
        Numbers or arrays for the free parameters, as in `gaussian_moments`.

    Returns
    -------
    LogGaussianMoments
        float64 arrays of the broadcast shape.  For polynomial pieces, and break points up to 1e6 sqrt(q): the error is
        at most 8 units in the last place of the logarithm, or of 1 where that is larger; where terms of a derivative
        cancel, it loses what they cancel.  The logarithm of 0 is -inf, and so is what lies beyond 1e40 sqrt(q), and
        where pieces are so narrow (below 1e-100 sqrt(q)) that the share of a Gaussian in them underflows by itself.

    Raises
    ------
    DomainError, DtypeError, SymbolicParameterError, PrecisionError
        As `gaussian_moments` does.

    Notes
    -----
    Activations that are not piecewise polynomial have the logarithms of what `gaussian_moments` returns, -inf where
    that has underflown.

    Examples
    --------
    >>> from vmap_theory import activation
    >>> tail = log_gaussian_moments(activation("relu_tau"), 1.0, tau=1000.0)
    >>> print(f"{tail.log_second_moment:.6f}")  # the moment itself is about 1e-217156
    -500020.949063
    >>> tail.log_density < -500000, tail.sign_d2_second_moment
    (np.True_, np.float64(1.0))
    """
    foreign = foreign_library(q, *parameters.values())
    if foreign is not None:
        return foreign.log_gaussian_moments(act, q, parameters)
    act = as_activation(act)
    names = [field.name for field in fields(LogGaussianMoments)]

    def compute(case: Activation, variances: Array, values: dict[str, Array]) -> dict[str, Array]:
        if case.is_polynomial:
            return named(polynomial_logarithms(case, variances, values, NUMPY))
        moments = rule_for(case).moments(variances)
        moments["density"] = 1 - moments["sparsity"]
        return named({name: (np.log(np.abs(moments[name])), np.sign(moments[name])) for name in LOGARITHM_NAMES})

    return LogGaussianMoments(**computed(act, checked_arguments(act, q, parameters), names, compute))
