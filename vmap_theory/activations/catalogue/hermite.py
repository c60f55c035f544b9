"""Hermite polynomial."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import Parameter
from ..symbols import X

DEGREE = Parameter(
    "degree", sp.Interval(1, 8), typical=(2, 5), default=sp.Integer(2), meaning="degree of the polynomial", integer=True
)

FAMILY = Activation.from_expression(
    sp.hermite_prob(DEGREE.symbol, X) / sp.sqrt(sp.factorial(DEGREE.symbol)),
    [DEGREE],
    name="hermite",
    title="Hermite polynomial of unit norm, He_degree(x) / sqrt(degree!)",
    source="Daniely, Frostig and Singer (2016), Toward deeper understanding of neural networks: the power of "
    "initialization and a dual view on expressivity, NIPS.",
    limits=[Limit("degree", sp.Integer(1), "linear")],
)
