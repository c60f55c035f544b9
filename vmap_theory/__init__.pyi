from .activations import Activation as Activation
from .activations import Limit as Limit
from .activations import Parameter as Parameter
from .activations import activation as activation
from .activations import family as family
from .activations import family_names as family_names
from .errors import VmapTheoryError as VmapTheoryError
from .formulas import Formulas as Formulas
from .formulas import derive as derive
from .kernels import GaussianMoments as GaussianMoments
from .kernels import gaussian_moments as gaussian_moments
from .parsing import parse_activation as parse_activation
from .solve import ClippingLevel as ClippingLevel
from .solve import EdgeOfChaos as EdgeOfChaos
from .solve import FixedPoint as FixedPoint
from .solve import FixedPoints as FixedPoints
from .solve import clipping_level as clipping_level
from .solve import edge_of_chaos as edge_of_chaos
from .solve import fixed_points as fixed_points
from .solve import threshold_for_sparsity as threshold_for_sparsity
from .variance_map import VarianceMap as VarianceMap
from .verification import VerificationReport as VerificationReport
from .verification import VerificationRow as VerificationRow
from .verification import verify as verify

__version__: str
