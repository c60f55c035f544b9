"""All fixed points V(q) = q of variance maps, each enclosed, with a proof that there are no others."""

from .fixed_points import fixed_points as fixed_points
from .grid import fixed_point_grid as fixed_point_grid
from .result import FixedPoint as FixedPoint
from .result import FixedPointGrid as FixedPointGrid
from .result import FixedPoints as FixedPoints
from .result import SearchStatus as SearchStatus
from .result import Stability as Stability
