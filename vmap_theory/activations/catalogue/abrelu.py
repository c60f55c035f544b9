"""Two rays from the origin."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import REAL, Parameter
from ..symbols import X

A = Parameter("a", REAL, typical=(-1.0, 0.8), meaning="slope for x < 0")
B = Parameter("b", REAL, typical=(0.5, 2.0), meaning="slope for x > 0")

FAMILY = Activation.from_expression(
    A.symbol * sp.Min(X, 0) + B.symbol * sp.Max(X, 0),
    [A, B],
    name="abrelu",
    title="Two rays from the origin, a min(x, 0) + b max(x, 0)",
    source="Novak, Xiao, Hron, Lee, Alemi, Sohl-Dickstein and Schoenholz (2020), Neural Tangents: fast and easy "
    "infinite neural networks in Python, ICLR.",
    limits=[Limit("b", sp.Integer(1), "leaky_relu", (("negative_slope", A.symbol),))],
)
