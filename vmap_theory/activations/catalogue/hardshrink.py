"""Hard shrinkage."""

import sympy as sp

from ..base import Activation, Limit, TorchModule
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

LAMBD = Parameter(
    "lambd", NON_NEGATIVE, typical=(0.2, 2.5), default=sp.Rational(1, 2), meaning="half width of the dead zone"
)

FAMILY = Activation.from_expression(
    sp.Piecewise((X, -LAMBD.symbol > X), (0, LAMBD.symbol >= X), (X, True)),
    [LAMBD],
    name="hardshrink",
    title="Hard shrinkage, x where |x| > lambd, else 0",
    source="Donoho and Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage, Biometrika 81.",
    limits=[Limit("lambd", sp.Integer(0), "linear")],
    torch=[TorchModule("Hardshrink")],
    penalty=sp.Piecewise((0, sp.Eq(X, 0)), (LAMBD.symbol**2 / 2, True)),
)
