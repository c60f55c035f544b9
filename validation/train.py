"""Train an ensemble by plain SGD: one loop, read top to bottom."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from validation.data import Dataset
from validation.model import Ensemble
from validation.record import json_number


@dataclass(frozen=True)
class Schedule:
    """How the nets are trained.

    Attributes
    ----------
    steps, batch : int
        Number of SGD steps and images in each.
    rate : float
        Learning rate of the first step; it falls linearly to 0 after the last.
    points : int
        Number of equal stretches of the run after each of which the test images are looked at.
    """

    steps: int
    batch: int
    rate: float
    points: int = 20


@dataclass(frozen=True)
class History:
    """What was seen while training `E` nets, one row for each net; NaN once a net has gone non-finite.

    Attributes
    ----------
    losses : numpy.ndarray
        Mean cross-entropy of every batch, shape (E, steps).
    at_step : list of int
        The steps after which the test images were looked at; the first is 0, before training.
    accuracy, sparsity : numpy.ndarray
        Test accuracy, and fraction of exact zeros among all hidden activations on the test images, shape
        (E, points + 1).
    failed_at : list
        For each net the first step whose loss was not finite, ``steps + 1`` if only the last update broke the
        net, or None.
    """

    losses: np.ndarray
    at_step: list[int]
    accuracy: np.ndarray
    sparsity: np.ndarray
    failed_at: list[int | None]

    def curve(self, net: int) -> dict[str, list[float | None]]:
        """Tell one net's course, as plain JSON; the training loss is the mean since the look before."""
        stretches = np.split(self.losses[net], self.at_step[1:-1])
        return {
            "step": [*self.at_step],
            "train_loss": [None, *(json_number(stretch.mean()) for stretch in stretches)],
            "test_accuracy": [json_number(value) for value in self.accuracy[net]],
            "sparsity": [json_number(value) for value in self.sparsity[net]],
        }


def train(
    nets: Ensemble,
    seeds: Sequence[int],
    data: Dataset,
    schedule: Schedule,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> History:
    """Train all nets at once; each sees its own batches, drawn from its own seed.

    A net whose loss stops being finite is frozen (its weights are cleared) and recorded; the others go on
    exactly as they would have, since nothing is shared between nets.

    Parameters
    ----------
    nets : Ensemble
        Changed in place.
    seeds : sequence of int
        One for each net, for the order of its batches.
    data : Dataset
        On the nets' device and in their precision.
    schedule : Schedule
        Steps, batch size, learning rate.
    on_progress : callable
        Told the steps done and the steps in all, after every step.

    Returns
    -------
    History
    """
    device = data.train_x.device
    orders = np.stack([batch_order(seed, len(data.train_y), schedule) for seed in seeds], axis=1)
    batches = torch.from_numpy(orders).to(device)
    alive = torch.ones(len(seeds), dtype=torch.bool, device=device)
    losses: list[torch.Tensor] = []
    seen = [evaluate(nets, alive, data)]
    at_step = [0]
    looks = {round(schedule.steps * k / schedule.points) for k in range(1, schedule.points + 1)}
    with torch.no_grad(), denormals_flushed():
        for step, indices in enumerate(batches):
            layers, logits = nets.forward(data.train_x[indices])
            log_p = logits.log_softmax(dim=-1)
            labels = data.train_y[indices][..., None]
            loss = -log_p.gather(-1, labels).mean(dim=(1, 2))
            dying = alive & ~loss.isfinite()
            alive = alive & ~dying
            losses.append(torch.where(alive, loss, torch.nan))
            slope = log_p.exp_().scatter_add_(-1, labels, torch.full_like(log_p, -1.0)) / schedule.batch
            slope[~alive] = 0.0
            nets.descend(layers, slope, schedule.rate * (1 - step / schedule.steps))
            if dying.any():
                nets.clear(dying)
            if step + 1 in looks:
                seen.append(evaluate(nets, alive, data))
                at_step.append(step + 1)
            on_progress(step + 1, schedule.steps)
    accuracy, sparsity = (np.stack(rows, axis=1) for rows in zip(*seen, strict=True))
    table = torch.stack(losses, dim=1).double().cpu().numpy()
    # The last update can itself be the one that breaks a net: then only the look after it tells.
    broken = np.isnan(np.column_stack([table, accuracy[:, -1]]))
    failed_at = [int(row.argmax()) + 1 if row.any() else None for row in broken]
    return History(table, at_step, accuracy, sparsity, failed_at)


def batch_order(seed: int, samples: int, schedule: Schedule) -> np.ndarray:
    """Draw one net's batches, shape (steps, batch): passes over all samples, each in a fresh order."""
    stream = np.random.default_rng([seed, 1])
    needed = schedule.steps * schedule.batch
    passes = [stream.permutation(samples) for _ in range(-(-needed // samples))]
    return np.concatenate(passes)[:needed].reshape(schedule.steps, schedule.batch)


def evaluate(nets: Ensemble, alive: torch.Tensor, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy and hidden sparsity of every net, shape (E,) each; NaN where a net is not finite."""
    with torch.no_grad():
        layers, logits = nets.forward(data.test_x)
        accuracy = (logits.argmax(dim=-1) == data.test_y).double().mean(dim=1)
        zeros = torch.stack([(layer == 0).double().mean(dim=(1, 2)) for layer in layers[1:]]).mean(dim=0)
        finite = alive & logits.isfinite().all(dim=-1).all(dim=-1)
        accuracy, zeros = (torch.where(finite, values, torch.nan).cpu() for values in (accuracy, zeros))
        return accuracy.numpy(), zeros.numpy()


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Treat denormal numbers as zero inside the block, as a dying net is full of them and they are slow."""
    were_kept = bool(torch.tensor(1e-40).mul(1.0) != 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(not were_kept)
