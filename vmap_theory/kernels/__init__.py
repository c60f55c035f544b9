"""Gaussian moments as arrays, in forms that keep their digits in the sparse tail."""

from .gaussian import gaussian_moments as gaussian_moments
from .logarithms import log_gaussian_moments as log_gaussian_moments
from .result import GaussianMoments as GaussianMoments
from .result import LogGaussianMoments as LogGaussianMoments
from .streaming import stream_gaussian_moments as stream_gaussian_moments
