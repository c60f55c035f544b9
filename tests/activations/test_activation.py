"""The value `Activation`: identity, break points, evaluation and refusals."""

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.errors import (
    DomainError,
    DtypeError,
    ExpressionError,
    PiecesError,
    SymbolicParameterError,
    UnknownNameError,
)

x = sp.Symbol("x")
a, b = sp.symbols("a b")


def test_is_frozen() -> None:
    act = vt.activation("crelu", tau=1, m=1)
    with pytest.raises(FrozenInstanceError):
        act.name = "other"  # type: ignore[misc]


def test_equal_values_are_equal_and_hash_alike() -> None:
    assert vt.activation("crelu", tau=1, m=1) == vt.activation("crelu", tau=1.0, m=np.float64(1))
    assert hash(vt.activation("crelu", tau=1, m=1)) == hash(vt.activation("crelu", tau=1.0, m=sp.Integer(1)))
    assert vt.activation("crelu", tau=1, m=1) != vt.activation("crelu", tau=1, m=2)
    assert vt.activation("crelu", tau=1) == vt.activation("crelu").bind(tau=1)
    assert len({vt.activation("relu"), vt.activation("relu"), vt.activation("linear")}) == 2


def test_survives_copy_and_pickle() -> None:
    act = vt.activation("cst", tau=0.3, m=2)
    act(0.5)  # fills caches, which must not get in the way
    assert copy.deepcopy(act) == act
    assert pickle.loads(pickle.dumps(act)) == act  # noqa: S301 (our own bytes)


def test_bind_leaves_the_original_alone() -> None:
    family = vt.activation("crelu")
    bound = family.bind(m=2)
    assert [p.name for p in family.free_parameters] == ["tau", "m"]
    assert [p.name for p in bound.free_parameters] == ["tau"]
    with pytest.raises(UnknownNameError):
        bound.bind(m=3)


def test_floats_are_taken_exactly() -> None:
    assert vt.activation("relu_tau", tau=0.1).values[0][1] == sp.Rational(0.1)
    assert vt.activation("relu_tau", tau=sp.sqrt(2)).values == (("tau", sp.sqrt(2)),)


def points(breaks: Any) -> list[tuple[Any, Any, Any]]:
    return [(point.at, point.jump, point.slope_change) for point in breaks]


def test_kinks_of_the_clipped_families() -> None:
    crelu = vt.activation("crelu")
    tau, m = (p.symbol for p in crelu.parameters)
    assert points(crelu.kinks) == [(tau, 0, 1), (tau + m, 0, -1)]
    assert crelu.jumps == ()
    assert crelu.asymptotes == (0, m)
    cst = vt.activation("cst")
    tau, m = (p.symbol for p in cst.parameters)
    assert points(cst.kinks) == [(-tau - m, 0, 1), (-tau, 0, -1), (tau, 0, 1), (tau + m, 0, -1)]
    assert cst.asymptotes == (-m, m)


def test_jumps_of_the_hard_threshold() -> None:
    act = vt.activation("hard_threshold", tau=2)
    assert points(act.jumps) == [(-2, 2, -1), (2, 2, 1)]


def test_asymptotes_are_the_outer_polynomials() -> None:
    act = vt.parse_activation("Piecewise((x**2 - 1, x < 0), (-1, x < 2), (3*x, True))")
    assert [str(end) for end in act.asymptotes] == ["x**2 - 1", "3*x"]
    # At 0 both value and slope agree: a break, since another polynomial begins there, but no kink.
    assert points(act.breaks) == [(0, 0, 0), (2, 7, 3)]
    assert points(act.kinks) == points(act.jumps) == [(2, 7, 3)]


def test_signs_do_not_change_at_a_double_zero() -> None:
    square = vt.parse_activation("Abs(x**2 - 2*x + 1)")
    assert len(square.pieces) == 1
    np.testing.assert_array_equal(square([-1.0, 1.0, 3.0]), [4, 0, 4])
    cubic = vt.parse_activation("Max(x**3 - x**2, 0)")  # zeros 0, twice, and 1
    np.testing.assert_array_equal(cubic([-1.0, 0.5, 2.0]), [0, 0, 4])


def test_equal_neighbours_are_joined() -> None:
    assert len(vt.parse_activation("Piecewise((x, x < 1), (x, True))").pieces) == 1
    assert vt.activation("leaky_relu", negative_slope=1).kinks == ()


def test_values_at_break_points_follow_the_written_condition() -> None:
    strict = vt.parse_activation("Piecewise((1, x < 0), (2, True))")
    loose = vt.parse_activation("Piecewise((1, x <= 0), (2, True))")
    np.testing.assert_array_equal(strict([-1e-300, 0.0, 1e-300]), [1, 2, 2])
    np.testing.assert_array_equal(loose([-1e-300, 0.0, 1e-300]), [1, 1, 2])
    np.testing.assert_array_equal(vt.parse_activation("sign(x)")([-2.0, 0.0, 2.0]), [-1, 0, 1])
    np.testing.assert_array_equal(vt.activation("hard_threshold", tau=1)([-1.0, 1.0, 1.0000001]), [0, 0, 1.0000001])


def test_nan_and_infinities() -> None:
    values = vt.activation("crelu", tau=1, m=2)([np.nan, np.inf, -np.inf, 1.5])
    np.testing.assert_array_equal(values, [np.nan, 2, 0, 0.5])
    np.testing.assert_array_equal(vt.activation("soft_threshold", tau=1)([np.inf, -np.inf]), [np.inf, -np.inf])


def test_shapes_and_dtypes() -> None:
    act = vt.activation("relu_tau", tau=0.5)
    assert act(np.zeros((2, 3, 1))).shape == (2, 3, 1)
    assert act(np.zeros((0, 4))).shape == (0, 4)
    assert isinstance(act(2), np.float64)
    assert act(np.arange(3)).dtype == np.float64
    assert act(np.arange(3, dtype=np.float32)).dtype == np.float64


@pytest.mark.parametrize("bad", [1j, "1", True, [1, "a"], [[1], [1, 2]], None, [1 + 0j], np.array(["a"])])
def test_refuses_what_is_no_real_array(bad: Any) -> None:
    with pytest.raises(DtypeError) as caught:
        vt.activation("relu")(bad)
    assert isinstance(caught.value, TypeError)


def test_symbolic_activation_cannot_be_evaluated() -> None:
    with pytest.raises(SymbolicParameterError, match="tau"):
        vt.activation("crelu", m=1)(0.0)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, -np.inf])
def test_parameters_outside_their_domain(bad: float) -> None:
    with pytest.raises(DomainError, match="tau") as caught:
        vt.activation("crelu", tau=bad)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("bad", ["1", True, 1j, [1.0], np.array([1.0]), object(), a])
def test_parameters_of_the_wrong_type(bad: Any) -> None:
    with pytest.raises(DtypeError):
        vt.activation("crelu", tau=bad)


def test_m_zero_is_no_clipping_level() -> None:
    with pytest.raises(DomainError, match=r"\(0, oo\)"):
        vt.activation("crelu", tau=1, m=0)


def test_overlapping_and_gappy_pieces() -> None:
    with pytest.raises(PiecesError, match="overlap"):
        vt.Activation.from_pieces([(-sp.oo, 1, 0), (0, sp.oo, x)])
    with pytest.raises(PiecesError, match="gap"):
        vt.Activation.from_pieces([(-sp.oo, 0, 0), (1, sp.oo, x)])
    with pytest.raises(PiecesError, match="gap"):
        vt.Activation.from_pieces([(-sp.oo, 0, 0), (0, 5, x)])
    with pytest.raises(PiecesError, match="empty"):
        vt.Activation.from_pieces([(-sp.oo, 2, 0), (2, 2, 1), (2, sp.oo, x)])
    with pytest.raises(PiecesError, match="at least one"):
        vt.Activation.from_pieces([])
    with pytest.raises(PiecesError, match="gap"):
        vt.Activation.from_expression(sp.Piecewise((0, x < 0), (x, x > 1)))


def test_an_order_that_depends_on_parameters_is_refused() -> None:
    expression = sp.Piecewise((0, x < a), (x, x < b), (1, True))
    with pytest.raises(PiecesError, match="order"):
        vt.Activation.from_expression(expression)
    assert vt.Activation.from_expression(expression, a=0, b=2)(1.0) == 1.0


@pytest.mark.parametrize("expression", [sp.gamma(x), 1 / x, sp.sqrt(x), x**a, x**17, sp.I * x])
def test_what_no_integral_serves_is_refused(expression: sp.Expr) -> None:
    with pytest.raises(ExpressionError):
        vt.Activation.from_expression(expression)


@pytest.mark.parametrize("reserved", ["q", "sigma_w2", "sigma_b2", "rho"])
def test_reserved_names(reserved: str) -> None:
    with pytest.raises(ExpressionError, match="reserved"):
        vt.Activation.from_expression(x * sp.Symbol(reserved))


def test_label_and_repr_name_the_parameters() -> None:
    act = vt.activation("crelu", tau=1, m=0.5)
    assert act.label == "crelu(tau=1, m=0.5)"
    assert "tau" in repr(vt.activation("crelu"))


def test_binding_leaves_no_empty_piece() -> None:
    for act in (
        vt.family("cst").bind(tau=0),
        vt.family("hard_threshold").bind(tau=0),
        vt.family("hardtanh").bind(min_val=0),
    ):
        assert all(piece.lower != piece.upper for piece in act.pieces)
