"""Swish."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

BETA = Parameter("beta", NON_NEGATIVE, typical=(0.5, 3.0), meaning="inverse width of the bend")

FAMILY = Activation.from_expression(
    X / (1 + sp.exp(-BETA.symbol * X)),
    [BETA],
    name="swish",
    title="Swish, x / (1 + exp(-beta x))",
    source="Ramachandran, Zoph and Le (2017), Searching for activation functions, arXiv:1710.05941.",
    limits=[
        Limit("beta", sp.oo, "relu"),
        Limit("beta", sp.Integer(1), "silu"),
        Limit("beta", sp.Integer(0), "abrelu", (("a", sp.Rational(1, 2)), ("b", sp.Rational(1, 2)))),
    ],
)
