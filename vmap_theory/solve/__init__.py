"""Solvers on the variance map: edge of chaos, threshold for a sparsity, clipping level, fixed points."""

from .clipping import ClippingLevel as ClippingLevel
from .clipping import clipping_level as clipping_level
from .edge_of_chaos import EdgeOfChaos as EdgeOfChaos
from .edge_of_chaos import edge_of_chaos as edge_of_chaos
from .fixed_points import FixedPoint as FixedPoint
from .fixed_points import FixedPoints as FixedPoints
from .fixed_points import fixed_points as fixed_points
from .threshold import threshold_for_sparsity as threshold_for_sparsity
