"""Many nets as one batched program: `E` nets of one shape, each with its own activation, law and seed.

A net is ``h^1 = W^1 x + b^1``, ``h^l = W^l phi(h^{l-1}) + b^l`` for its hidden layers, and a read-out
``logits = W phi(h^L) + b`` of the same law: ``W_ij ~ N(0, sigma_w2 / fan_in)``, ``b_i ~ N(0, sigma_b2)``.
With the read-out drawn like every other layer the logits start with variance q*, whatever the sparsity, and
no constant is left to choose. phi is the clipped soft threshold ``sign(x) min(max(|x| - tau, 0), m)``, not
clipped where m is infinite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch


@dataclass(frozen=True)
class Design:
    """The numbers that define one kind of net.

    Attributes
    ----------
    tau, m : float
        Threshold and clipping level of the activation; m may be ``inf`` (not clipped).
    sigma_w2, sigma_b2 : float
        Variances of the initial law: weights ``sigma_w2 / fan_in``, biases ``sigma_b2``.
    q_star : float
        Pre-activation variance that the net is designed to hold.
    """

    tau: float
    m: float
    sigma_w2: float
    sigma_b2: float
    q_star: float

    @property
    def input_scale(self) -> float:
        """Root mean square of an input that gives the first pre-activation the variance q*.

        ``sigma_w2 |x|^2 / n + sigma_b2 = q*``. Feeding ``|x|^2 / n = q*`` instead would start the net far
        above q*, since sigma_w2 is large for sparse activations.
        """
        return float(np.sqrt((self.q_star - self.sigma_b2) / self.sigma_w2))


class Ensemble:
    """`E` nets held as stacked weights.

    Parameters
    ----------
    designs : sequence of Design
        One for each net.
    seeds : sequence of int
        One for each net; the only source of its initial weights, so a net is the same alone or in company.
    widths : sequence of int
        Features, hidden widths, classes.
    device, dtype
        Where and in what precision the nets live. Draws are always made in float64 on the CPU by NumPy, so
        that the same seed is the same net everywhere.

    Attributes
    ----------
    weights : list of torch.Tensor
        Shape (E, fan_in, fan_out): the transpose of the matrix in ``h = W x + b``.
    biases : list of torch.Tensor
        Shape (E, 1, fan_out).
    """

    def __init__(
        self,
        designs: Sequence[Design],
        seeds: Sequence[int],
        widths: Sequence[int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        def stacked(arrays: Sequence[np.ndarray]) -> torch.Tensor:
            return torch.from_numpy(np.stack(arrays)).to(device, dtype)

        def per_net(numbers: Sequence[float]) -> torch.Tensor:
            return torch.tensor(numbers, dtype=dtype, device=device)[:, None, None]

        nets = [_initial_weights(design, seed, widths) for design, seed in zip(designs, seeds, strict=True)]
        self.weights = [stacked([weight for weight, _ in layer]) for layer in zip(*nets, strict=True)]
        self.biases = [stacked([bias for _, bias in layer]) for layer in zip(*nets, strict=True)]
        self.tau = per_net([design.tau for design in designs])
        self.m = per_net([design.m for design in designs])
        self.input_scale = per_net([design.input_scale for design in designs])

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Run all nets.

        Parameters
        ----------
        x : torch.Tensor
            Inputs of mean square 1, shape (E, batch, features), or (batch, features) for the same to all.

        Returns
        -------
        layers : list of torch.Tensor
            What enters each weight matrix: the scaled input, then every hidden layer's ``phi(h)``.
        logits : torch.Tensor
            Shape (E, batch, classes).
        """
        layers = [x * self.input_scale]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            layers.append(self.phi_(torch.baddbmm(bias, layers[-1], weight)))
        return layers, torch.baddbmm(self.biases[-1], layers[-1], self.weights[-1])

    def phi_(self, h: torch.Tensor) -> torch.Tensor:
        """Apply the activation in place; zeros inside the threshold are exact, and NaN stays NaN."""
        return h.sub_(h.clamp(-self.tau, self.tau)).clamp_(-self.m, self.m)

    def descend(self, layers: Sequence[torch.Tensor], logit_slope: torch.Tensor, rate: float) -> None:
        """Take one plain gradient step on all nets, by back-propagation written out.

        phi' is 1 where ``0 < |phi| < m`` and 0 elsewhere, so ``phi(h)`` itself, which the forward run keeps
        anyway, is all that is needed. Updating each weight as soon as its gradient is known lets the matrix
        product write straight into the weight; automatic differentiation would build every gradient first.

        Parameters
        ----------
        layers : sequence of torch.Tensor
            From `forward`.
        logit_slope : torch.Tensor
            Gradient of each net's loss in its logits, shape (E, batch, classes).
        rate : float
            Learning rate.
        """
        slope = logit_slope
        for index in reversed(range(len(self.weights))):
            weight, bias, entering = self.weights[index], self.biases[index], layers[index]
            # The slope below needs the weight as it was in the forward run: before this step's update.
            below = torch.bmm(slope, weight.mT) if index else slope
            weight.baddbmm_(entering.mT, slope, alpha=-rate)
            bias.sub_(slope.sum(dim=1, keepdim=True), alpha=rate)
            if index:
                size = entering.abs()
                slope = below.mul_((size > 0) & (size < self.m))

    def clear(self, nets: torch.Tensor) -> None:
        """Set all weights of the marked nets (boolean, shape (E,)) to zero, where no gradient moves them."""
        for tensor in (*self.weights, *self.biases):
            tensor[nets] = 0.0


def _initial_weights(design: Design, seed: int, widths: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw one net's weights (fan_in, fan_out) and biases (1, fan_out) from its own stream."""
    stream = np.random.default_rng([seed, 0])
    return [
        (
            np.sqrt(design.sigma_w2 / fan_in) * stream.standard_normal((fan_in, fan_out)),
            np.sqrt(design.sigma_b2) * stream.standard_normal((1, fan_out)),
        )
        for fan_in, fan_out in pairwise(widths)
    ]
