"""The signs of psi: counted exactly, and a bound on the number of fixed points."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

import vmap_theory as vt
from tests.strategies import piecewise_polynomials
from vmap_theory.fixed_point_search.map_array import MapArray
from vmap_theory.fixed_point_search.sign_patterns import end_signs, sign_pattern

WEIGHTS = st.integers(1, 400).map(lambda number: sp.Rational(number, 50))
BIASES = st.integers(0, 100).map(lambda number: sp.Rational(number, 50))


def psi(act: vt.Activation, w: sp.Rational, b: sp.Rational, x: np.ndarray) -> np.ndarray:
    return float(w) / 2 * (np.asarray(act(x)) ** 2 + np.asarray(act(-x)) ** 2) + float(b) - x**2


@pytest.mark.parametrize(
    ("act", "w", "b", "signs"),
    [
        (vt.activation("relu"), 2, 0, ()),
        (vt.activation("relu"), 2, 1, (1,)),
        (vt.activation("relu"), sp.Rational(3, 2), 1, (1, -1)),
        (vt.activation("hardtanh"), 1, 0, (-1,)),  # psi = 0 on (0, 1)
        (vt.activation("crelu", tau=0, m=8), 2, 0, (-1,)),
        (vt.activation("crelu", tau=0, m=8), 2 + sp.Rational(1, 10**40), 0, (1, -1)),
        (vt.activation("relu_tau", tau=1), 6, sp.Rational(1, 2), (1, -1, 1)),
        (vt.activation("crelu", tau=1, m=2), 6, sp.Rational(1, 2), (1, -1, 1, -1)),
        (vt.parse_activation("x**2"), 1, 0, (-1, 1)),
        (vt.parse_activation("x + 1"), 1, 0, (1,)),  # (x + 1)^2/2 + (1 - x)^2/2 - x^2 = 1
        (vt.parse_activation("sqrt(2)*Max(x, 0)"), 1, 0, ()),  # sqrt(2)^2/2 = 1, in 80 digits
    ],
)
def test_known_patterns(act: vt.Activation, w: sp.Expr, b: sp.Expr, signs: tuple[int, ...]) -> None:
    assert sign_pattern(act, sp.Rational(w), sp.Rational(b)).signs == signs


@given(piecewise_polynomials(most_pieces=5, most_degree=3), WEIGHTS, BIASES)
def test_as_many_changes_as_a_fine_grid_shows(act: vt.Activation, w: sp.Rational, b: sp.Rational) -> None:
    found = sign_pattern(act, w, b)
    x = np.unique(np.concatenate([np.geomspace(1e-5, 1e5, 40001), np.linspace(1e-4, 6, 40001)]))
    values = psi(act, w, b, x)
    certain = values[np.abs(values) > 1e-9 * (1 + x**2)]
    signs = np.sign(certain)
    seen = [int(s) for i, s in enumerate(signs) if i == 0 or s != signs[i - 1]]
    # The grid may miss what is narrower than its cells, never the other way round.
    assert len(seen) <= len(found.signs)
    assume(len(seen) == len(found.signs))
    assert tuple(seen) == found.signs
    if found.changes:
        assert found.begin <= found.end


@given(piecewise_polynomials(most_pieces=5, most_degree=3), WEIGHTS, BIASES)
def test_signs_at_the_ends_in_float64_agree(act: vt.Activation, w: sp.Rational, b: sp.Rational) -> None:
    found = sign_pattern(act, sp.Rational(float(w)), sp.Rational(float(b)))
    assume(found.signs)
    ends = end_signs(MapArray(act, np.array([float(w)]), np.array([float(b)]), {}))
    # Where psi is zero near 0 or far out, or its coefficients cancel to rounding, float64 says that it does not know.
    if ends.last[0]:
        assert ends.last[0] == found.signs[-1]
        assert not found.changes or ends.end[0] >= found.end
    if ends.first[0]:
        assert ends.first[0] == found.signs[0]
        assert not found.changes or ends.begin[0] <= found.begin


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_bound_is_sharp(count: int) -> None:
    # crelu with three changes has three fixed points, relu_tau with two has two, hardtanh with one has one.
    cases = {
        1: (vt.activation("hardtanh"), 1.5, 0.05),
        2: (vt.activation("relu_tau", tau=1), 6.0, 0.5),
        3: (vt.activation("crelu", tau=1, m=2.5), 6.5, 0.5),
    }
    act, w, b = cases[count]
    assert sign_pattern(act, sp.Rational(w), sp.Rational(b)).changes == count
    assert len(vt.fixed_points(vt.VarianceMap(act, sigma_w2=w, sigma_b2=b))) == count
