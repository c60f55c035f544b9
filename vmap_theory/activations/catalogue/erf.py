"""Error function."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

B = Parameter("b", POSITIVE, typical=(0.5, 2.0), default=sp.Integer(1), meaning="inverse width")

FAMILY = Activation.from_expression(
    sp.erf(B.symbol * X),
    [B],
    name="erf",
    title="Error function, erf(b x)",
    source="Williams (1997), Computing with infinite networks, NIPS.",
    limits=[Limit("b", sp.oo, "sign")],
)
