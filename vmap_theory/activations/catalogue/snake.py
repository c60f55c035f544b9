"""Snake."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

A = Parameter("a", POSITIVE, typical=(0.5, 3.0), default=sp.Integer(1), meaning="angular frequency")

FAMILY = Activation.from_expression(
    X + sp.sin(A.symbol * X) ** 2 / A.symbol,
    [A],
    name="snake",
    title="Snake, x + sin(a x)^2 / a",
    source="Ziyin, Hartwig and Ueda (2020), Neural networks fail to learn periodic functions and how to fix it, "
    "NeurIPS.",
    limits=[Limit("a", sp.Integer(0), "linear"), Limit("a", sp.oo, "linear")],
)
