"""Rectified linear unit."""

import sympy as sp

from ..base import Activation
from ..partition import X

FAMILY = Activation.from_expression(
    sp.Max(X, 0),
    name="relu",
    title="Rectified linear unit, max(0, x)",
    source="Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML.",
)
