"""Proximal operator of the continuous exact l0 penalty."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

LAMBD = Parameter("lambd", POSITIVE, typical=(0.1, 2.0), meaning="weight of the penalty")
A = Parameter("a", sp.Interval.open(0, 1), typical=(0.3, 0.9), meaning="norm of the column of the design matrix")
_LEVEL = sp.sqrt(2 * LAMBD.symbol)
_START = _LEVEL * A.symbol
_END = _LEVEL / A.symbol

FAMILY = Activation.from_expression(
    sp.Piecewise(
        (X, X < -_END),
        ((X + _START) / (1 - A.symbol**2), X < -_START),
        (0, X < _START),
        ((X - _START) / (1 - A.symbol**2), X < _END),
        (X, True),
    ),
    [LAMBD, A],
    name="cel0",
    title="CEL0 thresholding, sign(x) min(|x|, max(|x| - a sqrt(2 lambd), 0) / (1 - a^2))",
    source="Soubies, Blanc-Feraud and Aubert (2015), A continuous exact l0 penalty (CEL0) for least squares "
    "regularized problem, SIAM Journal on Imaging Sciences 8.",
    limits=[
        Limit("a", sp.Integer(1), "hard_threshold", (("tau", _LEVEL),)),
        Limit("a", sp.Integer(0), "linear"),
        Limit("lambd", sp.Integer(0), "linear"),
    ],
    penalty=sp.Piecewise(
        (LAMBD.symbol - A.symbol**2 / 2 * (sp.Abs(X) - _END) ** 2, sp.Abs(X) <= _END),
        (LAMBD.symbol, True),
    ),
)
