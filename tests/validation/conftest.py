import math
from collections.abc import Iterator

import pytest
import torch

from validation.model import Design


@pytest.fixture
def designs() -> list[Design]:
    """Three nets that differ in everything: two clipped, the middle one not."""
    return [
        Design(tau=1.4395, m=1.0016, sigma_w2=7.3877, sigma_b2=0.6989, q_star=1.0),
        Design(tau=0.6745, m=math.inf, sigma_w2=2.0, sigma_b2=0.3, q_star=0.8),
        Design(tau=0.8416, m=0.5, sigma_w2=4.0, sigma_b2=0.9, q_star=1.2),
    ]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """One thread, so that tests side by side do not crowd each other out; put back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
