"""Confidence intervals: known values, coverage on samples of known laws; statistics of chains counted by hand."""

import numpy as np
import pytest
from scipy import stats

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError
from vmap_theory.finite_width import ChainSample, Estimate
from vmap_theory.finite_width.intervals import probability_estimate, quantile_estimate


@pytest.mark.parametrize(("size", "p"), [(50, 0.5), (400, 0.95), (2000, 0.95), (30, 0.1)])
def test_quantile_intervals_cover(size: int, p: float) -> None:
    """At least the level, and hardly more where the sample is large: order statistics are discrete."""
    rng = np.random.default_rng(8)
    trials, level = 4000, 0.9
    found = [quantile_estimate(rng.exponential(size=size), p, level) for _ in range(trials)]
    truth = -np.log1p(-p)
    covered = sum(e.lower <= truth <= e.upper for e in found)
    assert stats.binomtest(covered, trials, level, alternative="less").pvalue > 1e-4
    assert covered / trials < 0.97
    assert all(e.lower <= e.value <= e.upper for e in found)


def test_quantile_of_a_small_sample_has_no_upper_end() -> None:
    found = quantile_estimate(np.arange(10.0), 0.95, 0.95)
    assert found.value == 9.0
    assert found.upper == np.inf
    assert np.isfinite(found.lower)


def test_infinite_values_sort() -> None:
    sample = np.array([-np.inf] * 50 + [0.0] * 900 + [np.nan] * 50)
    assert quantile_estimate(sample, 0.01, 0.9).value == -np.inf
    assert quantile_estimate(sample, 0.5, 0.9) == Estimate(0.0, 0.0, 0.0, 0.9)
    assert np.isnan(quantile_estimate(sample, 0.99, 0.9).value)


@pytest.mark.parametrize(("count", "size"), [(0, 20), (20, 20), (3, 20), (150, 2000)])
def test_probability_intervals(count: int, size: int) -> None:
    expected = stats.binomtest(count, size).proportion_ci(0.95, method="exact")
    found = probability_estimate(count, size, 0.95)
    # SciPy finds these ends by a root search of that accuracy.
    np.testing.assert_allclose([found.lower, found.upper], [expected.low, expected.high], rtol=1e-10)
    assert found.value == count / size


@pytest.fixture
def sample() -> ChainSample:
    q = np.array([[1, 2, 3, 1.0], [1, 1, 1, 1.0], [1, 0.2, 1, 1.0], [1, 1, 1, np.inf]])
    logs = np.array([[0, 1, 2, 3.0], [0, 0, 0, -np.inf], [0, 1, 1, 0.5], [0, 0, 0, np.nan]])
    vm = vt.VarianceMap("relu", 2.0, 0.0)
    return ChainSample(vm, 10, 3, 1.0, 0, "mean", "numpy", q, logs)


def test_probability_outside(sample: ChainSample) -> None:
    assert sample.probability_outside(0.5, 2.5).value == 0.75
    assert sample.probability_outside(0.5, 2.5, layer=0).value == 0.0
    assert sample.probability_outside(0.5, 2.5, layer=1).value == 0.25
    assert sample.probability_outside(0.5, np.inf).value == 0.5
    assert sample.left_by(0.5, 2.5).tolist() == [0, 1, 2, 3]
    assert (sample.dead, sample.diverged, sample.chains) == (1, 1, 4)


def test_quantiles(sample: ChainSample) -> None:
    assert sample.quantile(0.5, layer=1).value == 1.0
    assert sample.gradient_quantile(0.5, layer=2).value == 0.0
    assert sample.gradient_quantile(0.2).value == -np.inf


@pytest.mark.parametrize("ends", [(0, "b"), ("a", 1), (5, 1), (np.nan, 1), (0, None), (0, np.nan), (-1, 1)])
def test_bad_intervals(sample: ChainSample, ends: tuple[object, object]) -> None:
    for method in (sample.left_by, sample.probability_outside):
        with pytest.raises((DomainError, DtypeError), match=r"low =|high ="):
            method(*ends)


def test_refusals(sample: ChainSample) -> None:
    with pytest.raises(DomainError, match=r"p = 1.*between 0 and 1"):
        sample.quantile(1)
    with pytest.raises(DomainError, match="level = 0"):
        sample.gradient_quantile(0.5, level=0)
    with pytest.raises(DomainError, match="layer = 4"):
        sample.quantile(0.5, layer=4)
    with pytest.raises(DtypeError, match="layer"):
        sample.quantile(0.5, layer=1.0)
    with pytest.raises(DomainError, match="low must lie below high"):
        sample.probability_outside(2.0, 1.0)
    with pytest.raises(DomainError, match="low = -1"):
        sample.probability_outside(-1.0, 1.0)
