"""Criterion ``saddle-node``: fifty digits, fixed points counted without the package, levels that do not exist."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from tests.solve.levels_by_mpmath import saddle_node_at_fifty_digits, square, threshold, upper
from vmap_theory import SolveStatus
from vmap_theory.errors import DomainError, InfeasibleError, NoEdgeOfChaosError, PrecisionError


def test_published_values() -> None:
    clip = vt.clipping_level("crelu", 0.85, criterion="saddle-node")
    assert clip.m == pytest.approx(1.83863179068594, abs=2e-14)
    assert clip.tangency == pytest.approx(1.85168765893, abs=6e-12)
    assert clip.slope == pytest.approx(0.9205192531, abs=6e-11)
    assert clip.target is None
    assert vt.clipping_level("crelu", 0.7, criterion="saddle-node").m == pytest.approx(2.65667369954171, abs=2e-14)


@pytest.mark.parametrize("q", [1.0, 0.07, 4e9])
@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_against_fifty_digits(family: str, q: float) -> None:
    sparsity = np.array([0.505, 0.51, 0.55, 0.6, 0.7, 0.85, 0.9, 0.95, 0.97, 0.99, 0.999, 0.9999, 1 - 1e-6, 1 - 1e-8])
    found = vt.clipping_levels(family, sparsity, q, criterion="saddle-node")
    assert found.feasible.all()
    for s, m, at in zip(sparsity, found.m, found.tangency, strict=True):
        with mpmath.workdps(60):
            root = mpmath.sqrt(mpmath.mpf(q))
            ratio = mpmath.mpf(float(m)) / root
            exact, where = saddle_node_at_fifty_digits(threshold(family, float(s)), float(ratio), at / q)
            assert abs(ratio / exact - 1) < 1e-12, (float(s), float(m))
            assert abs(mpmath.mpf(float(at)) / (where * mpmath.mpf(q)) - 1) < 1e-11, (float(s), float(at))


@pytest.mark.parametrize(("excess", "limit"), [(1e-3, 2e-12), (1e-4, 5e-11), (1e-5, 3e-10), (1e-6, 3e-9)])
def test_thresholds_near_zero(excess: float, limit: float) -> None:
    found = vt.clipping_levels("crelu", 0.5 + excess, criterion="saddle-node")
    with mpmath.workdps(60):
        start = float(found.m), float(found.tangency)
        exact, _ = saddle_node_at_fifty_digits(threshold("crelu", 0.5 + excess), *start)
        assert abs(mpmath.mpf(float(found.m)) / exact - 1) < limit


def roots_of(a: mpmath.mpf, c: mpmath.mpf, grid: list[mpmath.mpf]) -> int:
    """Sign changes of V(q) - q on the edge of chaos at q* = 1, of closed forms at fifty digits; q* is on no grid."""
    one = mpmath.mpf(1)
    inside, at_one = upper(a) - upper(a + c), square(a, c, one)
    signs = [mpmath.sign(square(a, c, q) - at_one - inside * (q - 1)) for q in grid]
    return sum(1 for left, right in pairwise(signs) if left != right)


@pytest.mark.parametrize("sparsity", [0.55, 0.7, 0.85, 0.95, 0.999])
def test_fixed_points_counted_at_fifty_digits(sparsity: float) -> None:
    """One fixed point at every smaller level, three just above: on all of (0, oo), below q* too."""
    clip = vt.clipping_level("crelu", sparsity, criterion="saddle-node")
    with mpmath.workdps(50):
        a, c, at = threshold("crelu", sparsity), mpmath.mpf(clip.m), mpmath.mpf(clip.tangency)
        spread = [mpmath.mpf(10) ** (mpmath.mpf(k) / 20 - 4 + mpmath.mpf("0.0123")) for k in range(180)]
        near = [at * (1 + mpmath.mpf(k) / 2000) for k in range(-20, 21)]  # the new pair is 0.001 sqrt(1e-6) apart or so
        grid = sorted(spread + near)
        assert roots_of(a, c * (1 - mpmath.mpf("1e-6")), grid) == 1
        assert roots_of(a, c * (1 + mpmath.mpf("1e-4")), grid) == 3
        for share in (0.03, 0.1, 0.3, 0.6, 0.8, 0.9, 0.97, 0.99, 0.999):
            assert roots_of(a, c * mpmath.mpf(share), grid) == 1, share


def numeric_surplus(text: str, tau: float, m: float, q: np.ndarray) -> np.ndarray:
    """E(q) - E(1) - S (q - 1) of a function of the ramp r = min(max(x - tau, 0), m), by Gauss-Legendre panels."""
    nodes, weights = np.polynomial.legendre.leggauss(60)

    def expectation(variance: float, slope: bool) -> float:
        total, root = 0.0, np.sqrt(variance)
        ends = [tau, tau + m, *([] if slope else [tau + m + 12 * root])]
        for low, high in pairwise(ends):
            for left, right in pairwise(np.linspace(low, high, 9)):
                x = (left + right) / 2 + nodes * (right - left) / 2
                r = np.minimum(x - tau, m)
                phi = {"square": (r * r, 2 * r), "both": (r * r + r, 2 * r + 1)}[text][slope]
                total += (right - left) / 2 * weights @ (phi**2 * np.exp(-x * x / 2 / variance) / root)
        return float(total / np.sqrt(2 * np.pi))

    steep, at_one = expectation(1.0, True), expectation(1.0, False)
    return np.array([expectation(v, False) - at_one - steep * (v - 1) for v in q])


OWN = {
    "square": "Min(Max(x - theta, 0), top)**2",
    "both": "Min(Max(x - theta, 0), top)**2 + Min(Max(x - theta, 0), top)",
}


@pytest.mark.parametrize(("text", "sparsity"), [("square", 0.85), ("both", 0.6), ("both", 0.85)])
def test_activations_of_your_own(text: str, sparsity: float) -> None:
    """Here the first tangency may lie below q*, as it does for the second: the surplus is integrated in this file."""
    found = vt.clipping_levels(vt.parse_activation(OWN[text]), sparsity, criterion="saddle-node")
    tau, m, at = float(found.tau), float(found.m), float(found.tangency)
    if (text, sparsity) == ("both", 0.6):
        assert at < 1
    grid = np.sort(np.append(np.geomspace(1e-3, 1e3, 240), at * (1 + np.linspace(-0.02, 0.02, 21))))
    grid = grid[np.abs(grid - 1) > 1e-3]
    for share, alone in ((0.3, True), (0.7, True), (0.95, True), (0.9999, True), (1.0001, False)):
        surplus = numeric_surplus(text, tau, share * m, grid)
        assert bool(np.all(surplus * (grid - 1) < 0)) is alone, share
    with np.errstate(all="raise"):
        assert abs(numeric_surplus(text, tau, m, np.array([at]))[0]) < 1e-13


def test_scaling_for_an_activation_of_your_own() -> None:
    """Not homogeneous with its parameters, so q* = 9 is another problem, solved as such."""
    act = vt.parse_activation(OWN["both"])
    same = vt.parse_activation("Min(Max(x - theta, 0), top)**2*3 + Min(Max(x - theta, 0), top)")
    far, near = (vt.clipping_levels(a, 0.85, q, criterion="saddle-node") for a, q in ((act, 9.0), (same, 1.0)))
    # phi(3 x; 3 theta, 3 top) = 3 (3 r^2 + r): the second activation, times 3.
    assert far.m == pytest.approx(3 * near.m, rel=1e-11)
    assert far.tangency == pytest.approx(9 * near.tangency, rel=1e-9)


def test_symmetric_family_is_the_one_sided_at_half_of_one_plus_s() -> None:
    both, one = (vt.clipping_level(f, s, criterion="saddle-node") for f, s in (("cst", 0.7), ("crelu", 0.85)))
    assert both.m == pytest.approx(one.m, rel=1e-13)
    assert both.tangency == pytest.approx(one.tangency, rel=1e-12)


def test_none_without_a_threshold() -> None:
    assert vt.clipping_levels("crelu", 0.5, criterion="saddle-node").status == SolveStatus.NO_LEVEL
    with pytest.raises(InfeasibleError, match="V is concave at tau = 0, so q_star is the only fixed point whatever"):
        vt.clipping_level("crelu", 0.5, criterion="saddle-node")


def test_thresholds_too_near_zero_are_told() -> None:
    found = vt.clipping_levels("crelu", [0.5 + 1e-12, 0.85], criterion="saddle-node")
    assert found.status.tolist() == [SolveStatus.UNRESOLVED, SolveStatus.SOLVED]
    assert np.isnan(found.m).tolist() == np.isnan(found.tangency).tolist() == [True, False]
    with pytest.raises(PrecisionError, match="cannot be told in float64"):
        vt.clipping_level("crelu", 0.5 + 1e-12, criterion="saddle-node")


def test_a_leak_that_has_two_fixed_points_at_small_levels() -> None:
    act = vt.parse_activation("Piecewise((0, x < t), (x - t, x < t + top), (top + (x - t - top)/10, True))")
    with pytest.raises(InfeasibleError, match="another fixed point beside q_star at a level as small as"):
        vt.clipping_level(act, 0.95, criterion="saddle-node")


def test_ten_thousand_levels() -> None:
    sparsity = np.linspace(0.505, 0.9995, 10_000)
    found = vt.clipping_levels("crelu", sparsity, criterion="saddle-node")
    assert found.feasible.all()
    assert np.all(np.diff(found.m) < 0)
    assert np.all(np.diff(found.tangency) > 0)
    assert np.all(np.diff(found.slope) < 0)  # from near 1 at half down to 0.14: no slope is small enough everywhere


def test_an_element_does_not_depend_on_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    sparsity = np.array([0.6, 0.99, 0.5, 0.85, 0.72])
    whole = vt.clipping_levels("crelu", sparsity, criterion="saddle-node")
    monkeypatch.setattr("vmap_theory.solve.clipping_array._SMALL_CHUNK", 2)
    parts = vt.clipping_levels("crelu", sparsity[::-1], criterion="saddle-node")
    np.testing.assert_allclose(parts.m[::-1], whole.m, rtol=1e-13)
    assert parts.status[::-1].tolist() == whole.status.tolist()


@pytest.mark.parametrize("criterion", ["inflection", "saddle-node", "finite-width"])
def test_arguments_of_other_criteria_are_refused(criterion: str) -> None:
    net = {"width": 10, "depth": 2, "risk": 0.5} if criterion == "finite-width" else {}
    with pytest.raises(DomainError, match=r"target = 0\.5 does not belong to criterion .*choose criterion 'slope'"):
        vt.clipping_levels("crelu", 0.85, criterion=criterion, target=0.5, **net)
    for name, value in {"width": 10, "depth": 3, "risk": 0.1, "seed": 1}.items():
        with pytest.raises(DomainError, match=f"{name} = .* choose criterion 'finite-width'"):
            vt.clipping_levels("crelu", 0.85, **{"criterion": "slope", name: value})


@pytest.mark.parametrize("criterion", ["slope", "inflection", "saddle-node"])
def test_jumps_are_refused(criterion: str) -> None:
    act = vt.parse_activation("Piecewise((0, x < t), (x, x < t + top), (t + top, True))")
    with pytest.raises(NoEdgeOfChaosError, match=r"jumps.*use a continuous activation"):
        vt.clipping_level(act, 0.85, criterion=criterion)
