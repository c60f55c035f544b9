"""Threshold with any value below."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import REAL, Parameter
from ..symbols import X

THRESHOLD = Parameter("threshold", REAL, typical=(0.2, 2.0), meaning="where the identity starts")
VALUE = Parameter("value", REAL, typical=(-1.0, 1.0), meaning="value at and below the threshold")

FAMILY = Activation.from_expression(
    sp.Piecewise((X, THRESHOLD.symbol < X), (VALUE.symbol, True)),
    [THRESHOLD, VALUE],
    name="threshold",
    title="Threshold, x where x > threshold, else value",
    source="Collobert, Kavukcuoglu and Farabet (2011), Torch7: a Matlab-like environment for machine learning, "
    "BigLearn, NIPS workshop.",
    limits=[
        Limit("threshold", -sp.oo, "linear"),
        Limit("value", sp.Integer(0), "jumprelu", (("theta", THRESHOLD.symbol),)),
    ],
    torch=[TorchModule("Threshold")],
)
