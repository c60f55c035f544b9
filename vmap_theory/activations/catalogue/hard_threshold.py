"""Hard threshold."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", NON_NEGATIVE, typical=(0.2, 2.5), meaning="half width of the dead zone")

FAMILY = Activation.from_expression(
    sp.Piecewise((X, -TAU.symbol > X), (0, TAU.symbol >= X), (X, True)),
    [TAU],
    name="hard_threshold",
    title="Hard threshold, x where |x| > tau, else 0",
    source="Donoho and Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage, Biometrika 81.",
    limits=[Limit("tau", sp.Integer(0), "linear")],
    penalty=sp.Piecewise((0, sp.Eq(X, 0)), (TAU.symbol**2 / 2, True)),
)
