"""Mish."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X * sp.tanh(sp.log(1 + sp.exp(X))),
    name="mish",
    title="Mish, x tanh(log(1 + exp(x)))",
    source="Misra (2020), Mish: a self regularized non-monotonic activation function, BMVC.",
    torch=[TorchModule("Mish")],
)
