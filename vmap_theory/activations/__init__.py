"""Activations: the frozen value, its parameters, and the registry of named families."""

from .base import Activation as Activation
from .parameters import Parameter as Parameter
from .pieces import Break as Break
from .pieces import Piece as Piece
from .registry import activation as activation
from .registry import as_activation as as_activation
from .registry import family as family
from .registry import family_names as family_names
from .relations import Limit as Limit
from .relations import TorchModule as TorchModule
from .symbols import X as X
