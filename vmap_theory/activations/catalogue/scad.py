"""Thresholding rule of the smoothly clipped absolute deviation penalty."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

LAMBD = Parameter("lambd", POSITIVE, typical=(0.1, 2.0), meaning="half width of the dead zone")
A = Parameter(
    "a",
    sp.Interval.open(2, sp.oo),
    typical=(2.5, 5.0),
    default=sp.Rational(37, 10),
    meaning="where x is kept unchanged, in units of lambd",
)
_DEAD = LAMBD.symbol
_KNEE = 2 * LAMBD.symbol
_END = A.symbol * LAMBD.symbol


def _middle(sign: int) -> sp.Expr:
    return ((A.symbol - 1) * X - sign * _END) / (A.symbol - 2)


FAMILY = Activation.from_expression(
    sp.Piecewise(
        (X, X < -_END),
        (_middle(-1), X < -_KNEE),
        (X + _DEAD, X < -_DEAD),
        (0, X < _DEAD),
        (X - _DEAD, X < _KNEE),
        (_middle(1), X < _END),
        (X, True),
    ),
    [LAMBD, A],
    name="scad",
    title="SCAD thresholding, soft threshold up to |x| = 2 lambd, then linear up to x itself at |x| = a lambd",
    source="Fan and Li (2001), Variable selection via nonconcave penalized likelihood and its oracle properties, "
    "Journal of the American Statistical Association 96.",
    limits=[
        Limit("a", sp.oo, "soft_threshold", (("tau", LAMBD.symbol),)),
        Limit("lambd", sp.Integer(0), "linear"),
    ],
    penalty=sp.Piecewise(
        (_DEAD * sp.Abs(X), sp.Abs(X) <= _DEAD),
        ((2 * _END * sp.Abs(X) - X**2 - _DEAD**2) / (2 * (A.symbol - 1)), sp.Abs(X) <= _END),
        (_DEAD**2 * (A.symbol + 1) / 2, True),
    ),
)
