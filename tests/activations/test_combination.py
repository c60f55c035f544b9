"""Affine changes of activations and sums of them, and families called as functions in text."""

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, ExpressionError

POINTS = np.linspace(-4, 4, 81)


@pytest.mark.parametrize("name", ["gelu", "elu", "relu6", "sin", "softplus", "squared_relu", "cst"])
def test_an_affine_change_is_what_it_says(name: str) -> None:
    act = vt.activation(name, **({"tau": 1, "m": 1} if name == "cst" else {}))
    changed = act.affine(a=-2, b=sp.Rational(1, 2), c=1, d=3)
    np.testing.assert_allclose(changed(POINTS), -2 * act(POINTS / 2 + 1) + 3, rtol=1e-13, atol=1e-13)
    assert vt.verify(changed, 20, points=1).passed


def test_moments_of_a_change_by_hand() -> None:
    # E[(2 max(-X, 0) + 1)^2] = 4 q/2 + 4 sqrt(q/(2 pi)) + 1
    q = 0.7
    found = vt.gaussian_moments(vt.activation("relu").affine(a=2, b=-1, d=1), q).second_moment
    assert float(found) == pytest.approx(2 * q + 4 * np.sqrt(q / (2 * np.pi)) + 1, rel=1e-14)


def test_parameters_stay_symbolic() -> None:
    changed = vt.family("relu_tau").affine(a=3)
    assert [parameter.name for parameter in changed.free_parameters] == ["tau"]
    tau = changed.free_parameters[0].symbol
    assert sp.expand(vt.derive(changed).second_moment - 9 * vt.derive("relu_tau").second_moment) == 0
    assert changed.bind(tau=1)(2.0) == 3.0
    assert vt.derive(changed).second_moment.has(tau)


def test_a_python_function_moves_with_its_breaks() -> None:
    def ramp(x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0, 1)

    changed = vt.Activation.from_function(ramp, [0, 1]).affine(a=2, b=-2, c=1, d=-1)
    assert [point.at for point in changed.breaks] == [0, sp.Rational(1, 2)]
    np.testing.assert_allclose(changed(POINTS), 2 * ramp(1 - 2 * POINTS) - 1, atol=1e-15)


@pytest.mark.parametrize(("numbers", "error"), [((0,), DomainError), ((1, 0), DomainError), (("2",), DtypeError)])
def test_refused_changes(numbers: tuple[object, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        vt.activation("relu").affine(*numbers)
    with pytest.raises(DomainError):
        vt.activation("relu").affine(c=np.inf)


def test_a_sum_lives_on_the_common_partition() -> None:
    total = vt.activation("crelu", tau=1, m=2) + vt.activation("relu")
    assert [str(point.at) for point in total.breaks] == ["0", "1", "3"]
    np.testing.assert_allclose(total(POINTS), np.clip(POINTS - 1, 0, 2) + np.maximum(POINTS, 0), atol=1e-15)
    assert vt.verify(total, 20, points=1).passed


def test_a_parameter_of_both_is_one() -> None:
    total = vt.family("relu_tau") + vt.family("soft_threshold")
    assert [parameter.name for parameter in total.free_parameters] == ["tau"]
    with pytest.raises(ExpressionError, match="different domains"):
        vt.family("gaussian") + vt.Activation.from_expression(
            sp.Symbol("b") * sp.Symbol("x"), [vt.Parameter("b", sp.Interval(-1, 1), typical=(0.1, 0.5))]
        )
    with pytest.raises(TypeError):
        vt.activation("relu") + 1


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2*relu(3*x + 1) - 1", "2*Max(3*x + 1, 0) - 1"),
        ("elu(x)", "Piecewise((x, x > 0), (exp(x) - 1, True))"),
        ("elu(x, 2)", "Piecewise((x, x > 0), (2*exp(x) - 2, True))"),
        ("crelu(x, 1, 2)", "Min(Max(x - 1, 0), 2)"),
        ("hermite(x, 3)", "(x**3 - 3*x)/sqrt(6)"),
    ],
)
def test_families_are_functions_in_text(text: str, same: str) -> None:
    np.testing.assert_allclose(
        vt.parse_activation(text)(POINTS), vt.parse_activation(same)(POINTS), rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("text", ["crelu(x)", "elu(x, 1, 2)", "elu(x, -1)", "elu((x, 1))", "crelu(x, 1, x < 2)"])
def test_families_called_wrongly(text: str) -> None:
    with pytest.raises(vt.VmapTheoryError):
        vt.parse_activation(text)
