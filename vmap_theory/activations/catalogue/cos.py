"""Cosine."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

B = Parameter("b", POSITIVE, typical=(0.5, 2.0), default=sp.Integer(1), meaning="angular frequency")

FAMILY = Activation.from_expression(
    sp.cos(B.symbol * X),
    [B],
    name="cos",
    title="Cosine, cos(b x)",
    source="Pearce, Tsuchida, Zaki, Brintrup and Neely (2019), Expressive priors in Bayesian neural networks: kernel "
    "combinations and periodic functions, UAI.",
    limits=[Limit("b", sp.Integer(0), "monomial", (("degree", sp.Integer(0)),))],
)
