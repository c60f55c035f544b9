"""Uniform quantiser with a dead zone."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

STEP = Parameter("step", POSITIVE, typical=(0.3, 2.0), meaning="height and width of a step; half of it is dead")
LEVELS = Parameter(
    "levels", sp.Interval(1, 16), typical=(1, 5), default=sp.Integer(3), meaning="steps on each side", integer=True
)
_HALF = sp.Rational(1, 2)
# Clipped half a step above the highest level: exactly at it, floor would stand on its own jump.
_NEAREST = STEP.symbol * sp.floor(sp.Min(sp.Max(X / STEP.symbol + _HALF, -LEVELS.symbol), LEVELS.symbol + _HALF))

FAMILY = Activation.from_expression(
    _NEAREST,
    [STEP, LEVELS],
    name="staircase",
    title="Staircase, the multiple of step nearest to x, at most levels steps from 0",
    source="Gray and Neuhoff (1998), Quantization, IEEE Transactions on Information Theory 44.",
    limits=[Limit("step", sp.oo, "abrelu", (("a", sp.Integer(0)), ("b", sp.Integer(0))))],
    penalty=sp.Piecewise((0, sp.Eq(X, _NEAREST)), (sp.oo, True)),  # of the grid: the points that it leaves alone
)
