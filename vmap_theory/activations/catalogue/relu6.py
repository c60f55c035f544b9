"""Rectified linear unit clipped at 6."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    sp.Min(sp.Max(X, 0), 6),
    name="relu6",
    title="Rectified linear unit clipped at 6, min(max(0, x), 6)",
    source="Krizhevsky (2010), Convolutional deep belief networks on CIFAR-10.",
    torch=[TorchModule("ReLU6")],
    penalty=sp.Piecewise((0, (X >= 0) & (X <= 6)), (sp.oo, True)),
)
