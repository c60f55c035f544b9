"""Monomial."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import Parameter
from ..symbols import X

DEGREE = Parameter(
    "degree", sp.Interval(0, 8), typical=(2, 5), default=sp.Integer(3), meaning="the power", integer=True
)

FAMILY = Activation.from_expression(
    X**DEGREE.symbol,
    [DEGREE],
    name="monomial",
    title="Monomial, x^degree",
    source="Han, Zandieh, Lee, Novak, Xiao and Karbasi (2022), Fast neural kernel embeddings for general activations, "
    "NeurIPS.",
    limits=[Limit("degree", sp.Integer(1), "linear")],
)
