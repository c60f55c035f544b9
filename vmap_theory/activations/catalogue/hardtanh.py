"""Linear between two bounds, constant outside."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import NON_POSITIVE, POSITIVE, Parameter
from ..symbols import X

MIN_VAL = Parameter("min_val", NON_POSITIVE, typical=(-2.0, -0.5), default=sp.Integer(-1), meaning="lower bound")
MAX_VAL = Parameter("max_val", POSITIVE, typical=(0.5, 2.0), default=sp.Integer(1), meaning="upper bound")

FAMILY = Activation.from_expression(
    sp.Piecewise((MIN_VAL.symbol, MIN_VAL.symbol > X), (X, MAX_VAL.symbol > X), (MAX_VAL.symbol, True)),
    [MIN_VAL, MAX_VAL],
    name="hardtanh",
    title="Hard tanh, x clipped to [min_val, max_val]",
    source="Collobert (2004), Large scale machine learning, PhD thesis, Universite Paris VI.",
    limits=[Limit("min_val", sp.Integer(0), "crelu", (("tau", sp.Integer(0)), ("m", MAX_VAL.symbol)))],
    torch=[TorchModule("Hardtanh")],
    penalty=sp.Piecewise((0, (MIN_VAL.symbol <= X) & (MAX_VAL.symbol >= X)), (sp.oo, True)),
)
