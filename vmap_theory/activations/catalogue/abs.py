"""Absolute value."""

import sympy as sp

from ..base import Activation
from ..symbols import X

FAMILY = Activation.from_expression(
    sp.Abs(X),
    name="abs",
    title="Absolute value, |x|",
    source="Jarrett, Kavukcuoglu, Ranzato and LeCun (2009), What is the best multi-stage architecture for object "
    "recognition?, ICCV.",
)
