"""Sigmoid linear unit."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X / (1 + sp.exp(-X)),
    name="silu",
    title="Sigmoid linear unit, x / (1 + exp(-x))",
    source="Elfwing, Uchibe and Doya (2018), Sigmoid-weighted linear units for neural network function approximation "
    "in reinforcement learning, Neural Networks 107.",
    torch=[TorchModule("SiLU")],
)
