"""Settings that all tests share."""

import os
from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from hypothesis import settings

# No deadline: SymPy's first call of a kind takes far longer than the next.  In CI the examples are the same each time.
settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile("ci", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    """Put mpmath's global precision back, so that no test depends on the one before."""
    before = mpmath.mp.prec
    yield
    mpmath.mp.prec = before


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(20240607)
