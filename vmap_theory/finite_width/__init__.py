"""Nets of finite width: the exact Markov chain of their variances and gradients, and small-noise theory beside it.

`chain` (with `blocks`, `units`, `torch_chain`) simulates, `sample` and `intervals` hold results, `trainability` is a
score made of them.  Theory: `moments` (with `derived`, `nodes`), `layer_noise`, `small_noise`, `escape`; `edge` (with
`log_mean`) is the edge of chaos at finite width.
"""

from .chain import simulate_chain as simulate_chain
from .edge import WidthCorrectedEdge as WidthCorrectedEdge
from .edge import width_corrected_edge as width_corrected_edge
from .escape import EscapeRate as EscapeRate
from .escape import escape_rate as escape_rate
from .intervals import Estimate as Estimate
from .layer_noise import LayerNoise as LayerNoise
from .layer_noise import layer_noise as layer_noise
from .moments import NoiseMoments as NoiseMoments
from .moments import noise_moments as noise_moments
from .sample import ChainSample as ChainSample
from .small_noise import log_gradient_path as log_gradient_path
from .small_noise import small_noise_score as small_noise_score
from .small_noise import stationary_variance as stationary_variance
from .small_noise import variance_path as variance_path
from .small_noise import variance_recursion as variance_recursion
from .trainability import Trainability as Trainability
from .trainability import trainability as trainability
