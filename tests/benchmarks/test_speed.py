"""How long deriving, evaluating, solving and verifying take, next to what others do.

Run from the root of the repository:

    python -m pytest tests/benchmarks -n 0 --benchmark-only

Not collected by default (norecursedirs in pyproject.toml), and without a limit on any time: machines differ.  Compare
two states of the code with ``--benchmark-save=before`` and ``--benchmark-compare``.
"""

from typing import Any

import numpy as np
import pytest
from scipy.special import erfc

import vmap_theory as vt
from vmap_theory import formulas as formulas_module

POINTS = np.geomspace(0.01, 100.0, 100_000)
TAU, M = 1.0, 0.8
CLIPPED = vt.activation("crelu", tau=1, m=0.8)


@pytest.mark.parametrize("name", ["relu_tau", "crelu", "cst"])
def test_derive_cold(benchmark: Any, name: str) -> None:
    """Closed forms with symbolic parameters; only this package's cache is cleared, SymPy's own stays warm."""
    formulas = benchmark.pedantic(
        vt.derive, args=(vt.family(name),), setup=formulas_module._derived.cache_clear, rounds=10, warmup_rounds=1
    )
    assert formulas.is_exact


@pytest.mark.benchmark(group="E[phi^2] at 100 000 variances")
def test_evaluate_all_moments(benchmark: Any) -> None:
    """This package: five moments and their error bounds at once."""
    result = benchmark(vt.gaussian_moments, CLIPPED, POINTS)
    assert result.second_moment.shape == POINTS.shape


@pytest.mark.benchmark(group="E[phi^2] at 100 000 variances")
def test_evaluate_textbook_formula(benchmark: Any) -> None:
    """The erfc formula for E[phi^2] alone, which loses its digits in the tail."""

    def textbook(q: np.ndarray) -> np.ndarray:
        a, b = TAU / np.sqrt(q), (TAU + M) / np.sqrt(q)
        upper_a, upper_b = erfc(a / np.sqrt(2)) / 2, erfc(b / np.sqrt(2)) / 2
        pdf_a, pdf_b = (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) for z in (a, b))
        return q * ((1 + a * a) * (upper_a - upper_b) - a * pdf_a + (2 * a - b) * pdf_b) + M * M * upper_b

    values = benchmark(textbook, POINTS)
    reachable = POINTS > 0.2  # tau / sqrt(q) < 2.3, where the formula still has ten digits
    exact = vt.gaussian_moments(CLIPPED, POINTS[reachable]).second_moment
    np.testing.assert_allclose(values[reachable], exact, rtol=1e-9)


@pytest.mark.benchmark(group="E[phi^2] at 100 000 variances")
def test_evaluate_gauss_hermite(benchmark: Any) -> None:
    """100 Gauss-Hermite nodes for E[phi^2] alone, which know nothing of the kinks."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    weights = weights / np.sqrt(2 * np.pi)

    def quadrature(q: np.ndarray) -> np.ndarray:
        return np.clip(np.sqrt(q)[:, None] * nodes - TAU, 0, M) ** 2 @ weights

    values = benchmark(quadrature, POINTS)
    index = int(np.argmin(abs(POINTS - 1)))
    exact = float(vt.gaussian_moments(CLIPPED, POINTS[index]).second_moment)
    assert values[index] == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_clipping_level(benchmark: Any, family: str) -> None:
    assert benchmark(vt.clipping_level, family, 0.85, target=0.9).slope == pytest.approx(0.9)


def test_fixed_points_of_which_there_are_three(benchmark: Any) -> None:
    vm = vt.clipping_level("cst", 0.85, target=0.9).variance_map
    assert len(benchmark(vt.fixed_points, vm)) == 3


@pytest.mark.parametrize("digits", [20, 50, 100])
def test_verify_one_point(benchmark: Any, digits: int) -> None:
    report = benchmark.pedantic(vt.verify, args=(vt.family("cst"), digits), kwargs={"points": 1}, rounds=3)
    assert report.passed
