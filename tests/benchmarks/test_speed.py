"""How long deriving, evaluating, solving and verifying take, next to what others do.

Run from the root of the repository:

    python -m pytest tests/benchmarks -n 0 --benchmark-only

Not collected by default (norecursedirs in pyproject.toml), and without a limit on any time: machines differ.  Compare
two states of the code with ``--benchmark-save=before`` and ``--benchmark-compare``.
"""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy.core.cache import clear_cache

import vmap_theory as vt
from tests.benchmarks.side_by_side.methods import by_closed_form, by_gauss_hermite, upper_erfc
from vmap_theory import formulas as formulas_module
from vmap_theory.kernels.quadrature import rule_for

POINTS = np.geomspace(0.01, 100.0, 100_000)
TAU, M = 1.0, 0.8
CLIPPED = vt.activation("crelu", tau=1, m=0.8)


@pytest.mark.parametrize("name", ["relu_tau", "crelu", "cst", "scad", "trapezoid", "snake", "gelu"])
def test_derive_cold(benchmark: Any, name: str) -> None:
    """Closed forms with symbolic parameters; only this package's cache is cleared, SymPy's own stays warm."""
    formulas = benchmark.pedantic(
        vt.derive, args=(vt.family(name),), setup=formulas_module._derived.cache_clear, rounds=10, warmup_rounds=1
    )
    assert formulas.is_exact


EIGHT = ", ".join(f"({k + 1}*x**3/7 - x**{k % 4} + {k}, x < {k - 3})" for k in range(7))
EIGHT_PIECES = vt.parse_activation(f"Piecewise({EIGHT}, (x**4/9, True))")


def test_derive_eight_pieces(benchmark: Any) -> None:
    """A polynomial on each of eight intervals, of degree up to four."""
    assert len(EIGHT_PIECES.pieces) == 8
    formulas = benchmark.pedantic(
        vt.derive, args=(EIGHT_PIECES,), setup=formulas_module._derived.cache_clear, rounds=5, warmup_rounds=1
    )
    assert formulas.is_exact


@pytest.mark.benchmark(group="E[phi^2] of the shifted ReLU in closed form")
def test_derive_all_formulas(benchmark: Any) -> None:
    """This package: V, V', V'', chi_1 and the sparsity at once."""
    benchmark.pedantic(
        vt.derive, args=(vt.family("relu_tau"),), setup=formulas_module._derived.cache_clear, rounds=5, warmup_rounds=1
    )


@pytest.mark.benchmark(group="E[phi^2] of the shifted ReLU in closed form")
def test_sympy_integrates(benchmark: Any) -> None:
    """SymPy's own integrator for E[phi^2] alone."""
    x = sp.Symbol("x", real=True)
    q, tau = sp.symbols("q tau", positive=True)
    integrand = (x - tau) ** 2 * sp.exp(-(x**2) / (2 * q)) / sp.sqrt(2 * sp.pi * q)

    def integrate() -> sp.Expr:
        return sp.integrate(integrand, (x, tau, sp.oo))

    found = benchmark.pedantic(integrate, setup=clear_cache, rounds=3)
    ours = vt.derive(vt.activation("relu_tau", tau=1))
    at = {q: sp.Rational(13, 10), tau: sp.Integer(1)}
    assert float(found.subs(at)) == pytest.approx(float(ours.second_moment.subs(ours.symbols["q"], at[q])), rel=1e-12)


@pytest.mark.parametrize("name", ["tanh", "half_threshold"])
def test_certified_quadrature(benchmark: Any, name: str) -> None:
    """Five moments and bounds at 100 000 variances, tables included."""
    act = vt.activation(name, **{p.name: 1 for p in vt.family(name).parameters})
    result = benchmark.pedantic(
        vt.gaussian_moments, args=(act, POINTS), kwargs={"bounds": True}, setup=rule_for.cache_clear, rounds=3
    )
    assert np.all(result.second_moment_error <= 1e-12 * result.second_moment)


@pytest.mark.benchmark(group="E[phi^2] at 100 000 variances")
@pytest.mark.parametrize("bounds", [False, True], ids=["no bounds", "bounds"])
def test_evaluate_all_moments(benchmark: Any, bounds: bool) -> None:
    """This package: five moments at once, of an activation with fixed parameters."""
    result = benchmark(vt.gaussian_moments, CLIPPED, POINTS, bounds=bounds)
    assert result.second_moment.shape == POINTS.shape


@pytest.mark.benchmark(group="E[phi^2] at 100 000 variances")
def test_evaluate_textbook_formula(benchmark: Any) -> None:
    """The erfc formula for E[phi^2] alone, which loses its digits in the tail."""
    values = benchmark(by_closed_form(upper_erfc), "crelu", ["second_moment"], POINTS, TAU, M)["second_moment"]
    reachable = POINTS > 0.2  # tau / sqrt(q) < 2.3, where the formula still has ten digits
    exact = vt.gaussian_moments(CLIPPED, POINTS[reachable]).second_moment
    np.testing.assert_allclose(values[reachable], exact, rtol=1e-9)


@pytest.mark.benchmark(group="E[phi^2] at 100 000 variances")
def test_evaluate_gauss_hermite(benchmark: Any) -> None:
    """100 Gauss-Hermite nodes for E[phi^2] alone, which know nothing of the kinks."""
    columns = [np.full_like(POINTS, value) for value in (TAU, M)]
    values = benchmark(by_gauss_hermite, "crelu", ["second_moment"], POINTS, *columns)["second_moment"]
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
