"""Exponential linear unit."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

ALPHA = Parameter(
    "alpha",
    NON_NEGATIVE,
    typical=(0.5, 2.0),
    default=sp.Integer(1),
    meaning="depth of the negative side, minus the limit as x -> -oo",
)

FAMILY = Activation.from_expression(
    sp.Piecewise((X, X > 0), (ALPHA.symbol * (sp.exp(X) - 1), True)),
    [ALPHA],
    name="elu",
    title="Exponential linear unit, x for x > 0 and alpha (exp(x) - 1) below",
    source="Clevert, Unterthiner and Hochreiter (2016), Fast and accurate deep network learning by exponential linear "
    "units (ELUs), ICLR.",
    limits=[Limit("alpha", sp.Integer(0), "relu")],
    torch=[TorchModule("ELU")],
)
