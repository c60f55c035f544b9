"""Clipped shifted rectified linear unit."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, POSITIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", NON_NEGATIVE, typical=(0.2, 2.5), meaning="threshold below which the output is zero")
M = Parameter("m", POSITIVE, typical=(0.2, 2.5), meaning="clipping level, the largest output")

FAMILY = Activation.from_expression(
    sp.Piecewise((0, TAU.symbol > X), (X - TAU.symbol, TAU.symbol + M.symbol > X), (M.symbol, True)),
    [TAU, M],
    name="crelu",
    title="Clipped shifted rectified linear unit, min(max(0, x - tau), m)",
    source="Price, Daultry Ball, Lam, Jones and Tanner (2024), Deep neural network initialization with sparsity "
    "inducing activations, ICLR.",
    limits=[Limit("m", sp.oo, "relu_tau")],
    penalty=sp.Piecewise((TAU.symbol * X, (X >= 0) & (M.symbol >= X)), (sp.oo, True)),
)
