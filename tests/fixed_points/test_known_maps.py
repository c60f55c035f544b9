"""All fixed points of a variance map: how many, where, how stable, and with error bounds that hold."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DegenerateMapError

M_SADDLE = 1.83863179068594  # clipped ReLU, s = 0.85, q* = 1: the largest m with a single fixed point
Q_SADDLE = 1.85168765893

# Clipped soft threshold, s = 0.85, V'(1) = 0.9: found with mpmath at 50 digits from E[phi^2] by quadrature.
THREE = [1.0, 1.2633905988165358, 5.3400149106169587]


def crelu_map(tau: float, m: float, q_star: float = 1.0) -> vt.VarianceMap:
    return vt.edge_of_chaos(vt.activation("crelu", tau=tau, m=m), q_star).variance_map


def exact_crelu_map(vm: vt.VarianceMap, sides: int = 1) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """V(q) - q of the clipped ReLU (sides = 1) or soft threshold (2), typed in erfc for mpmath."""
    tau, m = (mpmath.mpf(int(v.p)) / int(v.q) for _, v in vm.activation.values)
    w2, b2 = mpmath.mpf(vm.sigma_w2), mpmath.mpf(vm.sigma_b2)

    def excess(q: mpmath.mpf) -> mpmath.mpf:
        a, b, pdf = tau / mpmath.sqrt(q), (tau + m) / mpmath.sqrt(q), mpmath.npdf
        upper_a, upper_b = mpmath.erfc(a / mpmath.sqrt(2)) / 2, mpmath.erfc(b / mpmath.sqrt(2)) / 2
        second = q * ((1 + a * a) * (upper_a - upper_b) - a * pdf(a) + (2 * a - b) * pdf(b)) + m * m * upper_b
        return sides * w2 * second + b2 - q

    return excess


def assert_honest(vm: vt.VarianceMap, sides: int = 1) -> None:
    """Every reported fixed point lies within its bound of a root at 50 digits, and the bound is tight."""
    with mpmath.workdps(50):
        excess = exact_crelu_map(vm, sides)
        for point in vt.fixed_points(vm):
            true = mpmath.findroot(excess, mpmath.mpf(point.q))
            assert abs(true - mpmath.mpf(point.q)) <= point.error_bound, point
            assert point.error_bound < 1e-8 * point.q, point


def test_clipped_soft_threshold_with_three() -> None:
    vm = vt.clipping_level("cst", sparsity=0.85, target=0.9).variance_map
    points = vt.fixed_points(vm)
    assert [p.stability for p in points] == ["stable", "unstable", "stable"]
    # m comes from a root at 1e-14, which the distances between V and the identity magnify a hundredfold at most.
    assert [p.q for p in points] == pytest.approx(THREE, rel=1e-12)
    assert points[2].chi_1 == pytest.approx(2.28, abs=5e-3)
    assert points[0].slope == pytest.approx(0.9, rel=1e-9)
    assert points[1].slope > 1 > points[2].slope
    assert_honest(vm, sides=2)


@pytest.mark.parametrize("sparsity", [0.6, 0.85, 0.95])
@pytest.mark.parametrize("target", [0.5, 0.7, 0.9, 0.97])
def test_error_bounds_hold_for_clipped_relu(sparsity: float, target: float) -> None:
    vm = vt.clipping_level("crelu", sparsity, target=target).variance_map
    points = vt.fixed_points(vm)
    assert any(abs(p.q - 1) <= p.error_bound + 1e-12 for p in points)
    assert_honest(vm)


@pytest.mark.parametrize("q_star", [1e-6, 0.04, 250.0, 1e8])
def test_scale_does_not_matter(q_star: float) -> None:
    points = vt.fixed_points(vt.clipping_level("cst", 0.85, q_star, target=0.9).variance_map)
    assert [p.q / q_star for p in points] == pytest.approx(THREE, rel=1e-12)


def test_concave_map_has_exactly_one() -> None:
    # tau = 0, m = 8: V(q) ~ q to rounding on a long stretch, where naive scans see many roots.
    points = vt.fixed_points(crelu_map(0.0, 8.0))
    assert len(points) == 1
    assert abs(points[0].q - 1) <= points[0].error_bound
    assert points[0].stability == "stable"


def test_unclipped_threshold_is_semi_stable() -> None:
    # V' = 1 and V'' > 0 at q*: attracts from below, repels from above; iteration would creep past or diverge.
    for name in ("relu_tau", "soft_threshold"):
        for tau in (0.3, 1.0, 2.0):
            points = vt.fixed_points(vt.edge_of_chaos(vt.activation(name, tau=tau)).variance_map)
            assert [p.stability for p in points] == ["semi-stable"]
            assert abs(points[0].q - 1) <= points[0].error_bound
            assert points[0].error_bound < 1e-5


def test_he_initialisation_keeps_every_variance() -> None:
    vm = vt.edge_of_chaos(vt.activation("relu")).variance_map
    with pytest.raises(DegenerateMapError, match="every q") as caught:
        vt.fixed_points(vm)
    assert isinstance(caught.value, ArithmeticError)
    assert isinstance(caught.value, vt.VmapTheoryError)


def tau_85() -> float:
    return vt.threshold_for_sparsity("crelu", 0.85)


@pytest.mark.parametrize(("shift", "count"), [(-1e-2, 1), (-1e-4, 1), (-1e-6, 1), (1e-6, 3), (1e-4, 3), (1e-2, 3)])
def test_around_the_saddle_node(shift: float, count: int) -> None:
    vm = crelu_map(tau_85(), M_SADDLE + shift)
    points = vt.fixed_points(vm)
    assert len(points) == count
    if count == 3:
        assert points[1].q < Q_SADDLE < points[2].q
        assert [p.stability for p in points] == ["stable", "unstable", "stable"]
    assert_honest(vm)


def test_at_the_saddle_node() -> None:
    # To the last digits of m_c a tangency cannot be told from none or two; any answer must be near q_c.
    points = vt.fixed_points(crelu_map(tau_85(), M_SADDLE))
    assert abs(points[0].q - 1) < 1e-12
    assert points[0].slope == pytest.approx(0.9205192531, abs=1e-9)
    assert len(points) in (1, 2, 3)
    assert all(abs(p.q - Q_SADDLE) < 1e-5 for p in points[1:])


@pytest.mark.parametrize(("sparsity", "m_c"), [(0.85, M_SADDLE), (0.7, 2.65667369954171)])
def test_number_changes_at_the_saddle_node(sparsity: float, m_c: float) -> None:
    tau = vt.threshold_for_sparsity("crelu", sparsity)
    assert len(vt.fixed_points(crelu_map(tau, m_c - 1e-5))) == 1
    assert len(vt.fixed_points(crelu_map(tau, m_c + 1e-5))) == 3


def test_linear_maps() -> None:
    linear = vt.activation("linear")
    # V(q) = w q + b: the fixed point is b/(1 - w), stable for w < 1; for w > 1 there is none above 0.
    (point,) = vt.fixed_points(vt.VarianceMap(linear, sigma_w2=0.75, sigma_b2=0.5))
    assert abs(point.q - 2) <= point.error_bound < 1e-13
    assert (point.stability, point.slope, point.chi_1) == ("stable", pytest.approx(0.75), pytest.approx(0.75))
    assert len(vt.fixed_points(vt.VarianceMap(linear, sigma_w2=1.5, sigma_b2=0.5))) == 0


def test_repelling_fixed_point() -> None:
    # V(q) = 3 w q^2 for phi = x^2: q = 1/(3 w), slope 2.
    (point,) = vt.fixed_points(vt.VarianceMap(vt.parse_activation("x**2"), sigma_w2=1 / 6, sigma_b2=0))
    assert abs(point.q - 2) <= point.error_bound + 1e-15
    assert point.stability == "unstable"
    assert point.slope == pytest.approx(2, rel=1e-13)


def test_constant_map() -> None:
    (point,) = vt.fixed_points(vt.VarianceMap(vt.activation("crelu", tau=1, m=1), sigma_w2=0, sigma_b2=0.7))
    assert point.q == pytest.approx(0.7, rel=1e-13)
    assert point.slope == 0


def test_certified_slopes_agree_with_the_map() -> None:
    vm = vt.clipping_level("cst", 0.85, target=0.9).variance_map
    for point in vt.fixed_points(vm):
        assert point.slope == pytest.approx(float(vm.derivative(point.q)), rel=1e-12)
        assert point.chi_1 == pytest.approx(float(vm.chi_1(point.q)), rel=1e-12)
        assert float(vm(point.q)) == pytest.approx(point.q, rel=1e-12)


def test_result_is_a_sequence_in_ascending_order() -> None:
    points = vt.fixed_points(vt.clipping_level("cst", 0.85, target=0.9).variance_map)
    assert len(points) == 3
    assert points[-1] is points[2]
    assert points[:2] == tuple(points)[:2]
    assert [p.q for p in points] == sorted(p.q for p in points)
    low, high = points.searched
    assert low < points[0].q < points[2].q < high


def test_iteration_of_the_map_agrees_with_the_stability() -> None:
    vm = vt.clipping_level("cst", 0.85, target=0.9).variance_map
    stable, unstable, far = vt.fixed_points(vm)
    for factor, target in ((0.999, stable.q), (1.001, far.q)):
        q = np.float64(unstable.q * factor)
        for _ in range(2000):
            q = vm(q)
        assert float(q) == pytest.approx(target, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "parameters", "sigma_w2", "sigma_b2", "diverges"),
    [
        ("relu6", {}, 2.0, 0.0, False),
        ("crelu", {"tau": 0, "m": 1}, 2.0, 0.0, False),
        ("hardtanh", {}, 1.0, 0.0, False),
        ("relu", {}, 2.0, 1e-10, True),
    ],
)
def test_maps_that_are_the_identity_to_rounding_have_no_fixed_point(
    name: str, parameters: dict[str, float], sigma_w2: float, sigma_b2: float, diverges: bool
) -> None:
    # V(q) < q for all q where phi(x)^2 is at most x^2 and less somewhere; V(q) = q + 1e-10 for the last.
    found = vt.fixed_points(vt.VarianceMap(vt.activation(name, **parameters), sigma_w2=sigma_w2, sigma_b2=sigma_b2))
    assert len(found) == 0
    assert found.is_complete
    assert (found.diverges, found.collapses) == (diverges, not diverges)


def test_extreme_units() -> None:
    # V = sigma_b2 as long as the threshold is out of reach; V = sigma_w2 m^2 / 2 once everything is clipped.
    far = vt.VarianceMap(vt.activation("crelu", tau=1e200, m=1), sigma_w2=2, sigma_b2=0.1)
    assert [p.q for p in vt.fixed_points(far)] == pytest.approx([0.1])
    clipped = vt.VarianceMap(vt.activation("crelu", tau=1e-100, m=1), sigma_w2=1e200, sigma_b2=0.1)
    assert [p.q for p in vt.fixed_points(clipped)] == pytest.approx([5e199])
    assert len(vt.fixed_points(vt.VarianceMap("relu", sigma_w2=1e308, sigma_b2=1))) == 0


def test_a_fixed_point_near_zero_without_biases() -> None:
    # phi = x - x^2/2 on (0, 1): E[phi^2] = q/2 - sqrt(2/pi) q^1.5 + O(q^2), so V(q) = q near q = (delta/(2 c))^2 with
    # sigma_w2 = 2 + delta and c = 2 sqrt(2/pi).
    act = vt.parse_activation("Piecewise((0, x < 0), (x - x**2/2, x < 1), (1/2, True))")
    delta = 1e-7
    points = vt.fixed_points(vt.VarianceMap(act, sigma_w2=2 + delta, sigma_b2=0))
    expected = (delta / 2 / (2 * math.sqrt(2 / math.pi))) ** 2
    assert [p.stability for p in points] == ["stable"]
    assert points[0].q == pytest.approx(expected, rel=1e-5)


def test_anything_but_a_variance_map_is_refused() -> None:
    with pytest.raises(TypeError, match="variance_map"):
        vt.fixed_points(vt.clipping_level("cst", 0.85))


def test_a_fixed_point_just_below_the_ceiling() -> None:
    # Nearly every input is clipped, so V stays within sigma_w2 m^2 of its upper bound sigma_b2 + sigma_w2 m^2.
    vm = vt.VarianceMap(vt.activation("cst", tau=0, m=1e-6), sigma_w2=4, sigma_b2=1)
    assert [p.q for p in vt.fixed_points(vm)] == pytest.approx([1 + 4e-12], abs=1e-13)
