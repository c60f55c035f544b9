"""Exponential."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

B = Parameter("b", POSITIVE, typical=(0.1, 1.0), default=sp.Integer(1), meaning="growth rate")

FAMILY = Activation.from_expression(
    sp.exp(B.symbol * X),
    [B],
    name="exp",
    title="Exponential, exp(b x)",
    source="Daniely, Frostig and Singer (2016), Toward deeper understanding of neural networks: the power of "
    "initialization and a dual view on expressivity, NIPS.",
    limits=[Limit("b", sp.Integer(0), "monomial", (("degree", sp.Integer(0)),))],
)
