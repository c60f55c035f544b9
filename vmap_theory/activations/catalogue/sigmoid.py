"""Logistic sigmoid."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    1 / (1 + sp.exp(-X)),
    name="sigmoid",
    title="Logistic sigmoid, 1 / (1 + exp(-x))",
    source="Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors, Nature 323.",
    torch=[TorchModule("Sigmoid")],
)
