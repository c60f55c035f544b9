"""Rectified linear unit with a jump at its threshold."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

THETA = Parameter("theta", NON_NEGATIVE, typical=(0.2, 2.5), meaning="threshold up to which the output is zero")

FAMILY = Activation.from_expression(
    sp.Piecewise((0, THETA.symbol >= X), (X, True)),
    [THETA],
    name="jumprelu",
    title="JumpReLU, x where x > theta, else 0",
    source="Erichson, Yao and Mahoney (2019), JumpReLU: a retrofit defense strategy for adversarial attacks, "
    "arXiv:1904.03750.",
    limits=[Limit("theta", sp.Integer(0), "relu")],
    penalty=sp.Piecewise((sp.oo, X < 0), (0, sp.Eq(X, 0)), (THETA.symbol**2 / 2, True)),
)
