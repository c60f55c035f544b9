"""Pictures: activations, variance maps, clipping levels, edges of chaos, chains of finite width, phase diagrams.

Each function returns a Matplotlib figure and touches no global state, so it works without a display; `save_figure`
writes one by rename.  Matplotlib is an extra, loaded when a figure is made.
"""

from .activations import plot_activations as plot_activations
from .chains import plot_chains as plot_chains
from .edges_of_chaos import plot_edge_of_chaos as plot_edge_of_chaos
from .levels import plot_clipping_levels as plot_clipping_levels
from .overview import plot_overview as plot_overview
from .phase_diagram import plot_phase_diagram as plot_phase_diagram
from .q_star import plot_q_star_effects as plot_q_star_effects
from .slopes import plot_slope_against_level as plot_slope_against_level
from .style import colour_cycle as colour_cycle
from .style import figure_bytes as figure_bytes
from .style import save_figure as save_figure
from .variance_maps import plot_variance_maps as plot_variance_maps
