from .activations import Activation as Activation
from .activations import Limit as Limit
from .activations import Parameter as Parameter
from .activations import activation as activation
from .activations import family as family
from .activations import family_names as family_names
from .errors import VmapTheoryError as VmapTheoryError
from .formulas import Formulas as Formulas
from .formulas import derive as derive
from .parsing import parse_activation as parse_activation

from .verification import VerificationReport as VerificationReport
from .verification import VerificationRow as VerificationRow
from .verification import verify as verify

__version__: str
