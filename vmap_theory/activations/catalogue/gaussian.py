"""Gaussian."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

B = Parameter("b", POSITIVE, typical=(0.2, 2.0), default=sp.Integer(1), meaning="inverse squared width")

FAMILY = Activation.from_expression(
    sp.exp(-B.symbol * X**2),
    [B],
    name="gaussian",
    title="Gaussian, exp(-b x^2)",
    source="Ramasinghe and Lucey (2022), Beyond periodicity: towards a unifying framework for activations in "
    "coordinate-MLPs, ECCV.",
    limits=[Limit("b", sp.Integer(0), "monomial", (("degree", sp.Integer(0)),))],
)
