"""Maps whose fixed points are known: semi-stable ones, none at all, quadratic growth, smooth activations, units."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from tests.fixed_points.agreement import activation_of, assert_agreement, both
from tests.fixed_points.judge import Pieces, clipped_relu, clipped_soft_threshold, edge, shifted_relu
from vmap_theory.errors import DegenerateMapError, DtypeError


@pytest.mark.parametrize("tau", [1e-3, 0.05, 0.3, 1.0, 1.7, 2.5, 3.5])
@pytest.mark.parametrize("name", ["relu_tau", "soft_threshold"])
def test_unclipped_maps_on_their_edge(name: str, tau: float) -> None:
    found = vt.fixed_points(vt.edge_of_chaos(vt.activation(name, tau=tau)).variance_map)
    (point,) = found
    assert (point.stability, point.attracts_from) == ("semi-stable", "below")
    assert point.lower <= 1 <= point.upper
    # The enclosure covers what 1e-14 of the variances moves: at a tangency its root over q* V''/2.
    bend = vt.edge_of_chaos(vt.activation(name, tau=tau)).curvature
    assert point.error_bound < 5 * np.sqrt(2e-14 / bend)
    assert found.is_complete
    assert found.diverges
    if name == "relu_tau":
        assert [sign for _, sign in edge(shifted_relu(sp.Rational(tau)), 1, 90).roots(0.1003, 1e4)] == [0]


def test_clipped_soft_threshold_with_three() -> None:
    clip = vt.clipping_level("cst", sparsity=0.85, target=0.9)
    found = vt.fixed_points(clip.variance_map)
    judge = edge(clipped_soft_threshold(sp.Rational(clip.tau), sp.Rational(clip.m)), 1)
    assert_agreement(found, judge.roots(0.1003, 100), judge, tight=3e-12)
    assert [round(p.q, 4) for p in found] == [1.0, 1.2634, 5.34]
    assert found[2].chi_1 == pytest.approx(2.28, abs=5e-3)
    assert (found.is_complete, found.diverges) == (True, False)


def test_clipped_relu_that_reaches_far() -> None:
    clip = vt.clipping_level("crelu", sparsity=0.95, target=0.9)
    found = vt.fixed_points(clip.variance_map)
    judge = edge(clipped_relu(sp.Rational(clip.tau), sp.Rational(clip.m)), 1)
    assert_agreement(found, judge.roots(0.1003, 100), judge, tight=3e-12)
    assert found[-1].q == pytest.approx(8.86, abs=5e-3)


def test_relu() -> None:
    with pytest.raises(DegenerateMapError):
        vt.fixed_points(vt.edge_of_chaos("relu").variance_map)
    found = vt.fixed_points(vt.VarianceMap("relu", sigma_w2=3, sigma_b2=1))
    assert (len(found), found.is_complete, found.diverges, found.collapses) == (0, True, True, False)
    found = vt.fixed_points(vt.VarianceMap("relu", sigma_w2=1, sigma_b2=0))
    assert (len(found), found.is_complete, found.diverges, found.collapses) == (0, True, False, True)


def test_everything_decays() -> None:
    found = vt.fixed_points(vt.VarianceMap("hardtanh", sigma_w2=0.5, sigma_b2=0))
    assert (len(found), found.is_complete, found.diverges, found.collapses) == (0, True, False, True)
    found = vt.fixed_points(vt.VarianceMap(vt.activation("crelu", tau=1, m=1), sigma_w2=0, sigma_b2=0))
    assert (len(found), found.is_complete, found.collapses) == (0, True, True)


def test_no_weights_and_a_jump() -> None:
    # V is the constant sigma_b2, whatever phi; chi_1 = 0 E[phi'^2] with an infinite mean must raise no warning.
    (point,) = vt.fixed_points(vt.VarianceMap(vt.activation("hard_threshold", tau=1), sigma_w2=0, sigma_b2=0.5))
    assert point.lower <= 0.5 <= point.upper
    assert point.slope == 0


def test_jumps() -> None:
    # hard_threshold keeps x beyond tau: V(q) = w E[x^2; |x| > tau] + b.
    tau = sp.Integer(1)
    pieces = [(-sp.oo, -tau, [0, 1]), (-tau, tau, [0]), (tau, sp.oo, [0, 1])]
    vm, judge = both(pieces, 0.75, 0.125)
    found = vt.fixed_points(vm)
    assert_agreement(found, judge.roots(0.0101, 1e3), judge)
    assert all(np.isinf(p.chi_1) for p in found)


@pytest.mark.parametrize(
    ("w", "b", "stabilities"),
    [
        (0.25, 0.25, ["stable", "unstable"]),
        (0.5, 0.5, ["semi-stable"]),
        (0.5, 0.5 + 2.0**-40, []),
        (2.0, 0.0, ["unstable"]),
    ],
)
def test_quadratic_growth(w: float, b: float, stabilities: list[str]) -> None:
    # phi = x^2/sqrt(3): V(q) = w q^2 + b meets q at (1 -+ sqrt(1 - 4 w b))/(2 w).
    found = vt.fixed_points(vt.VarianceMap(vt.parse_activation("x**2/sqrt(3)"), sigma_w2=w, sigma_b2=b))
    assert [p.stability for p in found] == stabilities
    assert found.is_complete
    assert found.diverges
    with mpmath.workdps(40):
        square = 1 - 4 * mpmath.mpf(w) * mpmath.mpf(b)
        roots = [] if square < 0 else sorted({(1 - mpmath.sqrt(square)) / (2 * w), (1 + mpmath.sqrt(square)) / (2 * w)})
        for point, root in zip(found, [root for root in roots if root], strict=True):
            assert point.lower <= root <= point.upper
            assert point.upper - point.lower < 1e-12 * point.q


def test_one_more_last_place_at_a_double_root() -> None:
    for b, count in ((np.nextafter(0.5, 0.0), 2), (np.nextafter(0.5, 1.0), 0)):
        found = vt.fixed_points(vt.VarianceMap(vt.parse_activation("x**2/sqrt(3)"), sigma_w2=0.5, sigma_b2=float(b)))
        assert len(found) == count
        assert found.is_complete
        if count:  # 1 -+ sqrt(2^-53 ...)
            with mpmath.workdps(40):
                away = mpmath.sqrt(1 - 2 * mpmath.mpf(float(b)))
                assert found[0].lower <= 1 - away <= found[0].upper < found[1].lower <= 1 + away <= found[1].upper


SMOOTH: list[tuple[str, Callable[[Any], Any], float, float]] = [
    ("tanh", mpmath.tanh, 1.76095, 0.05),
    ("tanh", mpmath.tanh, 3.0, 0.0),
    ("gelu", lambda x: x * mpmath.ncdf(x), 2.5, 0.1),
    ("gelu", lambda x: x * mpmath.ncdf(x), 1.5, 0.1),
    ("sin", mpmath.sin, 4.0, 0.25),
    ("sin", mpmath.sin, 0.5, 0.5),
    ("gaussian", lambda x: mpmath.exp(-x * x), 2.0, 0.0),
    ("erf", mpmath.erf, 2.0, 0.01),
    ("silu", lambda x: x / (1 + mpmath.exp(-x)), 3.0, 0.2),
]


@pytest.mark.parametrize(("name", "phi", "w", "b"), SMOOTH)
def test_smooth_activations(name: str, phi: Callable[[Any], Any], w: float, b: float) -> None:
    found = vt.fixed_points(vt.VarianceMap(name, sigma_w2=w, sigma_b2=b))
    assert found.is_complete
    with mpmath.workdps(20):

        def excess(q: Any) -> Any:
            root = mpmath.sqrt(q)
            cuts = [-12, -6, -3, -1, 0, 1, 3, 6, 12] if q < 30 else [k / mpmath.mpf(4) for k in range(-48, 49)]
            return (w * mpmath.quad(lambda z: phi(root * z) ** 2 * mpmath.npdf(z), cuts) + b) / q - 1

        grid = [mpmath.mpf(10) ** (mpmath.mpf(k) / 3 + 0.01) for k in range(-6, 7)]
        values = [excess(q) for q in grid]
        changes = [k for k in range(len(grid) - 1) if values[k] * values[k + 1] < 0]
        points = [p for p in found if 0.01 < p.q < 100]
        assert len(points) == len(changes)
        for point, k in zip(points, changes, strict=True):
            assert grid[k] < point.q < grid[k + 1]
            true = mpmath.findroot(excess, mpmath.mpf(point.q))
            assert point.lower <= true <= point.upper
            assert point.upper - point.lower < 1e-9 * point.q
            assert (point.stability == "stable") == (values[k] > 0 and point.slope > -1)


def test_published_tanh() -> None:
    # Schoenholz et al. 2017 print sigma_w^2 = 1.76 for sigma_b^2 = 0.05.
    (point,) = vt.fixed_points(vt.VarianceMap("tanh", sigma_w2=1.76095, sigma_b2=0.05))
    assert point.q == pytest.approx(0.57005, abs=1e-5)
    assert point.chi_1 == pytest.approx(1, abs=1e-5)


def scaled_by(pieces: Pieces, factor: sp.Rational) -> Pieces:
    """c phi(x/c)."""
    return [
        (low * factor, high * factor, [c * factor ** (1 - k) for k, c in enumerate(phi)]) for low, high, phi in pieces
    ]


@pytest.mark.parametrize("scale", ["1/1000000", "1/2**40", "1/3", "7", "10**4", "10**8", "2**60"])
def test_homogeneity(scale: str) -> None:
    # c phi(x/c) with c^2 sigma_b2 has the fixed points c^2 q, slopes as before.  c^2 = scale^2 here.
    factor = sp.sympify(scale)
    pieces = clipped_soft_threshold(sp.Rational(23, 16), sp.Rational(25, 16))
    w, b = 7.0, 0.625
    one, _ = both(pieces, w, b)
    scaled = scaled_by(pieces, factor)
    b_scaled = float(sp.Rational(b) * factor**2)
    two = vt.VarianceMap(activation_of(scaled), sigma_w2=w, sigma_b2=b_scaled)
    before, after = vt.fixed_points(one), vt.fixed_points(two)
    assert len(before) == len(after) == 3
    unit = float(factor**2)
    for first, second in zip(before, after, strict=True):
        # c^2 sigma_b2 is rounded, which 1/(1 - V') magnifies.
        assert second.q == pytest.approx(unit * first.q, rel=4e-16 / abs(1 - first.slope) + 4e-15)
        assert (second.slope, second.chi_1) == pytest.approx((first.slope, first.chi_1), rel=1e-13)
        assert second.stability == first.stability
        assert second.error_bound < 1e-12 * second.q
        for inner, outer in zip(first.basin or (), second.basin or (), strict=True):
            assert outer == pytest.approx(unit * inner, rel=1e-12)
    assert (before.diverges, before.collapses) == (after.diverges, after.collapses)


def test_only_variance_maps_have_fixed_points() -> None:
    for wrong in ("crelu", 1.0, vt.activation("relu"), vt.edge_of_chaos("tanh")):
        with pytest.raises(DtypeError, match="VarianceMap"):
            vt.fixed_points(wrong)  # type: ignore[arg-type]


def test_tangent_to_the_identity_at_zero() -> None:
    # tanh(x)^2 < x^2: V(q) < q for all q, by ever less as q falls, and V'(0) = 1.
    found = vt.fixed_points(vt.VarianceMap("tanh", sigma_w2=1, sigma_b2=0))
    assert (len(found), found.is_complete, found.diverges, found.collapses) == (0, True, False, True)
    assert vt.fixed_point_grid("tanh", [0.9, 1.0, 1.2], 0.0).count.tolist() == [0, 0, 1]


@pytest.mark.parametrize("factor", [sp.Rational(1, 10**9), 10**6, 10**7])
def test_units_of_smooth_activations(factor: sp.Rational) -> None:
    one = vt.fixed_points(vt.VarianceMap("tanh", 2, 0))[0]
    act = vt.scaled_activation(vt.activation("tanh"), factor)
    found = vt.fixed_points(vt.VarianceMap(act, 2, 0))
    assert [p.q / float(factor) ** 2 for p in found] == pytest.approx([one.q], rel=1e-9)
    assert (found.is_complete, found.diverges, found.collapses) == (True, False, False)


def test_a_spike_that_samples_miss() -> None:
    act = vt.parse_activation("tanh(x) + 100*exp(-(4000*(x - 1))**2)")
    vm = vt.VarianceMap(act, 0.5, 0)
    found = vt.fixed_points(vm)
    assert [p.stability for p in found] == ["unstable", "stable"]
    assert float(vm(0.3)) > 0.3, "between the two"


@pytest.mark.parametrize(
    ("sigma_w2", "sigma_b2", "count"),
    [(0.5190643550119253, 0.48163584647274876, 0), (0.5894610190189963, 0.424116255246292, 2)],
)
def test_near_tangency_beyond_forty_digits(sigma_w2: float, sigma_b2: float, count: int) -> None:
    # V = w q^2 + b exactly: 1 - 4 w b decides, -2.5e-32 and 1.2e-31 here.
    discriminant = 1 - 4 * sp.Rational(sigma_w2) * sp.Rational(sigma_b2)
    assert 0 < abs(discriminant) < 2e-31
    assert (discriminant > 0) == (count > 0)
    found = vt.fixed_points(vt.VarianceMap(vt.parse_activation("x**2/sqrt(3)"), sigma_w2, sigma_b2))
    assert (len(found), found.is_complete, found.diverges) == (count, True, True)
    assert found.limit(1e6) == math.inf
    assert len(found.near_misses) == (0 if count else 1)


def test_extreme_weights() -> None:
    vm = vt.VarianceMap(vt.activation("crelu", tau=1, m=1), 1e170, 0)
    found = vt.fixed_points(vm)
    assert [p.stability for p in found] == ["unstable", "stable"]
    assert found[1].q == pytest.approx(5e169)
    assert vt.fixed_point_grid("crelu", [1e170, 1e200], 0.0, tau=1.0, m=1.0).count.tolist() == [2, 2]


def test_an_edge_typed_with_twelve_digits() -> None:
    vm = vt.VarianceMap(vt.activation("relu_tau", tau=1), 6.30297437507, 0.525135276161, q_star=1.0)
    assert [(p.q, p.stability) for p in vt.fixed_points(vm)] == [(1.0, "semi-stable")]


def test_values_without_bounds_are_no_signs() -> None:
    # Python functions have no error bound at q >= 1 here: the point is found, and nothing is claimed of others.
    act = vt.Activation.from_function(lambda x: 3 * np.exp(-x * x))
    found = vt.fixed_points(vt.VarianceMap(act, 1.5, 0))
    assert not found.is_complete
    assert [round(p.q, 3) for p in found] == [3.49]


@pytest.mark.parametrize(("name", "collapses"), [("gelu", True), ("silu", True), ("softplus", False)])
def test_smooth_rectifiers_with_he_variances(name: str, collapses: bool) -> None:
    # V/q tends to 1 as q grows; psi has one sign, so V never meets q.
    found = vt.fixed_points(vt.VarianceMap(name, 2, 0))
    assert (len(found), found.is_complete, found.collapses, found.diverges) == (0, True, collapses, not collapses)
