"""q* as a knob: numbers against fifty digits and against random nets, what is held, and the exact symmetry."""

from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr

import vmap_theory as vt
from tests.data.pieces import PIECES
from tests.gaussian import moments_by_recursion, product
from vmap_theory.errors import (
    DomainError,
    DtypeError,
    InfeasibleError,
    NoEdgeOfChaosError,
    SymbolicParameterError,
    UnknownNameError,
)
from vmap_theory.finite_width.moments import noise_moments
from vmap_theory.kernels.slope_derivative import slope_moment_derivative
from vmap_theory.solve import SolveStatus
from vmap_theory.solve.held import HOLDS
from vmap_theory.solve.q_star import QStarEffects, scaled_activation, vary_q_star

NUMBERS = ("sigma_w2", "slope", "relative_curvature", "relative_sensitivity", "asymmetry", "drift", "noise")
Q_STARS = np.array([0.2, 0.7, 1.0, 3.0, 9.0])


def effects(act: Any, q_star: Any, hold: str, /, **held: Any) -> QStarEffects:
    return vary_q_star(act, q_star, hold=hold, **held)


def by_fifty_digits(pieces: Any, q: Any, d: Any) -> dict[str, Any]:
    """The numbers of `QStarEffects` from truncated moments; derivatives of E[phi'^2] from central differences."""
    with mpmath.workdps(150):
        here, above, below = (moments_by_recursion(pieces, q * factor, 150) for factor in (1, 1 + d, 1 - d))
        step = q * mpmath.mpf(10) ** -40
        near = [moments_by_recursion(pieces, q + side * step, 150)["slope_moment"] for side in (1, -1)]
        squares = [(low, high, product(c, c)) for low, high, c in pieces]
        fourth = moments_by_recursion(squares, q, 150)["second_moment"]
        w2 = 1 / here["slope_moment"]
        up = w2 * (above["second_moment"] - here["second_moment"])
        down = w2 * (here["second_moment"] - below["second_moment"])
        return {
            "sigma_w2": w2,
            "sigma_b2": q - w2 * here["second_moment"],
            "sparsity": here["sparsity"],
            "slope": w2 * here["d_second_moment"],
            "curvature": w2 * here["d2_second_moment"],
            "sensitivity": w2 * (near[0] - near[1]) / (2 * step),
            "asymmetry": (up - down) / (up + down),
            "drift": (up - down) / (2 * d * q),
            "noise": w2**2 * (fourth - here["second_moment"] ** 2) / q**2,
        }


@pytest.mark.parametrize("family", ["crelu", "cst"])
@pytest.mark.parametrize(("tau", "m"), [(0.3, 2.0), (1.0, 1.0), (1.5, 0.2)])
def test_numbers_at_fifty_digits(family: str, tau: float, m: float) -> None:
    found = effects(family, Q_STARS, "parameters", tau=tau, m=m, distance=0.25)
    assert found.feasible.all()
    for index, q in enumerate(Q_STARS):
        with mpmath.workdps(150):
            pieces = PIECES[family](tau=mpmath.mpf(tau), m=mpmath.mpf(m))
            true = by_fifty_digits(pieces, mpmath.mpf(q), mpmath.mpf(0.25))
        # Differences of V at a quarter of q* lose what they cancel: slopes here are above 0.02.
        scale = {"asymmetry": 1e-12, "drift": 1e-13, "curvature": 1e-13 / q, "sensitivity": 1e-13 / q}
        for name, value in true.items():
            error = abs(getattr(found, name)[index] - value)
            assert error <= max(1e-13 * abs(value), scale.get(name, 0.0)), (name, q)


def test_local_forms_of_the_asymmetry() -> None:
    found = effects("crelu", Q_STARS, "parameters", tau=1.0, m=1.0, distance=1e-4)
    np.testing.assert_allclose(found.drift, 1e-4 * found.relative_curvature / 2, rtol=1e-5, atol=1e-11)
    np.testing.assert_allclose(
        found.asymmetry * 2 * found.slope, 1e-4 * found.relative_curvature, rtol=1e-5, atol=1e-10
    )


def test_a_map_that_is_symmetric_and_one_that_is_not() -> None:
    # V(q) = q is as symmetric as can be; V(q) = w 3 q^2 of phi = x^2 has up - down = 2 d^2 w 3 q^2 and V' = 3/2.
    straight = vary_q_star("linear", 1.0)
    assert (straight.asymmetry, straight.drift, straight.relative_sensitivity) == (0, 0, 0)
    square = vary_q_star(vt.parse_activation("x**2"), [0.5, 2.0], distance=0.5)
    np.testing.assert_allclose(square.slope, 1.5)
    np.testing.assert_allclose(square.asymmetry, 0.25)  # d/2
    np.testing.assert_allclose(square.drift, 0.375)  # 3 d/4
    np.testing.assert_allclose(square.relative_sensitivity, 1.0)  # E[phi'^2] = 4 q
    assert np.isinf(square.stationary_variance).all()
    assert np.isnan(square.mean_shift).all()


def test_what_is_held_is_held() -> None:
    tau, m = 1.1, 0.9
    fixed = effects("crelu", Q_STARS, "parameters", tau=tau, m=m)
    np.testing.assert_allclose(fixed.sparsity, ndtr(tau / np.sqrt(Q_STARS)), rtol=1e-14)
    for found in (fixed, effects("crelu", Q_STARS, "threshold-and-slope", tau=tau, slope=0.6)):
        np.testing.assert_array_equal(found.tau, tau)
    np.testing.assert_array_equal(fixed.m, m)
    np.testing.assert_allclose(found.slope, 0.6, rtol=1e-13)
    np.testing.assert_allclose(found.sparsity, ndtr(tau / np.sqrt(Q_STARS)), rtol=1e-14)
    sparse = effects("cst", Q_STARS, "level-and-sparsity", m=m, sparsity=0.8)
    np.testing.assert_array_equal(sparse.m, m)
    np.testing.assert_allclose(sparse.sparsity, 0.8, rtol=1e-13)
    both = effects("cst", Q_STARS, "sparsity-and-slope", sparsity=0.8, slope=0.6)
    np.testing.assert_allclose(both.sparsity, 0.8, rtol=1e-13)
    np.testing.assert_allclose(both.slope, 0.6, rtol=1e-13)
    level = vt.clipping_levels("cst", 0.8, Q_STARS, target=0.6)
    np.testing.assert_allclose(both.m, level.m, rtol=1e-13)
    assert both.activation == vt.family("cst")
    np.testing.assert_array_equal(both.parameters["m"], both.m)
    for found in (fixed, sparse, both):
        maps = vt.edges_of_chaos(found.activation, Q_STARS, tau=found.tau, m=found.m)
        np.testing.assert_allclose(found.sigma_b2, maps.sigma_b2)


@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_sparsity_and_slope_leave_the_map_as_it_is(family: str) -> None:
    q = np.geomspace(1e-40, 1e40, 17)
    found = effects(family, q, "sparsity-and-slope", sparsity=0.85, slope=0.7)
    one = effects(family, 1.0, "sparsity-and-slope", sparsity=0.85, slope=0.7)
    for name in (*NUMBERS, "sparsity", "stationary_variance", "mean_shift", "gradient_variance"):
        np.testing.assert_allclose(getattr(found, name), getattr(one, name), rtol=2e-12, atol=2e-13, err_msg=name)
    for name, unit in (("tau", np.sqrt(q)), ("m", np.sqrt(q)), ("sigma_b2", q), ("curvature", 1 / q)):
        np.testing.assert_allclose(getattr(found, name) / unit, getattr(one, name), rtol=2e-12, err_msg=name)


SCALED = [
    ("crelu", {"tau": 1.0, "m": 1.1}, ("tau", "m")),
    ("cst", {"tau": 1.4395, "m": 1.3}, ("tau", "m")),
    ("relu_tau", {"tau": 0.7}, ("tau",)),
    ("soft_threshold", {"tau": 0.7}, ("tau",)),
    ("hardtanh", {"min_val": -0.5, "max_val": 1.5}, ("min_val", "max_val")),
    ("firm", {"tau": 0.5, "width": 1.2}, ("tau", "width")),
    ("tanh", {}, None),
    ("gelu", {}, None),
]


@pytest.mark.parametrize("factor", [2.0**-20, 0.3, 1e5])
@pytest.mark.parametrize(("name", "values", "lengths"), SCALED)
def test_scaling_of_every_family(name: str, values: dict[str, float], lengths: Any, factor: float) -> None:
    plain = vt.activation(name, **values)
    larger = scaled_activation(plain, factor)
    unit = factor**2
    q = np.geomspace(0.1, 10, 7)
    before, after = vt.gaussian_moments(plain, q), vt.gaussian_moments(larger, unit * q)
    for moment, power in (("second_moment", 1), ("d_second_moment", 0), ("d2_second_moment", -1), ("slope_moment", 0)):
        size = np.abs(getattr(before, moment)) + (1e-1 if moment == "d2_second_moment" else 0)
        error = np.abs(getattr(after, moment) / unit**power - getattr(before, moment))
        assert np.all(error <= 3e-13 * size), moment
    np.testing.assert_allclose(after.sparsity, before.sparsity, rtol=1e-12)
    if lengths is not None:  # c phi(x/c) is the family at parameters times c
        direct = vt.gaussian_moments(vt.family(name), unit * q, **{k: factor * v for k, v in values.items()})
        np.testing.assert_allclose(direct.second_moment, after.second_moment, rtol=1e-12)
        x = np.linspace(-4, 4, 81) * factor
        np.testing.assert_allclose(larger(x), vt.activation(name, **{k: factor * v for k, v in values.items()})(x))


@pytest.mark.parametrize("factor", [1e-3, 0.7, 2e4])
@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_scaling_of_edges_and_fixed_points(family: str, factor: float) -> None:
    clip = vt.clipping_level(family, 0.85, target=0.9)
    one = vt.edge_of_chaos(vt.activation(family, tau=clip.tau, m=clip.m))
    two = vt.edge_of_chaos(scaled_activation(vt.activation(family, tau=clip.tau, m=clip.m), factor), factor**2)
    assert two.sigma_w2 == pytest.approx(one.sigma_w2, rel=1e-13)
    assert two.sigma_b2 == pytest.approx(factor**2 * one.sigma_b2, rel=1e-13)
    assert two.slope == pytest.approx(one.slope, rel=1e-13)
    first, second = vt.fixed_points(one.variance_map), vt.fixed_points(two.variance_map)
    assert [p.stability for p in first] == [p.stability for p in second]
    for before, after in zip(first, second, strict=True):
        # q is as sensitive to sigma_b2 as 1/(1 - V'), and sigma_b2 is rounded.
        assert after.q == pytest.approx(factor**2 * before.q, rel=1e-13 / abs(1 - before.slope))
        assert (after.slope, after.chi_1) == pytest.approx((before.slope, before.chi_1), rel=1e-12)


def test_scaling_keeps_free_parameters() -> None:
    act = scaled_activation(vt.family("crelu"), 2)
    moments = vt.gaussian_moments(act, 4.0, tau=1.0, m=1.0)
    assert moments.second_moment == pytest.approx(4 * vt.gaussian_moments("crelu", 1.0, tau=1.0, m=1.0).second_moment)


def next_variance(found: QStarEffects, q: Any, width: int, rng: np.random.Generator) -> Any:
    """The variance of the next layer of random clipped soft-threshold nets, from first principles."""
    h = np.sqrt(q)[:, None] * rng.standard_normal((q.size, width))
    phi = np.clip(np.abs(h) - found.tau, 0, found.m)
    return found.sigma_b2 + found.sigma_w2 * np.mean(phi * phi, axis=1)


def test_noise_of_one_layer_against_simulation() -> None:
    found = effects("cst", 2.0, "sparsity-and-slope", sparsity=0.85, slope=0.5)
    width, chains = 50, 40_000
    q = next_variance(found, np.full(chains, 2.0), width, np.random.default_rng(1)) / 2
    kurtosis = np.mean((q - q.mean()) ** 4) / np.var(q) ** 2
    assert abs(np.var(q) * width / found.noise - 1) < 4 * np.sqrt((kurtosis - 1) / chains)


def test_stationary_variance_and_mean_shift_against_simulation() -> None:
    found = effects("cst", 1.0, "sparsity-and-slope", sparsity=0.85, slope=0.7)
    vm = vt.VarianceMap(
        vt.activation("cst", tau=found.tau, m=found.m), sigma_w2=found.sigma_w2, sigma_b2=found.sigma_b2
    )
    width, chains, rng = 1000, 3000, np.random.default_rng(2)
    q, linear = np.ones(chains), np.zeros(chains)
    for _ in range(25):  # 0.7^25 is nothing
        after = next_variance(found, q, width, rng)
        linear = found.slope * linear + after - vm(q)  # the same noise without curvature: of mean 0
        q = after
    # Terms of the next order are about 1/width times as large again: a few per cent.
    spread = np.var(q) * width
    assert abs(spread / found.stationary_variance - 1) < 4 * np.sqrt(2 / chains) + 0.05
    shift = width * (q - 1 - linear)
    error = np.std(shift) / np.sqrt(chains)
    assert found.mean_shift > 20 * error
    assert abs(shift.mean() - found.mean_shift) < 4 * error + 0.05 * found.mean_shift


def test_two_routes_to_sensitivity_and_noise() -> None:
    found = effects("cst", Q_STARS, "parameters", tau=1.0, m=1.0)
    other = noise_moments("cst", Q_STARS, tau=1.0, m=1.0)
    np.testing.assert_allclose(found.sensitivity, found.sigma_w2 * other.d_slope_moment, rtol=1e-11)
    np.testing.assert_allclose(found.noise, (found.sigma_w2 / Q_STARS) ** 2 * other.square_variance, rtol=1e-12)


def test_sensitivity_by_differences_of_chi_1() -> None:
    # Smooth, and a Python function: nothing polynomial.
    for act in (vt.activation("tanh"), vt.Activation.from_function(np.tanh)):
        found = vary_q_star(act, 1.5)
        vm = vt.edge_of_chaos(act, 1.5).variance_map
        difference = (vm.chi_1(1.5 + 1e-4) - vm.chi_1(1.5 - 1e-4)) / 2e-4
        assert found.sensitivity == pytest.approx(float(difference), rel=1e-6)
        assert np.isnan(found.tau)
        assert np.isnan(found.m)


def test_unclipped_maps_have_no_stationary_state() -> None:
    found = effects("relu_tau", [0.5, 1.0], "parameters", tau=1.0)
    assert np.isinf(found.stationary_variance).all()
    assert np.isnan(found.mean_shift).all()
    np.testing.assert_array_equal(found.tau, 1.0)
    dense = vary_q_star("relu", 1.0)  # chi_1 is 1 at every q
    assert dense.gradient_variance == 0
    assert np.isinf(dense.stationary_variance)


def test_bound_activations_tell_their_parameters() -> None:
    found = vary_q_star(vt.activation("crelu", tau=1, m=0.5), Q_STARS)
    other = effects("crelu", Q_STARS, "parameters", tau=1.0, m=0.5)
    for name in ("tau", "m", *NUMBERS):
        np.testing.assert_allclose(getattr(found, name), getattr(other, name), rtol=1e-12, atol=1e-13, err_msg=name)


def test_an_activation_of_ones_own() -> None:
    own = vt.parse_activation("Min(Max(x - dead, 0), top)")
    found = effects(own, Q_STARS, "threshold-and-slope", dead=1.0, slope=0.6)
    other = effects("crelu", Q_STARS, "threshold-and-slope", tau=1.0, slope=0.6)
    np.testing.assert_allclose(found.m, other.m, rtol=1e-13)
    np.testing.assert_array_equal(found.parameters["dead"], found.tau)


def test_broadcasting_and_missing_values() -> None:
    found = effects("crelu", [[1.0], [np.nan]], "sparsity-and-slope", sparsity=[0.85, 0.4, 0.9], slope=0.5)
    assert found.slope.shape == (2, 3)
    missing, none = SolveStatus.MISSING, SolveStatus.NO_THRESHOLD
    np.testing.assert_array_equal(found.status, [[0, none, 0], [missing] * 3])
    for name in ("slope", "m", "noise", "stationary_variance", "mean_shift", "gradient_variance", "asymmetry"):
        np.testing.assert_array_equal(np.isnan(getattr(found, name)), found.status != 0, err_msg=name)
    assert isinstance(effects("crelu", 1.0, "parameters", tau=1.0, m=1.0).slope, float)
    assert effects("crelu", [], "parameters", tau=1.0, m=1.0).slope.shape == (0,)


def test_what_has_no_solution_has_a_status() -> None:
    assert vary_q_star("sigmoid", 1.0).status == SolveStatus.NEGATIVE_BIAS
    with pytest.raises(NoEdgeOfChaosError, match="jumps at x = -1, 1"):
        effects("hard_threshold", 1.0, "parameters", tau=1.0)
    assert effects("crelu", 1e-8, "parameters", tau=1.0, m=1.0).status == SolveStatus.FLAT
    assert effects("crelu", 1e-8, "threshold-and-slope", tau=1.0, slope=0.5).status == SolveStatus.NO_LEVEL


def test_noise_beyond_float64_is_not_made_up() -> None:
    found = effects("crelu", [1e-200, 1e-100, 1e100, 1e200], "sparsity-and-slope", sparsity=0.85, slope=0.7)
    np.testing.assert_array_equal(np.isnan(found.noise), [True, False, False, True])
    assert found.feasible.all()


@pytest.mark.parametrize(
    ("hold", "held", "error", "words"),
    [
        ("threshold_and_slope", {}, UnknownNameError, "Did you mean 'threshold-and-slope'"),
        ("parameters", {"tau": 1.0}, SymbolicParameterError, "no value for m"),
        ("parameters", {"tau": 1.0, "m": 1.0, "slope": 0.5}, DomainError, "does not hold slope"),
        ("threshold-and-slope", {"tau": 1.0}, DomainError, "needs a value for slope"),
        ("threshold-and-slope", {"tau": 1.0, "slope": 0.5, "m": 1.0}, DomainError, "does not hold m"),
        ("level-and-sparsity", {"m": 1.0}, DomainError, "needs a value for sparsity"),
        ("sparsity-and-slope", {"sparsity": 0.5, "slope": 0.5, "tau": 1}, DomainError, "does not hold tau"),
        ("sparsity-and-slope", {"sparsity": 0.5, "slope": 0.5, "taau": 1}, UnknownNameError, "Did you mean 'tau'"),
        ("sparsity-and-slope", {"sparsity": 1.0, "slope": 0.5}, DomainError, "strictly between 0 and 1"),
        ("sparsity-and-slope", {"sparsity": 0.85, "slope": 1.5}, DomainError, "strictly between 0 and 1"),
        ("sparsity-and-slope", {"sparsity": [0.8, 0.9, 0.95], "slope": [0.5, 0.6]}, DomainError, "do not broadcast"),
        ("parameters", {"tau": -1.0, "m": 1.0}, DomainError, "outside its domain"),
        ("parameters", {"tau": 1j, "m": 1.0}, DtypeError, "real"),
        ("parameters", {"tau": 1.0, "m": 1.0, "distance": 1.0}, DomainError, "distance = 1"),
    ],
)
def test_bad_input(hold: str, held: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        effects("crelu", 1.0, hold, **held)


@pytest.mark.parametrize("q", [0.0, -1.0, np.inf])
@pytest.mark.parametrize("hold", HOLDS)
def test_variances_are_positive(hold: str, q: float) -> None:
    names = {
        "parameters": ("tau", "m"),
        "threshold-and-slope": ("tau", "slope"),
        "level-and-sparsity": ("m", "sparsity"),
    }
    held = dict.fromkeys(names.get(hold, ("sparsity", "slope")), 0.8)
    with pytest.raises(DomainError, match=r"q_star\[1\]"):
        effects("crelu", [1.0, q], hold, **held)


def test_activations_without_threshold_or_slope() -> None:
    with pytest.raises(InfeasibleError, match="no single clipping level"):
        effects("relu_tau", 1.0, "sparsity-and-slope", sparsity=0.8, slope=0.5)
    with pytest.raises(InfeasibleError, match="no free threshold"):
        effects("tanh", 1.0, "level-and-sparsity", sparsity=0.8)
    with pytest.raises(NoEdgeOfChaosError):
        slope_moment_derivative("hard_threshold", 1.0, tau=1.0)


@pytest.mark.parametrize("factor", [0, -1.0, np.nan, np.inf])
def test_factors_are_positive(factor: float) -> None:
    with pytest.raises(DomainError, match="factor"):
        scaled_activation(vt.activation("relu"), factor)


class TestPublishedClaim:
    """What docs/q_star.md says of the claim that a larger q* helps, at sparsity 0.85 and slope 0.7 at q* = 1."""

    q = np.geomspace(1.0, 10.0, 41)

    def of(self, family: str, hold: str) -> QStarEffects:
        clip = vt.clipping_level(family, 0.85, target=0.7)
        held = {
            "parameters": {"tau": clip.tau, "m": clip.m},
            "threshold-and-slope": {"tau": clip.tau, "slope": 0.7},
            "level-and-sparsity": {"m": clip.m, "sparsity": 0.85},
        }
        return effects(family, self.q, hold, **held[hold])

    @pytest.mark.parametrize("family", ["crelu", "cst"])
    def test_level_and_sparsity_held(self, family: str) -> None:
        found = self.of(family, "level-and-sparsity")
        assert np.all(np.diff(found.relative_sensitivity) < 0)
        assert found.relative_sensitivity[-1] > 0
        assert np.all(np.diff(found.stationary_variance) < 0)
        assert np.all(np.diff(found.slope) < 0), "and with them the slope: all of it is a tighter level"

    @pytest.mark.parametrize("family", ["crelu", "cst"])
    def test_parameters_held(self, family: str) -> None:
        found = self.of(family, "parameters")
        assert np.all(np.diff(found.stationary_variance) < 0)
        assert np.all(np.diff(found.sparsity) < 0)
        assert np.all(np.diff(found.slope) < 0)
        sensitivity = found.relative_sensitivity
        assert sensitivity[0] > 0 > sensitivity[-1], "it passes 0, and its size grows again"
        assert found.asymmetry[0] > 0 > found.asymmetry[-1]
        assert abs(found.asymmetry[-1]) > abs(found.asymmetry[0])

    def test_threshold_and_slope_held(self) -> None:
        crelu, cst = (self.of(family, "threshold-and-slope") for family in ("crelu", "cst"))
        for found in (crelu, cst):
            assert np.all(np.diff(np.abs(found.relative_sensitivity)) < 0)
            assert found.asymmetry[-1] < 0 < found.asymmetry[0]
        assert crelu.stationary_variance[-1] > crelu.stationary_variance[0]
        assert cst.stationary_variance[-1] < cst.stationary_variance[0]

    @pytest.mark.parametrize(
        ("family", "hold", "name", "low", "high"),
        [
            ("crelu", "parameters", "relative_sensitivity", 2.4, 2.6),
            ("cst", "parameters", "relative_sensitivity", 3.6, 3.8),
            ("crelu", "parameters", "asymmetry", 1.05, 1.15),
            ("cst", "parameters", "asymmetry", 1.5, 1.65),
            ("crelu", "threshold-and-slope", "relative_sensitivity", 9.8, 10.0),
            ("cst", "threshold-and-slope", "relative_sensitivity", 18.5, 19.5),
            ("crelu", "threshold-and-slope", "asymmetry", 1.25, 1.35),
            ("cst", "threshold-and-slope", "asymmetry", 2.4, 2.6),
            ("crelu", "level-and-sparsity", "asymmetry", 1.25, 1.35),
            ("cst", "level-and-sparsity", "asymmetry", 9.0, 9.2),
        ],
    )
    def test_where_they_change_their_sign(self, family: str, hold: str, name: str, low: float, high: float) -> None:
        self.q = np.array([low, high])
        before, after = getattr(self.of(family, hold), name)
        assert before > 0 > after
