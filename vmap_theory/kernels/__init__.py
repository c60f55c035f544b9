"""Gaussian moments as float64 arrays, in forms that keep their digits in the sparse tail."""

from .moments import GaussianMoments as GaussianMoments
from .moments import gaussian_moments as gaussian_moments
