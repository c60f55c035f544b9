"""The data: scikit-learn's bundled digits, one fixed split, every input scaled to the same mean square."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TEST_SIZE = 360
SPLIT_SEED = 0
N_CLASSES = 10


@dataclass(frozen=True)
class Dataset:
    """Images and labels, split once and for all.

    Attributes
    ----------
    train_x, test_x : torch.Tensor
        Float64, shape (samples, features), every row with mean square 1 (``|x|^2 = features``).
    train_y, test_y : torch.Tensor
        Integer labels, shape (samples,).
    """

    train_x: torch.Tensor
    train_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> "Dataset":
        """Return a copy on `device`, the images in `dtype`."""
        return Dataset(
            self.train_x.to(device, dtype),
            self.train_y.to(device),
            self.test_x.to(device, dtype),
            self.test_y.to(device),
        )


def digits() -> Dataset:
    """Load the 1797 digits of 8 x 8 pixels as 1437 training and 360 test images.

    The mean training image is taken away first: raw pixels are all positive, so all images point the same
    way and a deep net at initialisation can hardly tell them apart. The split is stratified, and comes from
    NumPy's legacy generator, whose stream is frozen across NumPy versions.
    """
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=TEST_SIZE, random_state=SPLIT_SEED, stratify=labels
    )
    mean = train_x.mean(axis=0)
    return Dataset(
        torch.from_numpy(_unit_mean_square(train_x - mean)),
        torch.from_numpy(train_y),
        torch.from_numpy(_unit_mean_square(test_x - mean)),
        torch.from_numpy(test_y),
    )


def _unit_mean_square(x: np.ndarray) -> np.ndarray:
    """Scale each row to mean square 1."""
    scaled: np.ndarray = x / np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    return scaled
