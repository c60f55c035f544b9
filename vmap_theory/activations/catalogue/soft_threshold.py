"""Soft threshold."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", NON_NEGATIVE, typical=(0.2, 2.5), meaning="half width of the dead zone")

FAMILY = Activation.from_expression(
    sp.Piecewise((X + TAU.symbol, -TAU.symbol > X), (0, TAU.symbol > X), (X - TAU.symbol, True)),
    [TAU],
    name="soft_threshold",
    title="Soft threshold, sign(x) max(|x| - tau, 0)",
    source="Donoho (1995), De-noising by soft-thresholding, IEEE Transactions on Information Theory 41.",
    limits=[Limit("tau", sp.Integer(0), "linear")],
    penalty=TAU.symbol * sp.Abs(X),
)
