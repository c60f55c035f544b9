"""Sine."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

B = Parameter("b", POSITIVE, typical=(0.5, 2.0), default=sp.Integer(1), meaning="angular frequency")

FAMILY = Activation.from_expression(
    sp.sin(B.symbol * X),
    [B],
    name="sin",
    title="Sine, sin(b x)",
    source="Sitzmann, Martel, Bergman, Lindell and Wetzstein (2020), Implicit neural representations with periodic "
    "activation functions, NeurIPS.",
    limits=[Limit("b", sp.Integer(0), "abrelu", (("a", sp.Integer(0)), ("b", sp.Integer(0))))],
)
