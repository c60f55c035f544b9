"""All fixed points of variance maps."""

from .grid_search import FixedPoint as FixedPoint
from .grid_search import FixedPoints as FixedPoints
from .grid_search import fixed_points as fixed_points
