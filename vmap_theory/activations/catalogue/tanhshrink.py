"""Shrinkage by the hyperbolic tangent."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X - sp.tanh(X),
    name="tanhshrink",
    title="Shrinkage by the hyperbolic tangent, x - tanh(x)",
    source="Collobert, Kavukcuoglu and Farabet (2011), Torch7: a Matlab-like environment for machine learning, "
    "BigLearn, NIPS workshop.",
    torch=[TorchModule("Tanhshrink")],
)
