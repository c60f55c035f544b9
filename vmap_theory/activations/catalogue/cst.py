"""Clipped soft threshold."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, POSITIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", NON_NEGATIVE, typical=(0.2, 2.5), meaning="half width of the dead zone")
M = Parameter("m", POSITIVE, typical=(0.2, 2.5), meaning="clipping level, the largest absolute output")
_TOP = TAU.symbol + M.symbol

FAMILY = Activation.from_expression(
    sp.Piecewise(
        (-M.symbol, X < -_TOP),
        (X + TAU.symbol, -TAU.symbol > X),
        (0, TAU.symbol > X),
        (X - TAU.symbol, X < _TOP),
        (M.symbol, True),
    ),
    [TAU, M],
    name="cst",
    title="Clipped soft threshold, sign(x) min(max(|x| - tau, 0), m)",
    source="Price, Daultry Ball, Lam, Jones and Tanner (2024), Deep neural network initialization with sparsity "
    "inducing activations, ICLR.",
    limits=[Limit("m", sp.oo, "soft_threshold")],
    penalty=sp.Piecewise((TAU.symbol * sp.Abs(X), sp.Abs(X) <= M.symbol), (sp.oo, True)),
)
