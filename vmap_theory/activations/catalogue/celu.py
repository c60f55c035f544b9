"""Continuously differentiable exponential linear unit."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import POSITIVE, Parameter
from ..symbols import X

ALPHA = Parameter(
    "alpha", POSITIVE, typical=(0.5, 2.0), default=sp.Integer(1), meaning="depth and width of the negative side"
)

FAMILY = Activation.from_expression(
    sp.Piecewise((X, X > 0), (ALPHA.symbol * (sp.exp(X / ALPHA.symbol) - 1), True)),
    [ALPHA],
    name="celu",
    title="Continuously differentiable exponential linear unit, x for x > 0 and alpha (exp(x / alpha) - 1) below",
    source="Barron (2017), Continuously differentiable exponential linear units, arXiv:1704.07483.",
    limits=[Limit("alpha", sp.Integer(0), "relu"), Limit("alpha", sp.oo, "linear")],
    torch=[TorchModule("CELU")],
)
