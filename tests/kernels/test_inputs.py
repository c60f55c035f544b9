"""Shapes, broadcasting and refusals of `gaussian_moments`."""

import math
from dataclasses import fields
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, SymbolicParameterError, UnknownNameError

CRELU = vt.activation("crelu", tau=1, m=1)


def test_all_results_have_the_shape_of_q() -> None:
    for shape in [(), (1,), (5,), (2, 3), (0,), (2, 0, 3)]:
        result = vt.gaussian_moments(CRELU, np.full(shape, 1.5), bounds=True)
        for field in fields(vt.GaussianMoments):
            value = getattr(result, field.name)
            assert np.shape(value) == shape
            assert value.dtype == np.float64


def test_scalars_come_back_as_scalars() -> None:
    assert isinstance(vt.gaussian_moments(CRELU, 2, bounds=True).second_moment, np.float64)
    assert vt.gaussian_moments(CRELU, 2, bounds=True) == vt.gaussian_moments(CRELU, sp.Integer(2), bounds=True)


def test_integers_and_float32_are_widened() -> None:
    expected = vt.gaussian_moments(CRELU, [1.0, 2.0], bounds=True).second_moment
    for q in ([1, 2], np.array([1, 2], dtype=np.float32), np.array([1, 2], dtype=np.uint8), (1, 2.0)):
        np.testing.assert_array_equal(vt.gaussian_moments(CRELU, q, bounds=True).second_moment, expected)


def test_an_element_does_not_depend_on_its_neighbours() -> None:
    # More points than one chunk holds; a point computed alone must come out the same to rounding of the sums.
    q = np.geomspace(0.01, 100, 10_001)
    together = vt.gaussian_moments(CRELU, q, bounds=True)
    for index in (0, 4095, 4096, 10_000):
        alone = vt.gaussian_moments(CRELU, q[index], bounds=True)
        assert float(alone.second_moment) == pytest.approx(float(together.second_moment[index]), rel=1e-14)


def test_input_is_not_changed() -> None:
    q = np.array([3.0, 1.0])
    vt.gaussian_moments(CRELU, q, bounds=True)
    np.testing.assert_array_equal(q, [3.0, 1.0])


def test_parameters_broadcast_against_q() -> None:
    tau = np.array([0.5, 1.0, 2.0])[:, None]
    q = np.array([0.5, 2.0])
    result = vt.gaussian_moments(vt.activation("crelu", m=1), q, tau=tau, bounds=True)
    assert result.second_moment.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        single = vt.gaussian_moments(vt.activation("crelu", tau=tau[i, 0], m=1), q[j], bounds=True)
        for field in fields(vt.GaussianMoments):
            assert getattr(result, field.name)[i, j] == pytest.approx(float(getattr(single, field.name)), rel=1e-13)


def test_two_parameter_arrays() -> None:
    result = vt.gaussian_moments(vt.activation("cst"), 1.0, tau=np.ones((4, 1)), m=np.linspace(0.5, 2, 3), bounds=True)
    assert result.d2_second_moment.shape == (4, 3)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, -np.inf, [1.0, 0.0], [[1.0], [-2.0]], [np.nan, -1.0], -1e-300])
def test_variances_outside_the_domain(bad: Any) -> None:
    with pytest.raises(DomainError, match="q") as caught:
        vt.gaussian_moments(CRELU, bad, bounds=True)
    assert isinstance(caught.value, vt.VmapTheoryError)
    assert isinstance(caught.value, ValueError)


def test_a_bad_element_is_named_with_its_place() -> None:
    with pytest.raises(DomainError, match=r"-2\.0 at index 1"):
        vt.gaussian_moments(CRELU, [1.0, -2.0, -3.0], bounds=True)
    with pytest.raises(DomainError, match=r"\(1, 0\)"):
        vt.gaussian_moments(CRELU, [[1.0, 1.0], [np.inf, 1.0]], bounds=True)


@pytest.mark.parametrize(
    "bad", [1j, True, "1", b"1", None, object(), [True], ["1"], [1j], [[1.0], [1.0, 2.0]], [object()], {"q": 1}, [None]]
)
def test_variances_of_the_wrong_type(bad: Any) -> None:
    with pytest.raises(DtypeError) as caught:
        vt.gaussian_moments(CRELU, bad, bounds=True)
    assert isinstance(caught.value, vt.VmapTheoryError)
    assert isinstance(caught.value, TypeError)


def test_shapes_that_do_not_broadcast() -> None:
    with pytest.raises(DomainError, match="broadcast") as caught:
        vt.gaussian_moments(vt.activation("relu_tau"), [1.0, 2.0], tau=[1.0, 2.0, 3.0], bounds=True)
    assert "(3,)" in str(caught.value)


@pytest.mark.parametrize("tau", [-0.1, -np.inf, [0.5, -1.0], [np.nan, -0.5]])
def test_parameter_arrays_outside_their_domain(tau: Any) -> None:
    with pytest.raises(DomainError, match="tau"):
        vt.gaussian_moments(vt.activation("relu_tau"), 1.0, tau=tau, bounds=True)


@pytest.mark.parametrize("tau", [1j, True, "1", ["a"], object(), [[1.0], [1.0, 2.0]]])
def test_parameters_of_the_wrong_type(tau: Any) -> None:
    with pytest.raises(DtypeError):
        vt.gaussian_moments(vt.activation("relu_tau"), 1.0, tau=tau, bounds=True)


def test_parameters_that_are_missing_or_unknown() -> None:
    with pytest.raises(SymbolicParameterError, match="m, tau"):
        vt.gaussian_moments(vt.activation("crelu"), 1.0, bounds=True)
    with pytest.raises(UnknownNameError, match="tau"):
        vt.gaussian_moments(vt.activation("crelu", m=1), 1.0, tao=1.0, bounds=True)
    with pytest.raises(UnknownNameError):  # it has a value already
        vt.gaussian_moments(CRELU, 1.0, tau=2.0, bounds=True)


STEEP = {"exp", "hermite", "monomial", "rectified_monomial", "squared_relu"}
"""Families whose second moment at q = 1e280 no float64 can hold."""


@pytest.mark.parametrize("family", sorted(STEEP - {"exp"}))
def test_moments_beyond_float64_are_infinite_or_refused(family: str) -> None:
    values = {p.name: p.typical[1] for p in vt.family(family).parameters}
    try:
        result = vt.gaussian_moments(vt.activation(family, **values), 1e280, bounds=True)
    except vt.VmapTheoryError as error:
        assert "range of float64" in str(error)  # noqa: PT017 (either is right)
    else:
        assert result.second_moment == np.inf
        assert result.second_moment_error == np.inf


OSCILLATING = {"cos", "gcu", "rbf", "sin", "snake"}
"""Families that no panels can follow to |x| = 1e10: an error that says so."""


def test_extreme_variances_do_not_warn_or_break() -> None:
    # Any floating-point warning is an error in these tests; a probability stays one, and nothing becomes NaN.
    for family in sorted(set(vt.family_names()) - STEEP):
        values = {p.name: p.typical[1] for p in vt.family(family).parameters}
        q = np.array([1e-280, 1e-20] + ([] if family in OSCILLATING else [1e20, 1e280]))
        result = vt.gaussian_moments(vt.activation(family, **values), q, bounds=True)
        for field in fields(vt.GaussianMoments):
            assert not np.isnan(getattr(result, field.name)).any(), (family, field.name)
        assert np.all((result.sparsity >= 0) & (result.sparsity <= 1 + 1e-15))


def test_a_parameter_may_have_any_name() -> None:
    # The kernels shift x by a symbol of their own, which no parameter's name and domain may equal.
    x, t = sp.symbols("x t")
    act = vt.Activation.from_expression(sp.Piecewise((0, x < t), (x, True)), [vt.Parameter("t", sp.Interval(0, sp.oo))])
    free = vt.gaussian_moments(act, 1.0, t=2.0, bounds=True).second_moment
    # E[z^2; z > 2] = 2 n(2) + Q(2)
    assert free == pytest.approx(2 * math.exp(-2) / math.sqrt(2 * math.pi) + math.erfc(math.sqrt(2)) / 2, rel=1e-13)


@pytest.mark.parametrize(("q", "tau"), [(1e-200, 3e-99), (1e-300, 8e-150), (1e280, 6e140)])
def test_tiny_and_huge_units_keep_their_digits(q: float, tau: float) -> None:
    with mpmath.workdps(40):
        expected = float(mpmath.erfc(mpmath.mpf(tau) / mpmath.sqrt(2 * mpmath.mpf(q))) / 2)
    assert vt.gaussian_moments("relu_tau", q, tau=tau, bounds=True).slope_moment == pytest.approx(
        expected, rel=2e-13 + 3e-16 * tau**2 / q
    )
