"""Rectified monomial."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import Parameter
from ..symbols import X

DEGREE = Parameter(
    "degree", sp.Interval(1, 8), typical=(2, 4), default=sp.Integer(2), meaning="the power", integer=True
)

FAMILY = Activation.from_expression(
    sp.Piecewise((X**DEGREE.symbol, X > 0), (0, True)),
    [DEGREE],
    name="rectified_monomial",
    title="Rectified monomial, max(0, x)^degree",
    source="Cho and Saul (2009), Kernel methods for deep learning, NIPS.",
    limits=[Limit("degree", sp.Integer(1), "relu"), Limit("degree", sp.Integer(2), "squared_relu")],
)
