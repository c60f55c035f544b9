"""The tail moments K_k(a) against Tricomi's function, and what they must satisfy."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.integrals import relative_error, tail
from vmap_theory.kernels.libraries import NUMPY
from vmap_theory.kernels.tails import HIGHEST_ORDER, tail_moments, value_at_zero

EPSILON = NUMPY.epsilon
LIMITS = {0: 3, 1: 5, 2: 7, 3: 7, 4: 7, 5: 14, 6: 14, 7: 10, 8: 12, 16: 18, 32: 32}
"""Of the relative error in epsilon, by the highest order.

Measured: 1.3, 2.9, 5.0, 5.4, 5.4, 10.8, 10.8, 6.6, 8.6, 11.8, 22.8."""


def starts() -> st.SearchStrategy[float]:
    return st.one_of(
        st.sampled_from([0.0, 5e-324, 1e-300, 5.0, 37.0, 1e10]),
        st.floats(0, 40),
        st.floats(-12, 10).map(lambda power: 10.0**power),
    )


@pytest.mark.parametrize("highest", LIMITS)
@given(a=starts())
def test_relative_error(highest: int, a: float) -> None:
    found = tail_moments(np.array([a]), highest, NUMPY)
    assert len(found) == highest + 1
    for k, value in enumerate(found):
        assert relative_error(value[0], tail(k, a)) <= LIMITS[highest] * EPSILON, k


@pytest.mark.parametrize("k", [0, 1, 3, 6, 12])
@pytest.mark.parametrize("a", [0.0, 0.3, 1.0, 5.0, 20.0])
def test_the_judge_integrates(k: int, a: float) -> None:
    """Tricomi's function is the integral that the module is about."""
    with mpmath.workdps(40):
        unit = 1 / (mpmath.mpf(a) + 1)
        cuts = [0, *(unit * 4**n for n in range(4)), mpmath.inf]
        value = mpmath.quad(lambda t: t**k * mpmath.exp(-a * t - t * t / 2), cuts) / mpmath.sqrt(2 * mpmath.pi)
        assert abs(value - tail(k, a)) < tail(k, a) * mpmath.mpf(10) ** -30


@pytest.mark.parametrize("highest", [0, 1, 4, HIGHEST_ORDER, 12])
def test_known_limits(highest: int) -> None:
    """Mills' ratio at 0 is 1/2 here; far out K_k goes to k!/(sqrt(2 pi) a^(k+1))."""
    assert tail_moments(np.array([0.0]), 0, NUMPY)[0][0] == pytest.approx(0.5, rel=2 * EPSILON)
    far = tail_moments(np.array([1e10]), highest, NUMPY)
    for k, value in enumerate(far):
        assert value[0] == pytest.approx(float(mpmath.factorial(k)) / np.sqrt(2 * np.pi) / 1e10 ** (k + 1), rel=1e-14)


def test_at_zero_the_numbers_are_correctly_rounded() -> None:
    exact = [tail(k, 0.0) for k in range(33)]
    assert [value_at_zero(k) for k in range(33)] == [float(value) for value in exact]
    assert tail_moments(0.0, 8, NUMPY) == [float(value) for value in exact[:9]]


@pytest.mark.parametrize("highest", [2, HIGHEST_ORDER, 10])
def test_positive_falling_and_continuous(highest: int, rng: np.random.Generator) -> None:
    """K_k falls by a relative step of (k + 1) a/(1 + a) at most; at steps above the noise it must fall."""
    a = np.sort(np.concatenate([[0.0], 10 ** rng.uniform(-10, 10, 2000), rng.uniform(0, 40, 2000)]))
    for k, value in enumerate(tail_moments(a, highest, NUMPY)):
        noise = LIMITS.get(highest, 14) * EPSILON
        assert np.all(value > 0)
        assert np.all(value[1:] <= value[:-1] * (1 + 2 * noise)), k
        steps = np.diff(a) / (1 + a[1:])
        assert np.all(value[1:][steps > 1e-12] < value[:-1][steps > 1e-12]), k


@given(a=starts())
def test_recurrence(a: float) -> None:
    """k K_(k-1) = a K_k + K_(k+1) between orders that were approximated apart."""
    orders = {k: float(tail_moments(np.array([a]), k, NUMPY)[k][0]) for k in range(HIGHEST_ORDER + 2)}
    for k in range(1, HIGHEST_ORDER + 1):
        assert a * orders[k] + orders[k + 1] == pytest.approx(k * orders[k - 1], rel=28 * EPSILON), k


def test_float32_on_the_same_formula(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    from vmap_theory.kernels.torch_arrays import LIBRARIES

    library = LIBRARIES[torch.float32]
    a = torch.tensor(np.concatenate([[0.0], 10 ** rng.uniform(-6, 3, 100)]), dtype=torch.float32)
    for highest in (0, 2, 4):  # measured: 2, 5 and 9.8 epsilon
        for k, values in enumerate(tail_moments(a, highest, library)):
            assert values.dtype == torch.float32
            errors = [relative_error(x, tail(k, y)) for x, y in zip(values.tolist(), a.tolist(), strict=True)]
            assert max(errors) <= 14 * library.epsilon, k
