"""Activations that are Python functions: as good as expressions where the breaks are right, refused where not."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from tests.reference_data import MOMENTS
from vmap_theory.errors import DomainError, ExpressionError, PiecesError, PrecisionError

from_function = vt.Activation.from_function
Q = np.array([0.05, 0.7, 1.0, 6.0, 20.0])


def scalar_only(x: float) -> float:
    if x < 0.25:  # an array has no single truth value
        return 0.0
    return math.tanh(x) - math.tanh(0.25)


SAME: dict[str, tuple[Callable[[Any], Any], list[float], str]] = {
    "tanh": (np.tanh, [], "tanh(x)"),
    "tanh of math": (math.tanh, [], "tanh(x)"),
    "numbers alone": (scalar_only, [0.25], "Piecewise((0, x < 1/4), (tanh(x) - tanh(1/4), True))"),
    "ramp": (lambda x: np.maximum(x - 0.25, 0), [0.25], "Max(x - 1/4, 0)"),
    "step": (lambda x: np.where(x > 0.75, 2.0, 0.0), [0.75], "Piecewise((0, x < 3/4), (2, True))"),
    "integers": (
        lambda x: np.floor(np.clip(x, -1.5, 1.5)).astype(int),
        [-1, 0, 1],
        "floor(Min(Max(x, -3/2), 3/2))",
    ),
    "swish": (lambda x: x / (1 + np.exp(-x)), [], "x*sigmoid(x)"),
    "cube": (lambda x: x**3, [], "x**3"),
    "clipped": (lambda x: np.clip(x, -1, 1), [-1, 1], "Min(Max(x, -1), 1)"),
    "one": (np.ones_like, [], "1 + x*0"),
    "shifted clip": (lambda x: 1 + np.clip(x, -1, 2), [-1, 2], "1 + Min(Max(x, -1), 2)"),
    "steep": (lambda x: np.tanh(20 * (x - 0.25)), [], "tanh(20*(x - 1/4))"),
}


@pytest.mark.parametrize("name", SAME)
def test_agrees_with_the_same_expression(name: str) -> None:
    function, breaks, text = SAME[name]
    act = from_function(function, breaks)
    other = vt.Activation.from_pieces([(-math.inf, math.inf, 1)]) if name == "one" else vt.parse_activation(text)
    by_values, by_formula = vt.gaussian_moments(act, Q, bounds=True), vt.gaussian_moments(other, Q, bounds=True)
    for moment in MOMENTS:
        found, expected = getattr(by_values, moment), getattr(by_formula, moment)
        bounds = getattr(by_values, f"{moment}_error") + getattr(by_formula, f"{moment}_error")
        same = found == expected  # both infinite, perhaps
        assert np.all(np.abs(found[~same] - expected[~same]) <= bounds[~same]), moment
    assert np.all(by_values.second_moment_error <= 1e-10 * by_values.second_moment)


def test_jumps_and_kinks_at_declared_breaks_are_told() -> None:
    act = from_function(lambda x: np.where(x > 0.5, x, 0) + np.abs(x + 1), [-1, 0.5])
    assert [float(point.at) for point in act.jumps] == [0.5]
    assert [float(point.at) for point in act.kinks] == [-1, 0.5]
    assert float(act.jumps[0].jump) == pytest.approx(0.5)
    assert act.slope_is_infinite
    assert vt.gaussian_moments(act, 1.0, bounds=True).slope_moment == np.inf


def ramp(x: Any) -> Any:
    return np.maximum(x - 0.3, 0)


def step(x: Any) -> Any:
    return np.where(x > 0.7, 1.0, 0.0)


@pytest.mark.parametrize(
    ("function", "breaks", "place"),
    [
        (ramp, [], "0.3"),
        (ramp, [0.301], "0.29999|0.3"),
        (step, [], "0.69999|0.7"),
        (step, [0.701], "0.69999|0.7"),
        (step, [0.7 + 1e-9], "0.7"),
        (lambda x: np.maximum(x - 9, 0), [], "8.99999|9"),
        (lambda x: np.tanh(x) + 1e-8 * (x > 0.7), [], "0.69999|0.7"),
    ],
)
def test_wrong_and_missing_breaks_are_named(function: Callable[[Any], Any], breaks: list[float], place: str) -> None:
    with pytest.raises((PiecesError, PrecisionError), match=place):
        vt.gaussian_moments(from_function(function, breaks), 1.0, bounds=True)


@pytest.mark.parametrize("off", [1e-9, -1e-9, 1e-11, -1e-12, 1e-13])
@pytest.mark.parametrize("kind", ["ramp", "step", "corner"])
def test_breaks_that_are_almost_right_are_detected_or_within_the_bound(kind: str, off: float) -> None:
    at, (function, text) = {
        "ramp": (0.3, (ramp, "Max(x - 0.3, 0)")),
        "step": (0.7, (step, "Piecewise((0, x < 0.7), (1, True))")),
        "corner": (0.3, (lambda x: np.abs(x - 0.3) + np.cos(x), "Abs(x - 0.3) + cos(x)")),
    }[kind]
    try:
        found = vt.gaussian_moments(from_function(function, [at + off]), 1.0, bounds=True)
    except (PiecesError, PrecisionError) as error:
        assert f"{at}" in str(error) or f"{at - 1e-7:.6f}"[:6] in str(error)  # noqa: PT017 (either is right)
        return
    right = vt.gaussian_moments(vt.parse_activation(text), 1.0, bounds=True)
    for moment in MOMENTS:
        value, expected = getattr(found, moment), getattr(right, moment)
        bounds = getattr(found, f"{moment}_error") + getattr(right, f"{moment}_error")
        assert value == expected or abs(value - expected) <= bounds, moment


def raises_far_out(x: float) -> float:
    if x > 5:
        raise RuntimeError("too far")
    return x


@pytest.mark.parametrize(
    ("function", "remark"),
    [
        (lambda x: x + 0j, "real"),
        (lambda x: np.where(x > 2, np.nan, x), "finite"),
        (lambda x: np.where(np.abs(x) > 3, np.inf, x), "finite"),
        (lambda x: np.array([1.0, 2.0]), "one real number"),
        (lambda x: np.outer(x, x), "one real number"),
        (lambda x: None, "one real number"),
        (lambda x: "text", "one real number"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (raises_far_out, "too far"),
        (3.0, "not a function"),
        ("tanh", "not a function"),
    ],
)
def test_functions_that_give_no_real_numbers(function: Any, remark: str) -> None:
    with pytest.raises(ExpressionError, match=remark):
        vt.gaussian_moments(from_function(function), 1.0, bounds=True)


@pytest.mark.parametrize(
    ("breaks", "error"),
    [([1, 0], PiecesError), ([0, 0], PiecesError), ([math.nan], DomainError), ([math.inf], DomainError)],
)
def test_bad_breaks(breaks: list[float], error: type[Exception]) -> None:
    with pytest.raises(error):
        from_function(ramp, breaks)


@pytest.mark.parametrize("function", [lambda x: np.exp(x * x / 2), lambda x: 1 / x, lambda x: np.sqrt(np.abs(x - 0.3))])
def test_no_number_where_none_can_be_certified(function: Callable[[Any], Any]) -> None:
    with np.errstate(all="ignore"), pytest.raises((PiecesError, PrecisionError)):
        vt.gaussian_moments(from_function(function), 1.0, bounds=True)


def test_high_precision_and_formulas_are_refused() -> None:
    act = from_function(np.tanh)
    with pytest.raises(vt.VmapTheoryError, match="function"):
        vt.verify(act, 20, points=1)


def test_values() -> None:
    act = from_function(scalar_only, [0.25])
    x = np.array([[-1.0, 0.25], [0.5, 3.0]])
    np.testing.assert_array_equal(act(x), [[scalar_only(v) for v in row] for row in x])
    assert np.isnan(act(np.nan))
