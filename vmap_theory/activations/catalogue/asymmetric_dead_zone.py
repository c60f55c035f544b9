"""Soft threshold with different thresholds below and above zero."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

TAU_MINUS = Parameter("tau_minus", NON_NEGATIVE, typical=(0.2, 2.5), meaning="width of the dead zone below zero")
TAU_PLUS = Parameter("tau_plus", NON_NEGATIVE, typical=(0.2, 2.5), meaning="width of the dead zone above zero")

FAMILY = Activation.from_expression(
    sp.Piecewise((X + TAU_MINUS.symbol, -TAU_MINUS.symbol > X), (0, TAU_PLUS.symbol > X), (X - TAU_PLUS.symbol, True)),
    [TAU_MINUS, TAU_PLUS],
    name="asymmetric_dead_zone",
    title="Asymmetric dead zone, min(x + tau_minus, 0) + max(x - tau_plus, 0)",
    source="Tao and Kokotovic (1994), Adaptive control of plants with unknown dead-zones, IEEE Transactions on "
    "Automatic Control 39.",
    limits=[Limit("tau_minus", sp.oo, "relu_tau", (("tau", TAU_PLUS.symbol),))],
    penalty=sp.Piecewise((-TAU_MINUS.symbol * X, X < 0), (TAU_PLUS.symbol * X, True)),
)
