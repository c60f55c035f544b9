"""Derivatives and transforms of the moments of JAX arrays, with and without 64 bits."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from tests.kernels.backends import MOMENTS, domain_points, exact_derivative, without_subnormal

jax = pytest.importorskip("jax")
jnp = jax.numpy

TAIL = (1.3, 20 * 1.3**0.5, 0.4)  # q, tau, m: tau/sqrt(q) = 20
Q_ULP = 8  # of the size of the terms; measured: 3


@pytest.fixture
def double() -> Iterator[None]:
    """JAX with 64 bits, and as it was before in all other tests."""
    with jax.enable_x64(True):
        yield


def moment_at(moment: str) -> Any:
    return lambda point: getattr(vt.gaussian_moments("crelu", point[0], tau=point[1], m=point[2]), moment)


@pytest.mark.usefixtures("double")
def test_derivatives_in_the_sparse_tail() -> None:
    function, point = moment_at("second_moment"), jnp.array(TAIL)
    slopes, hessian = jax.jit(lambda x: (jax.grad(function)(x), jax.hessian(function)(x)))(point)
    for i in range(3):
        orders = tuple(int(i == k) for k in range(3))
        exact = exact_derivative("second_moment", orders, TAIL)
        assert float(slopes[i]) == pytest.approx(exact, rel=1e-12, abs=0), orders
    for i, j in itertools.product(range(3), repeat=2):
        orders = tuple(int(i == k) + int(j == k) for k in range(3))
        exact = exact_derivative("second_moment", orders, TAIL)
        assert float(hessian[i, j]) == pytest.approx(exact, rel=1e-12, abs=0), orders


@pytest.mark.usefixtures("double")
def test_transforms_agree_with_one_another() -> None:
    def function(q: Any, tau: Any) -> Any:
        return vt.gaussian_moments("relu_tau", q, tau=tau).second_moment

    q, tau = jnp.array([0.5, 1.0, 2.0]), jnp.array([0.3, 1.0, 2.5])
    forward = jax.jit(jax.vmap(jax.jacfwd(function, (0, 1))))(q, tau)
    backward = jax.vmap(jax.grad(function, (0, 1)))(q, tau)
    expected = vt.gaussian_moments("relu_tau", q, tau=tau).d_second_moment
    for found in (forward, backward):
        np.testing.assert_allclose(found[0], expected, rtol=1e-15)
        np.testing.assert_allclose(found[1], forward[1], rtol=1e-15)
    table = jax.vmap(jax.vmap(function, (0, None)), (None, 0))(q, tau)
    np.testing.assert_allclose(table, function(q, tau[:, None]), rtol=1e-15)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("family", ["relu_tau", "hard_threshold", "hardtanh", "abrelu"])
def test_gradients_over_the_whole_domain(family: str) -> None:
    """The derivatives in q are the next moments; no derivative is NaN where the value is finite."""
    (points,) = map(without_subnormal, domain_points(family))
    names = list(points.parameters)

    def function(q: Any, *given: Any) -> dict[str, Any]:
        found = vt.gaussian_moments(points.act, q, **dict(zip(names, given, strict=True)))
        # The third derivative in q leaves the range of float64 where q is 1e-250.
        return {moment: getattr(found, moment) for moment in MOMENTS if moment != "d2_second_moment"}

    arguments = [jnp.asarray(points.q), *map(jnp.asarray, points.parameters.values())]

    @jax.jit
    def slopes(*where: Any) -> Any:
        values, pullback = jax.vjp(function, *where)
        weights = {name: {key: float(key == name) * jnp.ones_like(v) for key, v in values.items()} for name in values}
        return values, {name: pullback(weight) for name, weight in weights.items()}

    values, found = slopes(*arguments)
    for moment, following in itertools.pairwise(MOMENTS[:3]):
        expected = getattr(vt.gaussian_moments(points.act, points.q, **points.parameters), following)
        error, size = np.abs(np.asarray(found[moment][0]) - expected), points.size(following)
        assert np.all(error <= Q_ULP * 2.0**-52 * size + 1e-290), following
    for name, value in values.items():
        for slope in found[name]:
            assert not bool((jnp.isnan(slope) & jnp.isfinite(value)).any()), name


@pytest.mark.usefixtures("double")
def test_an_infinite_level_has_finite_derivatives() -> None:
    slopes = jax.grad(moment_at("second_moment"))(jnp.array([1.0, 1.0, jnp.inf]))
    expected = vt.gaussian_moments("relu_tau", 1.0, tau=1.0).d_second_moment
    assert float(slopes[0]) == pytest.approx(float(expected), rel=1e-14)
    assert np.isfinite(slopes).all()
    assert float(slopes[2]) == 0.0


@pytest.mark.usefixtures("double")
def test_logarithms_of_zero_spoil_no_other_derivative() -> None:
    def both(tau: Any) -> Any:
        found = vt.log_gaussian_moments("soft_threshold", 1.0, tau=tau)
        return jnp.stack([found.log_second_moment, found.log_sparsity])

    # E[(|Z| - tau)^2; |Z| > tau] = 1 - 4 tau n(0) + ..., the sparsity is 0.
    slope = jax.jacrev(both)(jnp.array(0.0))[0]
    assert float(slope) == pytest.approx(-4 / (2 * np.pi) ** 0.5, rel=1e-14)


def test_float32_gradients() -> None:
    q = np.array([0.5, 1.0, 2.0], np.float32)
    slopes = jax.grad(lambda q: vt.gaussian_moments("crelu", q, tau=2.5, m=1.0).second_moment.sum())(jnp.asarray(q))
    assert slopes.dtype == "float32"
    np.testing.assert_allclose(slopes, vt.gaussian_moments("crelu", q, tau=2.5, m=1.0).d_second_moment, rtol=6e-7)


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap])
def test_bad_values_are_nan_where_they_cannot_be_seen(transform: Any) -> None:
    function = transform(lambda q, tau: vt.gaussian_moments("relu_tau", q, tau=tau).sparsity)
    q, tau = jnp.array([1.0, -1.0, 0.0, jnp.inf, 1.0]), jnp.array([1.0, 1.0, 1.0, 1.0, -1.0])
    np.testing.assert_array_equal(np.isnan(function(q, tau)), [False, True, True, True, True])
