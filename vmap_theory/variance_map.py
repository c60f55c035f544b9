"""The variance map of a layer as a numeric function: `VarianceMap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .activations import Activation, as_activation
from .checks import non_negative, positive
from .errors import DomainError
from .kernels import GaussianMoments, gaussian_moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Result = NDArray[np.float64] | np.float64

_ON_THE_EDGE = 1e-11  # how far V/q and chi_1 may be from 1 for roundings of the two variances


@dataclass(frozen=True)
class VarianceMap:
    """The map ``V(q) = sigma_w2 E[phi(sqrt(q) Z)^2] + sigma_b2`` from one layer's pre-activation variance to the next.

    Parameters
    ----------
    activation : Activation
        Or a name of the registry; with a number for every parameter.
    sigma_w2, sigma_b2 : number
        Variance of the weights times fan-in, and of the biases (variances, not standard deviations), >= 0.
    q_star : number, optional
        Given, the map is meant to be on the edge of chaos at this variance exactly, V(q_star) = q_star and
        chi_1(q_star) = 1, and the two variances are roundings of those that make it so; `edge_of_chaos` and
        `clipping_level` set it.  `fixed_points` then takes them with as many digits as it needs.

    Raises
    ------
    SymbolicParameterError
        A parameter of the activation has no value.
    DomainError, DtypeError
        A variance is negative, NaN, infinite or not a real number, or the map is not on the edge of chaos at q_star.

    Notes
    -----
    All methods take arrays of q > 0, of NumPy, PyTorch or JAX, and return arrays of their kind and shape.  E[phi^2],
    its derivative and E[phi'^2] are accurate to 1e-13 relative for polynomial pieces (see `gaussian_moments`); V loses
    no more, for all its terms are non-negative.

    Examples
    --------
    >>> from vmap_theory import activation
    >>> vm = VarianceMap(activation("relu"), sigma_w2=2.0, sigma_b2=0.1)
    >>> vm([1.0, 2.0]), vm.derivative(1.0)
    (array([1.1, 2.1]), np.float64(1.0))
    """

    activation: Activation
    sigma_w2: float
    sigma_b2: float
    q_star: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", as_activation(self.activation))
        self.activation.require_numbers("a variance map")
        object.__setattr__(self, "sigma_w2", non_negative("sigma_w2", self.sigma_w2))
        object.__setattr__(self, "sigma_b2", non_negative("sigma_b2", self.sigma_b2))
        if self.q_star is not None:
            object.__setattr__(self, "q_star", positive("q_star", self.q_star))
            self._require_edge(self.q_star)

    def _require_edge(self, q: float) -> None:
        ratio, chi_1 = float(self(q)) / q, float(self.chi_1(q))
        if not max(abs(ratio - 1), abs(chi_1 - 1)) <= _ON_THE_EDGE:
            raise DomainError(
                f"q_star = {q:g} is outside its domain: V(q_star)/q_star = {ratio:.12g} and chi_1(q_star) = "
                f"{chi_1:.12g} must both be 1 to rounding. Leave q_star out, or take the map of edge_of_chaos."
            )

    def __call__(self, q: ArrayLike) -> Result:
        """V(q)."""
        return self._scaled(gaussian_moments(self.activation, q).second_moment) + self.sigma_b2

    def derivative(self, q: ArrayLike) -> Result:
        """V'(q), with the contribution of kinks."""
        return self._scaled(gaussian_moments(self.activation, q).d_second_moment)

    def second_derivative(self, q: ArrayLike) -> Result:
        """V''(q), with the contribution of kinks."""
        return self._scaled(gaussian_moments(self.activation, q).d2_second_moment)

    def chi_1(self, q: ArrayLike) -> Result:
        """Return ``chi_1(q) = sigma_w2 E[phi'^2]``, the growth of squared gradients; infinite where phi jumps.

        Without weights (sigma_w2 = 0) it is 0 there too.
        """
        moments = gaussian_moments(self.activation, q)
        return self._scaled(moments.slope_moment if self.sigma_w2 > 0 else moments.second_moment)

    def moments(self, q: ArrayLike) -> GaussianMoments:
        """All Gaussian moments of the activation at q, with error bounds."""
        return gaussian_moments(self.activation, q, bounds=True)

    def _scaled(self, moment: Any) -> Result:
        result: Result = self.sigma_w2 * moment
        return result
