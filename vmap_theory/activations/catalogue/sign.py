"""Sign."""

import sympy as sp

from ..base import Activation
from ..symbols import X

FAMILY = Activation.from_expression(
    sp.sign(X),
    name="sign",
    title="Sign, 1 for x > 0, -1 for x < 0",
    source="Hubara, Courbariaux, Soudry, El-Yaniv and Bengio (2016), Binarized neural networks, NIPS.",
)
