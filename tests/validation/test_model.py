import math

import numpy as np
import pytest
import torch

from validation.data import digits
from validation.model import Design, Ensemble

CPU = torch.device("cpu")


def reference_phi(x: torch.Tensor, design: Design) -> torch.Tensor:
    """The activation as it is defined, in operations that automatic differentiation knows."""
    return x.sign() * (x.abs() - design.tau).clamp(min=0.0).clamp(max=design.m)


def test_first_preactivation_variance_is_q_star(designs: list[Design]) -> None:
    units, images = 40_000, digits().train_x[:3]
    nets = Ensemble(designs, [7, 8, 9], [64, units], CPU, torch.float64)
    _, h = nets.forward(images)
    # Given the image, the units are independent N(0, q*): their mean square has standard error
    # q* sqrt(2 / units).
    q_star = torch.tensor([design.q_star for design in designs], dtype=torch.float64)[:, None]
    z = (h.square().mean(dim=-1) / q_star - 1) / math.sqrt(2 / units)
    assert z.abs().max() < 4


def test_phi_is_the_clipped_soft_threshold_with_exact_zeros_and_nan_stays_nan(designs: list[Design]) -> None:
    nets = Ensemble(designs, [0, 1, 2], [4, 4], CPU, torch.float64)
    x = torch.linspace(-5, 5, 401, dtype=torch.float64).expand(3, 1, -1)
    y = nets.phi_(x.clone())
    for net, design in enumerate(designs):
        torch.testing.assert_close(y[net], reference_phi(x[net], design), rtol=1e-14, atol=1e-15)
        assert (y[net][x[net].abs() <= design.tau] == 0).all()
        assert (y[net].abs() <= design.m).all()
    assert nets.phi_(torch.full((3, 1, 2), math.nan, dtype=torch.float64)).isnan().all()
    assert nets.phi_(torch.full((3, 1, 2), math.inf, dtype=torch.float64))[1].isinf().all()


def test_a_step_is_the_gradient_of_automatic_differentiation(designs: list[Design]) -> None:
    rate, generator = 0.1, torch.Generator().manual_seed(1)
    nets = Ensemble(designs, [3, 4, 5], [6, 9, 8, 4], CPU, torch.float64)
    x = torch.randn(3, 5, 6, generator=generator, dtype=torch.float64)
    logit_slope = torch.randn(3, 5, 4, generator=generator, dtype=torch.float64)
    expected = []
    for net, design in enumerate(designs):
        parameters = [(w[net].clone(), b[net].clone()) for w, b in zip(nets.weights, nets.biases, strict=True)]
        flat = [tensor.requires_grad_() for pair in parameters for tensor in pair]
        h = x[net] * design.input_scale
        for index, (weight, bias) in enumerate(parameters):
            h = (reference_phi(h, design) if index else h) @ weight + bias
        gradients = torch.autograd.grad((h * logit_slope[net]).sum(), flat)
        expected.append([(a - rate * g).detach() for a, g in zip(flat, gradients, strict=True)])
    layers, _ = nets.forward(x)
    nets.descend(layers, logit_slope, rate)
    for net in range(3):
        stepped = [t[net] for pair in zip(nets.weights, nets.biases, strict=True) for t in pair]
        for got, want in zip(stepped, expected[net], strict=True):
            torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-13)


def test_initial_law_and_independence_of_company(designs: list[Design]) -> None:
    widths = [64, 300, 10]
    nets = Ensemble(designs, [11, 12, 13], widths, CPU, torch.float64)
    alone = Ensemble([designs[1]], [12], widths, CPU, torch.float64)
    for together, single in zip((*nets.weights, *nets.biases), (*alone.weights, *alone.biases), strict=True):
        assert torch.equal(together[1], single[0])
    for net, design in enumerate(designs):
        for fan_in, weight in zip(widths, nets.weights, strict=False):
            n = weight[net].numel()
            z = (weight[net].square().mean() * fan_in / design.sigma_w2 - 1) / math.sqrt(2 / n)
            assert abs(z) < 4
        n = nets.biases[0][net].numel()
        assert abs(nets.biases[0][net].square().mean() / design.sigma_b2 - 1) / math.sqrt(2 / n) < 4


def test_other_seeds_are_other_nets(designs: list[Design]) -> None:
    nets = Ensemble([designs[0]] * 2, [1, 2], [5, 5], CPU, torch.float64)
    correlation = np.corrcoef(nets.weights[0].reshape(2, -1).numpy())[0, 1]
    assert abs(correlation) < 0.8
    with pytest.raises(ValueError, match="zip"):
        Ensemble(designs, [1], [5, 5], CPU, torch.float64)
