"""Random maps: as many fixed points as sign changes of V(q) - q at 60 digits, each inside its enclosure."""

from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import vmap_theory as vt
from tests.fixed_points.agreement import assert_agreement, both
from tests.fixed_points.judge import ExactMap, Pieces

LEAST, MOST = 1e-4, 1e7


def sixteenths(low: int, high: int) -> st.SearchStrategy[sp.Rational]:
    return st.integers(16 * low, 16 * high).map(lambda number: sp.Rational(number, 16))


@st.composite
def linear_pieces(draw: st.DrawFn) -> Pieces:
    """Continuous, up to four kinks."""
    ends = [-sp.oo, *sorted(draw(st.sets(sixteenths(-3, 3), max_size=4))), sp.oo]
    slope, offset = draw(sixteenths(-1, 1)), draw(sixteenths(-1, 1))
    pieces = []
    for low, high in pairwise(ends):
        pieces.append((low, high, [offset, slope]))
        after = draw(sixteenths(-2, 2))
        if high != sp.oo:
            slope, offset = after, offset + (slope - after) * high
    return pieces


@st.composite
def polynomial_pieces(draw: st.DrawFn) -> Pieces:
    """Up to four polynomials of degree up to three; most of them jump."""
    ends = [-sp.oo, *sorted(draw(st.sets(sixteenths(-3, 3), max_size=3))), sp.oo]
    return [(low, high, draw(st.lists(sixteenths(-1, 1), min_size=1, max_size=4))) for low, high in pairwise(ends)]


@st.composite
def bounded_pieces(draw: st.DrawFn) -> Pieces:
    """Odd or even staircases of ramps: clipped sums, with many changes of curvature."""
    ends = sorted(draw(st.sets(sixteenths(0, 6).filter(bool), min_size=2, max_size=6)))
    levels = [sp.Integer(0), *(draw(sixteenths(-2, 2)) for _ in ends)]
    right = []
    for (low, high), (start, stop) in zip(pairwise([sp.Integer(0), *ends]), pairwise(levels), strict=True):
        slope = (stop - start) / (high - low)
        right.append((low, high, [start - slope * low, slope]))
    right.append((ends[-1], sp.oo, [levels[-1]]))
    sign = draw(st.sampled_from([1, -1]))
    left = [(-high, -low, [sign * phi[0], *(-sign * c for c in phi[1:])]) for low, high, phi in reversed(right)]
    return [*left, *right]


def sizes(low: int, high: int) -> st.SearchStrategy[float]:
    """Multiples of 1/32, exact in float64."""
    return st.integers(32 * low, 32 * high).map(lambda number: number / 32)


def inside(found: Any) -> list[Any]:
    return [point for point in found if LEAST < point.q < MOST]


def check(pieces: Pieces, sigma_w2: float, sigma_b2: float) -> None:
    vm, judge = both(pieces, sigma_w2, sigma_b2)
    try:
        found = vt.fixed_points(vm)
    except vt.errors.DegenerateMapError:
        assert all(abs(judge.excess(q)) < 1e-40 for q in (0.3, 2.0, 70.0)), "refused, and yet not the identity"
        return
    assert found.is_complete
    with mpmath.workdps(judge.dps):
        # An irrational place to begin, so that no root falls on the grid.
        roots = judge.roots(mpmath.mpf(LEAST) * mpmath.sqrt(1.0001), MOST)
    assert_agreement(inside(found), roots, judge)
    # Far out the pieces are narrow beside sqrt(q), and their moments cancel: hence the digits.
    far = ExactMap(pieces, sigma_w2, sigma_b2, dps=400).excess(mpmath.mpf(10) ** 40)
    if not any(point.q > MOST for point in found):
        assert found.diverges == (far > 0)


@settings(max_examples=30)
@given(linear_pieces(), sizes(0, 6), sizes(0, 2))
def test_piecewise_linear(pieces: Pieces, sigma_w2: float, sigma_b2: float) -> None:
    check(pieces, sigma_w2, sigma_b2 or 1 / 1024)


@settings(max_examples=30)
@given(polynomial_pieces(), sizes(0, 6).filter(bool), sizes(0, 2))
def test_piecewise_polynomial(pieces: Pieces, sigma_w2: float, sigma_b2: float) -> None:
    check(pieces, sigma_w2, sigma_b2 or 1 / 1024)


@settings(max_examples=30)
@given(bounded_pieces(), sizes(1, 40), sizes(0, 1))
def test_bounded_staircases(pieces: Pieces, sigma_w2: float, sigma_b2: float) -> None:
    check(pieces, sigma_w2, sigma_b2 or 1 / 1024)


def stairs(steps: int, ratio: int, slope: sp.Rational) -> Pieces:
    """Steps at widely spaced places: phi(x)^2 crosses x^2 at every one of them, and V(q) crosses q about as often."""
    places = [sp.Integer(ratio) ** k for k in range(steps)]
    right = [(sp.Integer(0), places[0], [sp.Integer(0)])]
    right += [(low, high, [slope * low]) for low, high in pairwise([*places, sp.oo])]
    left = [(-high, -low, phi) for low, high, phi in reversed(right)]
    return [*left, *right]


def test_many_fixed_points() -> None:
    pieces = stairs(5, 12, sp.Integer(4))
    vm, judge = both(pieces, 0.5, 0.125)
    found = vt.fixed_points(vm)
    roots = judge.roots(0.0101, 1e12, per_decade=40)
    assert len(roots) == 9, "a stable one for every step, and an unstable one between neighbours"
    assert_agreement(found, roots, judge)
    assert found.is_complete
    assert not found.diverges


def test_the_judge_knows_a_double_root() -> None:
    # phi = x^2/sqrt(3): V(q) = w q^2 + b, and (q - 1)^2/2 for w = b = 1/2; three more digits decide on either side.
    pieces = [(-sp.oo, sp.oo, [0, 0, 1 / sp.sqrt(3)])]
    assert [sign for _, sign in ExactMap(pieces, 0.5, 0.5).roots(0.1, 11)] == [0]
    assert [sign for _, sign in ExactMap(pieces, 0.5, sp.Rational(1, 2) - sp.Rational(1, 10**30)).roots(0.1, 11)] == [
        1,
        -1,
    ]
    assert ExactMap(pieces, 0.5, sp.Rational(1, 2) + sp.Rational(1, 10**30)).roots(0.1, 11) == []
