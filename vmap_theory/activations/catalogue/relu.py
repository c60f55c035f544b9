"""Rectified linear unit."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    sp.Max(X, 0),
    name="relu",
    title="Rectified linear unit, max(0, x)",
    source="Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML.",
    torch=[TorchModule("ReLU")],
    penalty=sp.Piecewise((sp.oo, X < 0), (0, True)),
)
