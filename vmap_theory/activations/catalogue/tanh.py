"""Hyperbolic tangent."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    sp.tanh(X),
    name="tanh",
    title="Hyperbolic tangent, tanh(x)",
    source="LeCun, Bottou, Orr and Mueller (1998), Efficient BackProp, in Neural networks: tricks of the trade, "
    "Springer.",
    torch=[TorchModule("Tanh")],
)
