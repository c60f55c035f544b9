"""Firm shrinkage: between the soft and the hard threshold."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, POSITIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", NON_NEGATIVE, typical=(0.2, 2.5), meaning="half width of the dead zone")
WIDTH = Parameter("width", POSITIVE, typical=(0.3, 3.0), meaning="distance from the threshold to where x is kept")
_END = TAU.symbol + WIDTH.symbol

FAMILY = Activation.from_expression(
    sp.Piecewise(
        (X, X < -_END),
        (_END * (X + TAU.symbol) / WIDTH.symbol, -TAU.symbol > X),
        (0, TAU.symbol > X),
        (_END * (X - TAU.symbol) / WIDTH.symbol, X < _END),
        (X, True),
    ),
    [TAU, WIDTH],
    name="firm",
    title="Firm shrinkage, 0 up to |x| = tau, then linear up to x itself at |x| = tau + width",
    source="Gao and Bruce (1997), WaveShrink with firm shrinkage, Statistica Sinica 7; the penalty: Zhang (2010), "
    "Nearly unbiased variable selection under minimax concave penalty, The Annals of Statistics 38.",
    limits=[
        Limit("width", sp.oo, "soft_threshold"),
        Limit("width", sp.Integer(0), "hard_threshold"),
        Limit("tau", sp.Integer(0), "linear"),
    ],
    # The minimax concave penalty with lambda = tau and gamma = (tau + width) / tau.
    penalty=sp.Piecewise(
        (TAU.symbol * (sp.Abs(X) - X**2 / (2 * _END)), sp.Abs(X) <= _END),
        (TAU.symbol * _END / 2, True),
    ),
)
