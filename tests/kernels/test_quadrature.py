"""Certified quadrature: within its bound for random smooth functions and narrow features; wrong samples are noticed."""

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings

import vmap_theory as vt
from tests.functions import X, moments_of
from tests.reference_data import MOMENTS
from tests.strategies import smooth_expressions, variances
from vmap_theory.kernels import samplers
from vmap_theory.kernels.high_precision import moments_to_digits
from vmap_theory.kernels.quadrature import QuadratureRule
from vmap_theory.reference import reference_moments

REFERENCE_ERROR = mpmath.mpf(10) ** -28
"""The references have 30 digits at least."""


def assert_within_bounds(result: vt.GaussianMoments, expected: dict[str, Any]) -> None:
    for name in MOMENTS:
        with mpmath.workdps(60):
            true_error = abs(mpmath.mpf(float(getattr(result, name))) - expected[name])
            allowed = float(getattr(result, f"{name}_error")) + REFERENCE_ERROR * (1 + abs(expected[name]))
            assert true_error <= allowed, (name, float(true_error), float(allowed))


def reference(act: vt.Activation, q: sp.Expr) -> dict[str, Any]:
    """The package's own reference at 30 digits, for what the trapezoidal rule of the tests would not resolve."""
    with mpmath.workdps(60):
        return {name: mpmath.make_mpf(moment.value._mpf_) for name, moment in reference_moments(act, q, 30).items()}


@settings(max_examples=6)
@given(expression=smooth_expressions(), q=variances())
def test_random_smooth_functions(expression: sp.Expr, q: sp.Rational) -> None:
    q = sp.Rational(float(q))
    expected = moments_of([(-sp.oo, 0, expression), (0, sp.oo, expression)], q)
    result = vt.gaussian_moments(vt.Activation.from_expression(expression), float(q), bounds=True)
    assert_within_bounds(result, expected)
    assert result.second_moment_error <= 1e-12 * result.second_moment


@settings(max_examples=5)
@given(expression=smooth_expressions(), q=variances())
def test_random_smooth_functions_times_thresholds(expression: sp.Expr, q: sp.Rational) -> None:
    q, at = sp.Rational(float(q)), sp.Rational(3, 5)
    pieces = [(-sp.oo, 0, sp.Integer(0)), (0, at, sp.Integer(0)), (at, sp.oo, (X - at) * expression)]
    act = vt.Activation.from_pieces([(-sp.oo, at, 0), (at, sp.oo, (X - at) * expression)])
    assert_within_bounds(vt.gaussian_moments(act, float(q), bounds=True), moments_of(pieces, q))


@pytest.mark.parametrize(
    "text",
    ["tanh(1000000000*(x - 3/10))", "x/(1 + 100000000*(x - 1)**2)", "sigmoid(10000*(x + 2))*sigmoid(2000*(x - 1/7))"],
)
def test_narrow_features(text: str) -> None:
    act = vt.parse_activation(text)
    result = vt.gaussian_moments(act, 1.5, bounds=True)
    assert_within_bounds(result, reference(act, sp.Rational(3, 2)))
    for name in ("second_moment", "slope_moment"):
        assert getattr(result, f"{name}_error") <= 1e-9 * getattr(result, name)


def test_a_bell_of_known_mass() -> None:
    # E[exp(-2 c (x - b)^2)] = exp(-2 c b^2/(1 + 4 c q)) / sqrt(1 + 4 c q).
    c = 1_000_000
    result = vt.gaussian_moments(vt.parse_activation(f"exp(-{c}*(x - 3/10)**2)"), 1.0, bounds=True)
    with mpmath.workdps(40):
        expected = mpmath.exp(-2 * c * (mpmath.mpf(3) / 10) ** 2 / (1 + 4 * c)) / mpmath.sqrt(1 + 4 * c)
        true_error = abs(mpmath.mpf(float(result.second_moment)) - expected)
    assert true_error <= result.second_moment_error
    assert true_error <= 1e-12 * expected
    assert result.second_moment_error <= 1e-9 * expected


@pytest.mark.parametrize("text", ["sqrt(Abs(x))", "Abs(x)**(3/10)", "log(1 + Abs(x)**(1/3))"])
def test_slopes_without_bound(text: str) -> None:
    act = vt.parse_activation(text)
    result = vt.gaussian_moments(act, [0.5, 3.0], bounds=True)
    assert np.all(result.slope_moment == np.inf)
    assert vt.derive(act).slope_moment == sp.oo
    with pytest.raises(vt.errors.NoEdgeOfChaosError):
        vt.edge_of_chaos(act)
    with mpmath.workdps(40):
        for index, q in enumerate((0.5, 3.0)):

            def square(z: Any, q: float = q) -> Any:
                x = mpmath.sqrt(q) * z
                phi = {"sqrt(Abs(x))": mpmath.sqrt(x), "Abs(x)**(3/10)": x ** (mpmath.mpf(3) / 10)}
                return phi.get(text, mpmath.log1p(mpmath.cbrt(x))) ** 2 * mpmath.npdf(z)

            expected = 2 * mpmath.quad(square, [0, 0.01, 1, 4, 16])
            assert abs(float(result.second_moment[index]) - expected) <= result.second_moment_error[index]


def test_all_variances_at_once_are_those_one_by_one() -> None:
    act = vt.activation("mish")
    q = np.geomspace(1e-4, 1e4, 200)
    together = vt.gaussian_moments(act, q, bounds=True)
    for index in range(0, 200, 23):
        alone = vt.gaussian_moments(act, q[index], bounds=True)
        for name in MOMENTS:
            difference = abs(getattr(together, name)[index] - getattr(alone, name))
            assert difference <= getattr(alone, f"{name}_error")


WRONG: dict[str, tuple[int, str]] = {
    "slope of phi^2": (samplers.GROWTH, "d_second_moment"),
    "bend of phi^2": (samplers.BEND, "d2_second_moment"),
    "slope of phi": (samplers.SLOPE, "slope_moment"),
    "square of phi": (samplers.SQUARE, "second_moment"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_column_is_caught_by_the_other_quadrature(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    column, moment = WRONG[mistake]
    right = samplers.ExpressionSampler.row

    def row(self: Any, t: Any, context: Any) -> list[Any]:
        values = right(self, t, context)
        values[column] *= 1 + context.mpf(10) ** -20
        return values

    act, q = vt.activation("tanh"), sp.Integer(2)
    expected = reference_moments(act, q, 30)
    with mpmath.workdps(50):

        def error() -> float:
            found = mpmath.make_mpf(moments_to_digits(act, q, 30)[moment]._mpf_)
            reference = mpmath.make_mpf(expected[moment].value._mpf_)
            return float(abs(found / reference - 1))

        assert error() < 1e-29
        monkeypatch.setattr(samplers.ExpressionSampler, "row", row)
        assert 1e-22 < error() < 1e-18
    report = vt.verify(act, 30, points=1)
    assert not report.passed
    assert report.max_relative_error < 1e-17


def test_a_wrong_column_is_caught_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    right = samplers.ExpressionSampler.row

    def row(self: Any, t: Any, context: Any) -> list[Any]:
        values = right(self, t, context)
        values[samplers.GROWTH] *= 1 + context.mpf(10) ** -11
        return values

    act = vt.activation("softplus", beta=2)
    q = np.array([0.7])
    honest = QuadratureRule(act).moments(q)
    monkeypatch.setattr(samplers.ExpressionSampler, "row", row)
    wrong = QuadratureRule(act).moments(q)
    assert abs(wrong["d_second_moment"] - honest["d_second_moment"]) > 100 * honest["d_second_moment_error"]
