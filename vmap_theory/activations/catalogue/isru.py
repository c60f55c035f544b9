"""Inverse square root unit."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import NON_NEGATIVE, Parameter
from ..symbols import X

ALPHA = Parameter(
    "alpha",
    NON_NEGATIVE,
    typical=(0.1, 3.0),
    default=sp.Integer(1),
    meaning="inverse square of the level that it saturates at",
)

FAMILY = Activation.from_expression(
    X / sp.sqrt(1 + ALPHA.symbol * X**2),
    [ALPHA],
    name="isru",
    title="Inverse square root unit, x / sqrt(1 + alpha x^2)",
    source="Carlile, Delamarter, Kinney, Marti and Whitney (2017), Improving deep learning by inverse square root "
    "linear units (ISRLUs), arXiv:1710.09967.",
    limits=[Limit("alpha", sp.Integer(0), "linear")],
)
