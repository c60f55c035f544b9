"""Shifted rectified linear unit."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", NON_NEGATIVE, typical=(0.2, 2.5), meaning="threshold below which the output is zero")

FAMILY = Activation.from_expression(
    sp.Max(X - TAU.symbol, 0),
    [TAU],
    name="relu_tau",
    title="Shifted rectified linear unit, max(0, x - tau)",
    source="Price, Daultry Ball, Lam, Jones and Tanner (2024), Deep neural network initialization with sparsity "
    "inducing activations, ICLR.",
    limits=[Limit("tau", sp.Integer(0), "relu")],
    penalty=sp.Piecewise((sp.oo, X < 0), (TAU.symbol * X, True)),
)
