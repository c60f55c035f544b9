import numpy as np
import torch

from validation.data import N_CLASSES, digits


def test_every_image_has_mean_square_one() -> None:
    data = digits()
    for x in (data.train_x, data.test_x):
        torch.testing.assert_close(x.square().mean(dim=1), torch.ones(len(x), dtype=torch.float64), rtol=1e-13, atol=0)


def test_split_is_stratified_disjoint_and_the_same_each_time() -> None:
    data, again = digits(), digits()
    assert (len(data.train_y), len(data.test_y)) == (1437, 360)
    assert torch.equal(data.train_x, again.train_x)
    assert torch.equal(data.test_y, again.test_y)
    counts = np.bincount(data.test_y.numpy(), minlength=N_CLASSES)
    assert counts.min() >= 34
    assert counts.max() <= 38
    training_rows = {row.tobytes() for row in data.train_x.numpy()}
    assert not any(row.tobytes() in training_rows for row in data.test_x.numpy())


def test_to_changes_the_precision_of_images_only() -> None:
    data = digits().to(torch.device("cpu"), torch.float32)
    assert data.train_x.dtype == data.test_x.dtype == torch.float32
    assert data.train_y.dtype == torch.int64
