"""Gaussian error linear unit."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X * (1 + sp.erf(X / sp.sqrt(2))) / 2,
    name="gelu",
    title="Gaussian error linear unit, x (1 + erf(x / sqrt(2))) / 2",
    source="Hendrycks and Gimpel (2016), Gaussian error linear units (GELUs), arXiv:1606.08415.",
    torch=[TorchModule("GELU", options=(("approximate", "none"),))],
)
