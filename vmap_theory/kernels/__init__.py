"""Gaussian moments as float64 arrays, in forms that keep their digits in the sparse tail."""

from .gaussian import gaussian_moments as gaussian_moments
from .result import GaussianMoments as GaussianMoments
