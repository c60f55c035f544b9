"""Criterion ``inflection``: fifty digits, the limit derived symbolically, scaling, levels that do not exist."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from tests.solve.levels_by_mpmath import bend, inflection_at_fifty_digits, threshold
from vmap_theory import SolveStatus
from vmap_theory.errors import InfeasibleError

SPARSITIES = [0.5 + 1e-15, 0.5 + 1e-9, 0.501, 0.6, 0.7, 0.85, 0.9, 0.94, 0.957, 0.9583, 0.958367]


def test_published_value() -> None:
    clip = vt.clipping_level("crelu", 0.9, criterion="inflection")
    assert clip.m == pytest.approx(0.711138114244, abs=6e-13)
    assert clip.curvature == pytest.approx(0, abs=1e-14)
    assert (clip.criterion, clip.target, clip.tangency, clip.m_interval) == ("inflection", None, None, None)
    assert clip.variance_map.second_derivative(1.0) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("q", [1.0, 0.3, 7e5])
def test_against_fifty_digits(q: float) -> None:
    found = vt.clipping_levels("crelu", SPARSITIES, q, criterion="inflection")
    assert found.feasible.all()
    for tau, m in zip(found.tau, found.m, strict=True):
        with mpmath.workdps(60):
            root = mpmath.sqrt(mpmath.mpf(q))
            ratio = mpmath.mpf(float(m)) / root
            exact = inflection_at_fifty_digits(mpmath.mpf(float(tau)) / root, float(ratio))
            # V'' ~ c^2 (a^2 - 3 + k c): one rounding of a threshold a near sqrt(3) moves the root c by 1e-15/c of it.
            assert abs(ratio / exact - 1) < 1e-15 / min(float(exact), 1), (float(tau), float(m))


def test_symmetric_family_against_fifty_digits() -> None:
    sparsity = np.array([0.01, 0.3, 0.5, 0.8, 0.9, 0.9165])
    found = vt.clipping_levels("cst", sparsity, criterion="inflection")
    for s, m in zip(sparsity, found.m, strict=True):
        with mpmath.workdps(60):
            exact = inflection_at_fifty_digits(threshold("cst", float(s)), float(m))
            assert abs(mpmath.mpf(float(m)) / exact - 1) < 4e-15 / min(float(exact), 1), float(s)


def test_limit_derived_by_sympy() -> None:
    """For small m, V'' of a ramp has the sign of tau^2/q - 3: an expansion of the package's closed form."""
    tau, m, q = sp.symbols("tau m q", positive=True)
    bend_form = vt.derive("crelu").d2V
    symbols = {str(symbol): symbol for symbol in bend_form.free_symbols}
    form = bend_form.subs({symbols["tau"]: tau, symbols["m"]: m, symbols["q"]: q})
    series = sp.series(form, m, 0, 3).removeO()
    assert sp.simplify(series.coeff(m, 0)) == sp.simplify(series.coeff(m, 1)) == 0
    leading = sp.simplify(series.coeff(m, 2) / (tau**2 / q - 3))
    weight = leading.subs(symbols["sigma_w2"], 1)
    assert all(weight.subs({tau: t, q: v}).evalf() > 0 for t, v in [(0.1, 1), (1, 2), (5, 1), (2, 9)])
    assert not weight.has(sp.zoo, sp.nan)
    # And no other zero: the remaining factor is an exponential times powers.
    assert sp.solveset(leading.subs({q: 1, symbols["sigma_w2"]: 1}), tau, sp.Interval.open(0, sp.oo)) == sp.S.EmptySet


@pytest.mark.parametrize(
    ("family", "limit"), [("crelu", mpmath.ncdf(mpmath.sqrt(3))), ("cst", 2 * mpmath.ncdf(mpmath.sqrt(3)) - 1)]
)
def test_none_above_the_limit(family: str, limit: mpmath.mpf) -> None:
    below = vt.clipping_levels(family, float(limit) - 1e-5, criterion="inflection")
    assert below.feasible
    assert below.m < 1e-3
    for sparsity in (float(limit) + 1e-9, 0.97, 0.9999):
        assert vt.clipping_levels(family, sparsity, criterion="inflection").status == SolveStatus.NO_LEVEL
        with pytest.raises(InfeasibleError, match=f"below {float(limit):.6f}.*criterion 'slope'"):
            vt.clipping_level(family, sparsity, criterion="inflection")


def test_none_without_a_threshold() -> None:
    with pytest.raises(InfeasibleError, match="at tau = 0 it is negative at every level, V is concave"):
        vt.clipping_level("crelu", 0.5, criterion="inflection")


def test_sign_of_the_curvature_around_the_level() -> None:
    for sparsity in (0.6, 0.85, 0.95):
        a = threshold("crelu", sparsity)
        m = vt.clipping_level("crelu", sparsity, criterion="inflection").m
        assert bend(a, mpmath.mpf(m) * (1 - mpmath.mpf("1e-6"))) < 0 < bend(a, mpmath.mpf(m) * (1 + mpmath.mpf("1e-6")))


def test_scaling() -> None:
    one, four = (vt.clipping_level("cst", 0.8, q, criterion="inflection") for q in (1.0, 4.0))
    assert (four.m, four.tau, four.sigma_w2) == (2 * one.m, 2 * one.tau, one.sigma_w2)  # powers of two are exact


def test_an_activation_of_your_own() -> None:
    act = vt.parse_activation("Min(Max(x - theta, 0), top)**2")
    found = vt.clipping_level(act, 0.7, 2.0, criterion="inflection")
    with mpmath.workdps(30):  # q^2 V'' ~ E[phi^2 (z^4 - 6 z^2 + 3)] / 4, integrated here
        ends = [mpmath.mpf(found.tau), mpmath.mpf(found.tau) + mpmath.mpf(found.m), mpmath.inf]

        def bend_of(z: mpmath.mpf) -> mpmath.mpf:
            x = z * mpmath.sqrt(2)
            return (min(x, ends[1]) - ends[0]) ** 4 * (z**4 - 6 * z**2 + 3) * mpmath.npdf(z)

        places = [end / mpmath.sqrt(2) for end in ends]
        total = mpmath.quad(bend_of, places)
        size = mpmath.quad(lambda z: abs(bend_of(z)), [*places[:2], 3, mpmath.inf])
    assert abs(total) < 1e-12 * size


def test_ten_thousand_levels() -> None:
    sparsity = np.linspace(0.501, 0.958, 10_000)
    found = vt.clipping_levels("crelu", sparsity, criterion="inflection")
    assert found.feasible.all()
    assert np.all(np.diff(found.m) < 0)
    np.testing.assert_allclose(found.curvature, 0, atol=1e-13)
