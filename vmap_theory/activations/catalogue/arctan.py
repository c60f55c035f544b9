"""Inverse tangent."""

import sympy as sp

from ..base import Activation
from ..symbols import X

FAMILY = Activation.from_expression(
    sp.atan(X),
    name="arctan",
    title="Inverse tangent, arctan(x)",
    source="Duch and Jankowski (1999), Survey of neural transfer functions, Neural Computing Surveys 2.",
)
