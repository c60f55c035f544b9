"""Bent identity."""

import sympy as sp

from ..base import Activation
from ..symbols import X

FAMILY = Activation.from_expression(
    (sp.sqrt(X**2 + 1) - 1) / 2 + X,
    name="bent_identity",
    title="Bent identity, (sqrt(x^2 + 1) - 1) / 2 + x",
    source="Kunc and Klema (2024), Three decades of activations: a comprehensive survey of 400 activation functions "
    "for neural networks, arXiv:2402.09092.",
)
