"""Leaky rectified linear unit."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import REAL, Parameter
from ..symbols import X

SLOPE = Parameter(
    "negative_slope",
    REAL,
    typical=(0.01, 0.5),
    default=sp.Rational(1, 100),
    meaning="slope for x < 0",
)

FAMILY = Activation.from_expression(
    sp.Piecewise((SLOPE.symbol * X, X < 0), (X, True)),
    [SLOPE],
    name="leaky_relu",
    title="Leaky rectified linear unit, x for x >= 0 and negative_slope x below",
    source="Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic models, ICML.",
    limits=[Limit("negative_slope", sp.Integer(0), "relu"), Limit("negative_slope", sp.Integer(1), "linear")],
    torch=[TorchModule("LeakyReLU"), TorchModule("PReLU", parameters=(("negative_slope", "weight"),))],
)
