"""Random feature of the Gaussian kernel."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

GAMMA = Parameter(
    "gamma",
    POSITIVE,
    typical=(0.2, 2.0),
    default=sp.Integer(1),
    meaning="inverse squared width of the kernel exp(-gamma |x - y|^2)",
)

FAMILY = Activation.from_expression(
    sp.sqrt(2) * sp.sin(sp.sqrt(2 * GAMMA.symbol) * X + sp.pi / 4),
    [GAMMA],
    name="rbf",
    title="Random feature of the Gaussian kernel, sqrt(2) sin(sqrt(2 gamma) x + pi / 4)",
    source="Rahimi and Recht (2007), Random features for large-scale kernel machines, NIPS; in this form, Novak, "
    "Xiao, Hron, Lee, Alemi, Sohl-Dickstein and Schoenholz (2020), Neural Tangents, ICLR.",
    limits=[Limit("gamma", sp.Integer(0), "monomial", (("degree", sp.Integer(0)),))],
)
