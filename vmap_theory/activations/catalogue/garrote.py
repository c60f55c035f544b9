"""Non-negative garrote."""

import sympy as sp

from ..base import Activation, Limit
from ..parameters import POSITIVE, Parameter
from ..symbols import X

TAU = Parameter("tau", POSITIVE, typical=(0.2, 2.5), meaning="half width of the dead zone")
_KEPT = X - TAU.symbol**2 / X

FAMILY = Activation.from_expression(
    sp.Piecewise((_KEPT, -TAU.symbol > X), (0, TAU.symbol > X), (_KEPT, True)),
    [TAU],
    name="garrote",
    title="Non-negative garrote, x - tau^2/x where |x| > tau, else 0",
    source="Gao (1998), Wavelet shrinkage denoising using the non-negative garrote, Journal of Computational and "
    "Graphical Statistics 7, after Breiman (1995), Technometrics 37.",
    limits=[Limit("tau", sp.Integer(0), "linear")],
    # The slope of the penalty is the inverse of the rule less x: (sqrt(x^2 + 4 tau^2) - x) / 2 for x > 0.
    penalty=(sp.Abs(X) * sp.sqrt(X**2 + 4 * TAU.symbol**2) - X**2) / 4
    + TAU.symbol**2 * sp.asinh(sp.Abs(X) / (2 * TAU.symbol)),
)
