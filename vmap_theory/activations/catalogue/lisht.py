"""Linearly scaled hyperbolic tangent."""

import sympy as sp

from ..base import Activation
from ..symbols import X

FAMILY = Activation.from_expression(
    X * sp.tanh(X),
    name="lisht",
    title="Linearly scaled hyperbolic tangent, x tanh(x)",
    source="Roy, Manna, Dubey and Chaudhuri (2019), LiSHT: non-parametric linearly scaled hyperbolic tangent "
    "activation function for neural networks, arXiv:1901.05894.",
)
