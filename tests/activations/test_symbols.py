"""Symbols that know the ends of their domain: identity, and the orders of break points that they decide."""

import copy
import pickle

import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.activations.signs import compare, sign_of, trial_values
from vmap_theory.activations.symbols import BoundedSymbol, freed, parameter_symbol
from vmap_theory.errors import PiecesError

ABOVE_TWO = sp.Interval.open(2, sp.oo)
UNIT = sp.Interval.open(0, 1)


def test_equality_and_hash_know_the_interval() -> None:
    one, again, other = (
        parameter_symbol("a", interval) for interval in (ABOVE_TWO, ABOVE_TWO, sp.Interval.open(3, sp.oo))
    )
    assert one == again
    assert hash(one) == hash(again)
    assert one != other
    assert one != sp.Symbol("a", positive=True)
    assert len({one, again, other}) == 2
    assert one - again == 0
    assert one - other != 0


def test_a_domain_that_a_sign_tells_needs_no_interval() -> None:
    assert not isinstance(parameter_symbol("a", sp.Interval.open(0, sp.oo)), BoundedSymbol)
    assert isinstance(parameter_symbol("a", ABOVE_TWO), BoundedSymbol)


@pytest.mark.parametrize("interval", [ABOVE_TWO, UNIT, sp.Interval(-sp.oo, 5), sp.Interval(-1, 1)])
def test_copies_and_pickles_are_equal(interval: sp.Interval) -> None:
    symbol = parameter_symbol("a", interval)
    expression = sp.exp(symbol * sp.Symbol("x", real=True)) + symbol
    for made in (copy.deepcopy(expression), pickle.loads(pickle.dumps(expression))):  # noqa: S301 (our own bytes)
        assert made == expression
        assert next(iter(made.atoms(BoundedSymbol))).interval == interval


ORDERS = [
    (sp.Interval.open(2, sp.oo), lambda a: (2, a)),
    (sp.Interval.open(2, sp.oo), lambda a: (a, a**2)),
    (sp.Interval.open(2, sp.oo), lambda a: (1 / a, sp.Rational(1, 2))),
    (sp.Interval.open(0, 1), lambda a: (a, 1)),
    (sp.Interval.open(0, 1), lambda a: (a**2, a)),
    (sp.Interval.open(0, 1), lambda a: (0, 1 - a)),
    (sp.Interval(-sp.oo, 5), lambda a: (a, 6)),
    (sp.Interval(-sp.oo, 5), lambda a: (2 * a - 11, 0)),
    (sp.Interval.open(1, 3), lambda a: (1, a)),
    (sp.Interval.open(1, 3), lambda a: (a, 3)),
    (sp.Interval.open(1, 3), lambda a: (-a, -1)),
]


@pytest.mark.parametrize("index", range(len(ORDERS)))
def test_orders_that_a_domain_decides(index: int) -> None:
    interval, make = ORDERS[index]
    low, high = (sp.sympify(end) for end in make(parameter_symbol("a", interval)))
    assert compare(low, high) == -1
    assert compare(high, low) == 1


@pytest.mark.parametrize(
    ("interval", "point"), [(ABOVE_TWO, 3), (UNIT, sp.Rational(1, 2)), (sp.Interval.open(1, 3), 2)]
)
def test_orders_that_a_domain_leaves_open(interval: sp.Interval, point: sp.Expr) -> None:
    symbol = parameter_symbol("a", interval)
    assert sign_of(symbol - point) is None
    with pytest.raises(PiecesError, match="order"):
        compare(symbol, sp.sympify(point))


def test_products_of_two_parameters() -> None:
    a, lambd = parameter_symbol("a", ABOVE_TWO), parameter_symbol("lambd", sp.Interval.open(0, sp.oo))
    assert compare(2 * lambd, a * lambd) == -1  # the break points of SCAD


def test_freed_expressions_hold_signs_alone() -> None:
    a = parameter_symbol("a", sp.Interval.open(1, 3))
    free = freed(1 / (a - 1))
    assert not free.atoms(BoundedSymbol)
    assert free.is_positive


@pytest.mark.parametrize("interval", [ABOVE_TWO, UNIT, sp.Interval(-sp.oo, 5), sp.Interval.open(1, 3)])
def test_trial_values_lie_in_the_domain(interval: sp.Interval) -> None:
    symbol = parameter_symbol("a", interval)
    values = {trial_values([symbol], trial)[symbol] for trial in range(3)}
    assert len(values) == 3
    assert all(interval.contains(value) == sp.true for value in values)


def test_activations_with_bounded_parameters_survive_pickling() -> None:
    family = vt.family("scad")
    again = pickle.loads(pickle.dumps(family))  # noqa: S301 (our own bytes)
    assert again == family
    assert vt.derive(again).digest == vt.derive(family).digest
