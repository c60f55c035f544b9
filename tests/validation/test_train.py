import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from validation.data import Dataset, digits
from validation.model import Design, Ensemble
from validation.train import Schedule, batch_order, denormals_flushed, train

CPU = torch.device("cpu")
WIDTHS = [64, 24, 24, 24, 10]
SEEDS = [21, 22, 23]
SCHEDULE = Schedule(steps=30, batch=16, rate=0.1, points=5)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return digits()


class Phi(torch.nn.Module):
    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sign() * (x.abs() - self.design.tau).clamp(min=0.0).clamp(max=self.design.m)


def train_alone(design: Design, seed: int, data: Dataset) -> tuple[list[float], float]:
    """One net by torch's own modules, loss and optimiser, from the same initial weights and batches."""
    start = Ensemble([design], [seed], WIDTHS, CPU, torch.float64)
    parts: list[torch.nn.Module] = []
    for weight, bias in zip(start.weights, start.biases, strict=True):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[2], dtype=torch.float64)
        linear.load_state_dict({"weight": weight[0].T, "bias": bias[0, 0]})
        parts += [linear, Phi(design)]
    net = torch.nn.Sequential(*parts[:-1])
    scale = math.sqrt((design.q_star - design.sigma_b2) / design.sigma_w2)
    optimiser = torch.optim.SGD(net.parameters(), lr=SCHEDULE.rate)
    losses = []
    for step, indices in enumerate(batch_order(seed, len(data.train_y), SCHEDULE)):
        optimiser.param_groups[0]["lr"] = SCHEDULE.rate * (1 - step / SCHEDULE.steps)
        loss = torch.nn.functional.cross_entropy(net(scale * data.train_x[indices]), data.train_y[indices])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    right = net(scale * data.test_x).argmax(dim=-1) == data.test_y
    return losses, right.double().mean().item()


def test_an_ensemble_is_its_nets_trained_one_by_one(designs: list[Design], data: Dataset) -> None:
    nets = Ensemble(designs, SEEDS, WIDTHS, CPU, torch.float64)
    start = nets.weights[1].clone()
    history = train(nets, SEEDS, data, SCHEDULE)
    assert history.failed_at == [None] * 3
    for net, (design, seed) in enumerate(zip(designs, SEEDS, strict=True)):
        losses, accuracy = train_alone(design, seed, data)
        np.testing.assert_allclose(history.losses[net], losses, rtol=1e-10, atol=0)
        assert history.accuracy[net, -1] == accuracy
    # The comparison is worth something only if the nets moved.
    assert ((nets.weights[1] - start).abs().amax(dim=(1, 2)) > 0.005).all()


def test_a_broken_net_changes_no_bit_of_the_others(designs: list[Design], data: Dataset) -> None:
    healthy = Ensemble(designs, SEEDS, WIDTHS, CPU, torch.float64)
    expected = train(healthy, SEEDS, data, SCHEDULE)
    nets = Ensemble(designs, SEEDS, WIDTHS, CPU, torch.float64)

    def break_the_middle_net(done: int, total: int) -> None:
        assert total == SCHEDULE.steps
        if done == 7:
            nets.weights[1][1] = math.inf

    history = train(nets, SEEDS, data, SCHEDULE, break_the_middle_net)
    assert history.failed_at == [None, 8, None]
    others = [0, 2]
    assert np.array_equal(history.losses[others], expected.losses[others])
    assert np.array_equal(history.accuracy[others], expected.accuracy[others])
    for weight, expected_weight in zip(nets.weights, healthy.weights, strict=True):
        assert torch.equal(weight[others], expected_weight[others])
        assert (weight[1] == 0).all()
    assert all((bias[1] == 0).all() for bias in nets.biases)
    assert np.isfinite(history.losses[1, :7]).all()
    assert np.isnan(history.losses[1, 7:]).all()
    assert np.isnan(history.sparsity[1, 2:]).all()
    assert history.curve(1)["test_accuracy"][2:] == [None] * 4


def test_a_net_broken_by_the_last_update_is_seen(designs: list[Design], data: Dataset) -> None:
    schedule = Schedule(steps=1, batch=8, rate=1e250, points=1)
    nets = Ensemble([designs[1]], [1], WIDTHS, CPU, torch.float64)
    history = train(nets, [1], data, schedule)
    assert np.isfinite(history.losses).all()
    assert history.failed_at == [2]


def test_sparsity_counts_exact_zeros_of_hidden_activations(designs: list[Design], data: Dataset) -> None:
    nothing_passes = [replace(design, tau=1e9) for design in designs]
    schedule = replace(SCHEDULE, steps=1, points=1)
    nets = Ensemble(nothing_passes, SEEDS, WIDTHS, CPU, torch.float64)
    assert (train(nets, SEEDS, data, schedule).sparsity == 1).all()
    nets = Ensemble(designs, SEEDS, [64, 4000, 10], CPU, torch.float64)
    designed = [math.erf(design.tau / math.sqrt(2 * design.q_star)) for design in designs]
    # 4000 units, whose zeros are independent given an image: standard error below 0.5 / sqrt(4000) = 0.008.
    np.testing.assert_allclose(train(nets, SEEDS, data, schedule).sparsity[:, 0], designed, rtol=0, atol=0.032)


def test_batches_are_passes_over_all_samples_from_the_net_s_own_seed() -> None:
    schedule = Schedule(steps=5, batch=4, rate=0.1)
    order = batch_order(3, 10, schedule)
    assert order.shape == (5, 4)
    assert sorted(order.ravel()[:10]) == sorted(order.ravel()[10:]) == list(range(10))
    assert np.array_equal(order, batch_order(3, 10, schedule))
    assert not np.array_equal(order, batch_order(4, 10, schedule))


def test_curve_averages_the_loss_between_looks(designs: list[Design], data: Dataset) -> None:
    history = train(Ensemble(designs, SEEDS, WIDTHS, CPU, torch.float64), SEEDS, data, SCHEDULE)
    curve = history.curve(2)
    assert curve["step"] == [0, 6, 12, 18, 24, 30]
    assert curve["train_loss"][0] is None
    assert curve["train_loss"][1:] == pytest.approx(list(history.losses[2].reshape(5, 6).mean(axis=1)), rel=1e-12)
    assert {len(column) for column in curve.values()} == {6}


def test_denormals_are_flushed_inside_the_block_only() -> None:
    tiny = torch.tensor(1e-40)
    with denormals_flushed():
        assert tiny * 1.0 == 0
    assert tiny * 1.0 != 0


def test_batches_and_weights_are_drawn_from_different_streams() -> None:
    shared = np.random.default_rng([5, 0]).permutation(1000)
    assert not np.array_equal(batch_order(5, 1000, Schedule(steps=10, batch=100, rate=0.1)).ravel(), shared)
