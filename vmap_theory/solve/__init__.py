"""Solvers on the variance map: edge of chaos, threshold for a sparsity, clipping level.

The functions named in the plural take arrays; those named in the singular call them with one number.
"""

from .clipping import ClippingLevel as ClippingLevel
from .clipping import clipping_level as clipping_level
from .clipping_array import ClippingLevels as ClippingLevels
from .clipping_array import clipping_levels as clipping_levels
from .edge_curves import EdgeCurve as EdgeCurve
from .edge_curves import EdgesAtBias as EdgesAtBias
from .edge_curves import edge_at_bias as edge_at_bias
from .edge_curves import edge_curve as edge_curve
from .edge_curves import edges_at_bias as edges_at_bias
from .edge_of_chaos import EdgeOfChaos as EdgeOfChaos
from .edge_of_chaos import edge_of_chaos as edge_of_chaos
from .edge_of_chaos_array import EdgesOfChaos as EdgesOfChaos
from .edge_of_chaos_array import edges_of_chaos as edges_of_chaos
from .q_star import QStarEffects as QStarEffects
from .q_star import scaled_activation as scaled_activation
from .q_star import vary_q_star as vary_q_star
from .status import SolveStatus as SolveStatus
from .threshold import threshold_for_sparsity as threshold_for_sparsity
from .threshold import thresholds_for_sparsity as thresholds_for_sparsity
