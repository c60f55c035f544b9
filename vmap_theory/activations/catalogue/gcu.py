"""Growing cosine unit."""

import sympy as sp

from ..base import Activation
from ..symbols import X

FAMILY = Activation.from_expression(
    X * sp.cos(X),
    name="gcu",
    title="Growing cosine unit, x cos(x)",
    source="Noel, Arunkumar, Trivedi and Dutta (2021), Growing cosine unit: a novel oscillatory activation function "
    "that can speedup training and reduce parameters in convolutional neural networks, arXiv:2108.12943.",
)
