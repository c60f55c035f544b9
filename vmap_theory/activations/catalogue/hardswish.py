"""Hard swish."""

import sympy as sp

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X * sp.Min(sp.Max(X + 3, 0), 6) / 6,
    name="hardswish",
    title="Hard swish, x min(max(0, x + 3), 6) / 6",
    source="Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le and Adam (2019), Searching for "
    "MobileNetV3, ICCV.",
    torch=[TorchModule("Hardswish")],
)
