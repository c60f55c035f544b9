"""Gaussian moments as arrays, in forms that keep their digits in the sparse tail.

The public functions: `gaussian`, `logarithms`, `streaming`; their arguments: `arguments`, `cases` (NumPy),
`foreign`, `foreign_arguments` (other libraries); `slope_derivative`, the derivative of E[phi'^2].

Polynomial pieces, from symbols to numbers: `plan` (half-line parts) -> `functionals` (moments and their derivatives) ->
`layout` (what is computed once) -> `evaluation` (arrays), by way of `computation`, which libraries differentiate, and
`polynomial`, which puts results together.  The integrals: `tails`, `intervals`, `nodes`; the arithmetic:
`double_double`; the array libraries: `libraries`, `torch_arrays`, `jax_arrays`.

Everything else by certified quadrature: `quadrature`, `panels`, `segments`, `breaks`, `samplers`, `legendre`,
`high_precision`.
"""

from .gaussian import gaussian_moments as gaussian_moments
from .logarithms import log_gaussian_moments as log_gaussian_moments
from .result import GaussianMoments as GaussianMoments
from .result import LogGaussianMoments as LogGaussianMoments
from .slope_derivative import SlopeMomentDerivative as SlopeMomentDerivative
from .slope_derivative import slope_moment_derivative as slope_moment_derivative
from .streaming import stream_gaussian_moments as stream_gaussian_moments
