"""Squared rectified linear unit."""

import sympy as sp

from ..base import Activation
from ..symbols import X

FAMILY = Activation.from_expression(
    sp.Max(X, 0) ** 2,
    name="squared_relu",
    title="Squared rectified linear unit, max(0, x)^2",
    source="So, Manke, Liu, Dai, Shazeer and Le (2021), Primer: searching for efficient transformers for language "
    "modeling, NeurIPS.",
)
