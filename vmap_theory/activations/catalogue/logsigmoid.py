"""Logarithm of the logistic sigmoid."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    -sp.log(1 + sp.exp(-X)),
    name="logsigmoid",
    title="Logarithm of the logistic sigmoid, -log(1 + exp(-x))",
    source="Collobert, Kavukcuoglu and Farabet (2011), Torch7: a Matlab-like environment for machine learning, "
    "BigLearn, NIPS workshop.",
    torch=[TorchModule("LogSigmoid")],
)
