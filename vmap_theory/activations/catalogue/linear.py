"""The identity."""

from ..base import Activation, TorchModule
from ..symbols import X

FAMILY = Activation.from_expression(
    X,
    name="linear",
    title="Identity, x",
    source="Saxe, McClelland and Ganguli (2014), Exact solutions to the nonlinear dynamics of learning, ICLR.",
    torch=[TorchModule("Identity")],
)
