"""Scaled exponential linear unit."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

# The decimals of the authors' code: with them q = 1 is a fixed point of E[phi^2] to far below float64 rounding.
_ALPHA = sp.Rational("1.6732632423543772848170429916717")
_SCALE = sp.Rational("1.0507009873554804934193349852946")

FAMILY = Activation.from_expression(
    _SCALE * sp.Piecewise((X, X > 0), (_ALPHA * (sp.exp(X) - 1), True)),
    name="selu",
    title="Scaled exponential linear unit, 1.0507 x for x > 0 and 1.7581 (exp(x) - 1) below",
    source="Klambauer, Unterthiner, Mayr and Hochreiter (2017), Self-normalizing neural networks, NIPS.",
    torch=[TorchModule("SELU")],
)
