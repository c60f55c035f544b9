"""Gaussian error linear unit, its approximation by tanh."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (X + sp.Rational("0.044715") * X**3))) / 2,
    name="gelu_tanh",
    title="Approximation of the Gaussian error linear unit, x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
    source="Hendrycks and Gimpel (2016), Gaussian error linear units (GELUs), arXiv:1606.08415.",
    torch=[TorchModule("GELU", options=(("approximate", "tanh"),))],
)
