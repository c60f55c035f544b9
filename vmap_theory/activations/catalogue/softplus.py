"""Softplus."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import POSITIVE, Parameter
from ..symbols import X

BETA = Parameter("beta", POSITIVE, typical=(0.5, 5.0), default=sp.Integer(1), meaning="inverse width of the bend")

FAMILY = Activation.from_expression(
    sp.log(1 + sp.exp(BETA.symbol * X)) / BETA.symbol,
    [BETA],
    name="softplus",
    title="Softplus, log(1 + exp(beta x)) / beta",
    source="Dugas, Bengio, Belisle, Nadeau and Garcia (2001), Incorporating second-order functional knowledge for "
    "better option pricing, NIPS.",
    limits=[Limit("beta", sp.oo, "relu")],
    torch=[TorchModule("Softplus")],
)
