"""Odd trapezoid bump: a dead zone, a ramp, a plateau, a ramp down, and zero again."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, POSITIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", NON_NEGATIVE, typical=(0.2, 2.0), meaning="half width of the dead zone")
RAMP = Parameter("ramp", POSITIVE, typical=(0.2, 2.0), meaning="width of each ramp, and height of the plateau")
FLAT = Parameter("flat", NON_NEGATIVE, typical=(0.2, 2.0), meaning="width of the plateau")
_TOP = TAU.symbol + RAMP.symbol
_FALL = _TOP + FLAT.symbol
_END = _FALL + RAMP.symbol

FAMILY = Activation.from_expression(
    sp.Piecewise(
        (0, X < -_END),
        (-X - _END, X < -_FALL),
        (-RAMP.symbol, X < -_TOP),
        (X + TAU.symbol, -TAU.symbol > X),
        (0, TAU.symbol > X),
        (X - TAU.symbol, X < _TOP),
        (RAMP.symbol, X < _FALL),
        (_END - X, X < _END),
        (0, True),
    ),
    [TAU, RAMP, FLAT],
    name="trapezoid",
    title="Odd trapezoid bump, sign(x) max(0, min(|x| - tau, ramp, tau + 2 ramp + flat - |x|))",
    source="Hampel (1974), The influence curve and its role in robust estimation, Journal of the American Statistical "
    "Association 69, whose three-part redescending function this is, with a dead zone.",
    limits=[Limit("flat", sp.oo, "cst", (("m", RAMP.symbol),)), Limit("ramp", sp.oo, "soft_threshold")],
)
