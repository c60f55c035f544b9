"""Error function shaped as the logistic sigmoid."""

import sympy as sp

from ..base import Activation
from ..symbols import X

_WIDTH = sp.Rational("2.4020563531719796")

FAMILY = Activation.from_expression(
    (1 + sp.erf(X / _WIDTH)) / 2,
    name="sigmoid_like",
    title="Error function shaped as the logistic sigmoid, (1 + erf(x / 2.4020563531719796)) / 2",
    source="Novak, Xiao, Hron, Lee, Alemi, Sohl-Dickstein and Schoenholz (2020), Neural Tangents: fast and easy "
    "infinite neural networks in Python, ICLR.",
)
