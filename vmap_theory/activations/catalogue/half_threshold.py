"""Half thresholding, the proximal operator of the square root."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

LAMBD = Parameter(
    "lambd", POSITIVE, typical=(0.1, 2.0), meaning="weight of the square root in (x - u)^2 + lambd |x|^(1/2)"
)
_THRESHOLD = sp.cbrt(54) / 4 * LAMBD.symbol ** sp.Rational(2, 3)


def _kept(size: sp.Expr) -> sp.Expr:
    angle = sp.acos(LAMBD.symbol / 8 * (size / 3) ** sp.Rational(-3, 2))
    return sp.Rational(2, 3) * X * (1 + sp.cos(2 * sp.pi / 3 - 2 * angle / 3))


FAMILY = Activation.from_expression(
    sp.Piecewise((_kept(-X), X < -_THRESHOLD), (0, X <= _THRESHOLD), (_kept(X), True)),
    [LAMBD],
    name="half_threshold",
    title="Half thresholding, (2/3) x (1 + cos(2 pi/3 - (2/3) arccos((lambd/8) (|x|/3)^(-3/2)))) where "
    "|x| > (54^(1/3)/4) lambd^(2/3), else 0",
    source="Xu, Chang, Xu and Zhang (2012), L1/2 regularization: a thresholding representation theory and a fast "
    "solver, IEEE Transactions on Neural Networks and Learning Systems 23.",
    limits=[Limit("lambd", sp.Integer(0), "linear")],
    # Half of their lambd |x|^(1/2), because their squared distance has no factor 1/2.
    penalty=LAMBD.symbol / 2 * sp.sqrt(sp.Abs(X)),
)
