"""Soft shrinkage."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

LAMBD = Parameter(
    "lambd", NON_NEGATIVE, typical=(0.2, 2.5), default=sp.Rational(1, 2), meaning="half width of the dead zone"
)

FAMILY = Activation.from_expression(
    sp.Piecewise((X + LAMBD.symbol, -LAMBD.symbol > X), (0, LAMBD.symbol > X), (X - LAMBD.symbol, True)),
    [LAMBD],
    name="softshrink",
    title="Soft shrinkage, sign(x) max(|x| - lambd, 0)",
    source="Donoho (1995), De-noising by soft-thresholding, IEEE Transactions on Information Theory 41.",
    limits=[Limit("lambd", sp.Integer(0), "linear")],
    torch=[TorchModule("Softshrink")],
    penalty=LAMBD.symbol * sp.Abs(X),
)
