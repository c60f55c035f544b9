"""Softsign."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X / (1 + sp.Abs(X)),
    name="softsign",
    title="Softsign, x / (1 + |x|)",
    source="Turian, Bergstra and Bengio (2009), Quadratic features and deep architectures for chunking, NAACL HLT.",
    torch=[TorchModule("Softsign")],
)
