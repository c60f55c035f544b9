"""Activations: the frozen value, its parameters, and the registry of named families."""

from .base import Activation as Activation
from .base import Break as Break
from .base import Limit as Limit
from .base import Piece as Piece
from .parameters import Parameter as Parameter
from .partition import X as X
from .registry import activation as activation
from .registry import as_activation as as_activation
from .registry import family as family
from .registry import family_names as family_names
