"""The edge of chaos as a curve and its inverse: published values, the theorem of one branch, refusals."""

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from scipy.special import ndtr

import vmap_theory as vt
from tests.strategies import continuous_piecewise_linear
from vmap_theory import SolveStatus
from vmap_theory.errors import DegenerateMapError, DomainError, DtypeError, InfeasibleError, NoEdgeOfChaosError
from vmap_theory.solve.edge_curves import edge_at_bias, edge_curve, edges_at_bias


def test_published_values() -> None:
    one, other = edge_at_bias("tanh", 0.05**0.5), edge_at_bias("tanh", 0.2)
    assert (one.sigma_w2, one.q_star) == (pytest.approx(1.76095, abs=5e-6), pytest.approx(0.57005, abs=5e-6))
    assert (other.sigma_w2**0.5, other.q_star) == (pytest.approx(1.304146, abs=5e-7), pytest.approx(0.512079, abs=5e-7))
    hard = edge_curve("hardtanh", 0.5, 2.0, points=3)
    assert hard.q_star[1] == pytest.approx(1)
    assert hard.sigma_w[1] ** 2 == pytest.approx(1.46479, abs=5e-6)
    leaky = edge_curve(vt.activation("leaky_relu", negative_slope=0.5), 0.1, 10, points=5)
    assert leaky.is_point
    np.testing.assert_allclose(leaky.sigma_w**2, 1.6, rtol=1e-15)
    np.testing.assert_array_equal(leaky.sigma_b, 0)


def test_hard_tanh_against_fifty_digits() -> None:
    """sigma_b2 = q - E/S from erf and exp alone."""
    wanted = [1e-3, 0.1, 0.5, 1.0, 7.0, 300.0]
    found = edges_at_bias("hardtanh", wanted)
    assert found.feasible.all()
    for bias, q, low, high, sigma_w in zip(wanted, found.q_star, found.lower, found.upper, found.sigma_w, strict=True):
        with mpmath.workdps(50):

            def slope_moment(v: mpmath.mpf) -> mpmath.mpf:
                return mpmath.erf(1 / mpmath.sqrt(2 * v))

            def excess(v: mpmath.mpf) -> mpmath.mpf:
                inside = v * slope_moment(v) - mpmath.sqrt(2 * v / mpmath.pi) * mpmath.exp(-1 / (2 * v))
                return v - (inside + mpmath.erfc(1 / mpmath.sqrt(2 * v))) / slope_moment(v) - mpmath.mpf(bias) ** 2  # noqa: B023

            exact = mpmath.findroot(excess, mpmath.mpf(float(q)))
            assert low <= exact <= high
            assert abs(mpmath.mpf(float(q)) / exact - 1) < 1e-13 + (high - low) / q
            assert high - low < 1e-8 * q
            assert abs(sigma_w**2 * slope_moment(exact) - 1) < 1e-12


@pytest.mark.parametrize(
    "act",
    [
        vt.activation("tanh"),
        vt.activation("elu", alpha=1),
        vt.activation("crelu", tau=1, m=1),
        vt.activation("relu_tau", tau=0.7),
        vt.activation("gelu"),
        vt.activation("softsign"),
    ],
    ids=lambda act: act.name,
)
def test_inverse_of_the_curve(act: vt.Activation) -> None:
    curve = edge_curve(act, 0.05, 20, points=9)
    assert curve.feasible.all()
    assert np.all(np.diff(curve.sigma_b) > 0)
    back = edges_at_bias(act, curve.sigma_b.reshape(3, 3))
    np.testing.assert_allclose(back.q_star.ravel(), curve.q_star, rtol=1e-9)
    np.testing.assert_allclose(back.sigma_w.ravel(), curve.sigma_w, rtol=1e-9)
    assert np.all((back.lower.ravel() <= curve.q_star * (1 + 1e-9)) & (curve.q_star <= back.upper.ravel() * (1 + 1e-9)))
    one = edge_at_bias(act, float(curve.sigma_b[4]))
    assert one.q_star == back.q_star[1, 1]


# One branch.  B = q - E/S increases wherever it is not negative; see the docstring of the module.


def test_the_identity_of_the_proof_by_sympy() -> None:
    """2 S^2 B' = 2 S^2 + E Y - S W at q = 1, for a polynomial with symbolic coefficients, by exact moments."""
    x, z = sp.symbols("x z", real=True)
    q, a, b, c, d = sp.symbols("q a b c d", positive=True)
    phi = a + b * x + c * x**2 + d * x**3

    def mean(expression: sp.Expr) -> sp.Expr:
        terms = sp.Poly(sp.expand(expression), z).terms()
        return sum(weight * (sp.factorial2(k - 1) if k else 1) for (k,), weight in terms if k % 2 == 0)

    at = {x: sp.sqrt(q) * z}
    square, steep = (sp.simplify(mean(f.subs(at) ** 2)) for f in (phi, sp.diff(phi, x)))
    growth = sp.diff(q - square / steep, q)
    y, w = (mean((z * f.subs(x, z)) ** 2) for f in (sp.diff(phi, x), phi))
    e, s = square.subs(q, 1), steep.subs(q, 1)
    assert sp.simplify(2 * s**2 * growth.subs(q, 1) - (2 * s**2 + e * y - s * w)) == 0


@given(continuous_piecewise_linear())
def test_sigma_b_increases_and_existence_is_for_ever(act: vt.Activation) -> None:
    """Of piecewise-linear activations, integrated here from the normal distribution function and Gauss-Legendre."""
    kinks = np.array([float(point.at) for point in act.breaks])
    q = np.geomspace(1e-2, 1e3, 60)
    nodes, weights = np.polynomial.legendre.leggauss(30)
    biases = []
    for variance in q:
        root = np.sqrt(variance)
        inner = kinks[np.abs(kinks) < 9 * root]
        ends = np.unique(np.concatenate([np.linspace(-9, 9, 25), inner / root]))
        middle, half = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
        z = middle[:, None] + half[:, None] * nodes
        density = half[:, None] * weights * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        square = float((density * np.asarray(act(root * z)) ** 2).sum())
        high, low = act(root * (middle + half / 2)), act(root * (middle - half / 2))
        slope = (np.asarray(high) - np.asarray(low)) / (root * half)
        steep = float((np.diff(ndtr(ends)) * slope**2).sum())
        biases.append(variance - square / steep if steep > 1e-9 else np.nan)
    b = np.array(biases)
    for now, then, variance in zip(b[:-1], b[1:], q[1:], strict=True):
        if now >= 0:
            assert then >= now - 1e-9 * variance


def test_random_spectra_never_turn(rng: np.random.Generator) -> None:
    """Hermite coefficients drawn at random: sigma d a_k / d sigma = k a_k + sqrt((k+1)(k+2)) a_{k+2}."""
    k = np.arange(9)
    seen = 0
    for _ in range(20_000):
        a = rng.standard_normal(9) * rng.choice([0.0, 0.1, 1.0, 3.0], 9)
        moved = k * a
        moved[:-2] += np.sqrt((k[:-2] + 1) * (k[:-2] + 2)) * a[2:]
        square, steep = a @ a, k @ (a * a)
        if steep <= square or square == 0:  # no edge of chaos
            continue
        seen += 1
        turn = 2 * (1 - square / steep) - 2 * (a @ moved) / steep + 2 * square * ((k * a) @ moved) / steep**2
        assert turn > -1e-12
    assert seen > 5000


def test_the_curve_starts_where_the_mean_allows() -> None:
    """A mean of phi forbids small q*; from one q* on, with sigma_b = 0, there is an edge of chaos for ever."""
    act = vt.parse_activation("Max(x, 0) + 2*exp(-x**2)")
    curve = edge_curve(act, 0.01, 1e3, points=60)
    first = int(np.argmax(curve.feasible))
    assert first > 0
    assert curve.feasible[first:].all()
    start = edge_at_bias(act, 0.0)
    assert curve.q_star[first - 1] < start.q_star <= curve.q_star[first]
    assert start.sigma_b2 == pytest.approx(0, abs=1e-12 * start.q_star)
    assert SolveStatus(curve.status[0]) == SolveStatus.NEGATIVE_BIAS


def test_homogeneous_activations_are_told() -> None:
    for name in ("relu", "linear", "abs"):
        assert edge_curve(name).is_point
        with pytest.raises(DegenerateMapError, match=r"homogeneous: with sigma_b = 0 .* at every q\*"):
            edges_at_bias(name, [0.0, 0.3])
    assert not edge_curve("tanh").is_point


def test_jumps_are_refused() -> None:
    for call in (lambda act: edge_curve(act), lambda act: edges_at_bias(act, 0.3), lambda act: edge_at_bias(act, 0.3)):
        with pytest.raises(NoEdgeOfChaosError, match=r"jumps at x = -1, 1, .*use a continuous activation"):
            call(vt.activation("hard_threshold", tau=1))


def test_no_edge_of_chaos_anywhere() -> None:
    with pytest.raises(InfeasibleError, match=r"softplus.* sigma_b2 would have to be negative"):
        edge_curve("softplus")
    with pytest.raises(NoEdgeOfChaosError, match="Raise q_max, or lower the threshold"):
        edge_curve(vt.activation("relu_tau", tau=10), 1e-4, 1e-3, points=5)
    with pytest.raises(InfeasibleError, match="sigma_b2 would have to be negative"):
        edge_at_bias("softplus", 0.3, 0.1, 10.0)


def test_outside_the_range() -> None:
    found = edges_at_bias("tanh", [0.0, 0.2, 1e9, np.nan])
    words = [SolveStatus(status).word for status in found.status]
    assert words == ["outside", "solved", "outside", "missing"]
    assert np.isnan(found.q_star).tolist() == np.isnan(found.sigma_w).tolist() == [True, False, True, True]
    with pytest.raises(InfeasibleError, match=r"sigma_b = 0 for q\* from 1e-06 .*Choose another sigma_b, or widen"):
        edge_at_bias("tanh", 0.0)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"sigma_b": -0.1}, DomainError),
        ({"sigma_b": np.inf}, DomainError),
        ({"sigma_b": "0.1"}, DtypeError),
        ({"sigma_b": 0.1, "q_min": 0}, DomainError),
        ({"sigma_b": 0.1, "q_min": 2, "q_max": 1}, DomainError),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    for solve in (edge_at_bias, edges_at_bias):
        with pytest.raises(error):
            solve("tanh", **arguments)


@pytest.mark.parametrize("points", [1, 0, 2.5])
def test_bad_points(points: Any) -> None:
    with pytest.raises((DomainError, DtypeError), match="points"):
        edge_curve("tanh", points=points)
