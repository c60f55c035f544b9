"""Derivatives of the moments in q and in every parameter against high-precision differences of truncated moments."""

from itertools import combinations_with_replacement
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import vmap_theory as vt
from tests.data.pieces import PIECES
from tests.gaussian import moments_by_recursion
from tests.strategies import piecewise_polynomials
from vmap_theory.errors import SymbolicParameterError
from vmap_theory.kernels.computation import Computation
from vmap_theory.kernels.functionals import moment_functionals
from vmap_theory.kernels.libraries import NUMPY
from vmap_theory.kernels.plan import UNIT, plan_for

MOMENTS = ("second_moment", "d_second_moment", "d2_second_moment", "slope_moment", "sparsity")
RELATIVE = 2e-13
NOISE = 1e-90  # of differences that are zero exactly

POINTS: dict[str, list[dict[str, float]]] = {
    "linear": [{}],
    "relu6": [{}],
    "hardsigmoid": [{}],
    "hardswish": [{}],
    "squared_relu": [{}],
    "leaky_relu": [{"negative_slope": -0.3}],
    "abrelu": [{"a": 0.5, "b": 1.5}],
    "hardtanh": [{"min_val": -0.7, "max_val": 1.3}],
    "relu_tau": [{"tau": 0.8}, {"tau": 9.0}],
    "crelu": [{"tau": 0.8, "m": 1.1}, {"tau": 9.0, "m": 0.01}],
    "cst": [{"tau": 0.8, "m": 1.1}, {"tau": 0.01, "m": 3.0}],
    "soft_threshold": [{"tau": 1.7}],
    "hard_threshold": [{"tau": 1.7}],
    "jumprelu": [{"theta": 0.6}],
    "firm": [{"tau": 0.8, "width": 1.2}],
    "cel0": [{"lambd": 0.5, "a": 0.6}],
    "scad": [{"lambd": 0.5, "a": 3.7}],
    "asymmetric_dead_zone": [{"tau_minus": 0.4, "tau_plus": 1.9}],
    "trapezoid": [{"tau": 0.4, "ramp": 0.7, "flat": 1.1}],
}
CASES = [(family, point) for family, points in POINTS.items() for point in points]
VARIANCE = 1.3
VARIANCES = {1: 40.0, 2: 0.3}
"""By the order of the derivatives: the kernel measures x in powers of sqrt(q), which at q = 1 would not show."""


def names_of(family: str) -> list[str]:
    return ["q", *(parameter.name for parameter in vt.family(family).free_parameters)]


def differences(family: str, moment: str, arguments: list[str], point: dict[str, float], dps: int) -> Any:
    """Central differences of the moment, whose steps of 10^-(dps/6) leave more than 30 digits."""
    step = mpmath.mpf(10) ** (-dps // 6)

    def value(at: dict[str, Any], rest: list[str]) -> Any:
        if not rest:
            values = dict(at)
            q = values.pop("q")
            return moments_by_recursion([p for p in PIECES[family](**values) if p[0] < p[1]], q, dps)[moment]
        up, down = (value(at | {rest[0]: at[rest[0]] + side * step}, rest[1:]) for side in (1, -1))
        return (up - down) / (2 * step)

    with mpmath.workdps(dps):
        return value({name: mpmath.mpf(x) for name, x in point.items()}, arguments)


def kernel(family: str, moment: str, arguments: list[str], point: dict[str, float]) -> tuple[float, float]:
    """The derivative and its bound, which is a measure of the size of its terms."""
    act = vt.family(family)
    found = Computation(act, (moment_functionals(act).moments[moment],))
    for name in arguments:
        found = found.derivative(names_of(family).index(name))
    q, *parameters = (np.array([point[name]]) for name in names_of(family))
    values, bounds = found.values_and_bounds(q, parameters, NUMPY)
    return float(values[0][0]), float(bounds[0][0])


def has_jump(family: str) -> bool:
    return bool(plan_for(vt.family(family)).jumps)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("family", "point"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_derivatives(family: str, point: dict[str, float], order: int) -> None:
    """All derivatives of the order, mixed ones included, of E[phi^2], of dE/dq, of E[phi'^2] and of the sparsity."""
    point = {"q": VARIANCES[order], **point}
    kinds = ["second_moment", "sparsity", *([] if order == 2 else ["d_second_moment", "d2_second_moment"])]
    kinds += [] if has_jump(family) else ["slope_moment"]
    for arguments in combinations_with_replacement(names_of(family), order):
        for moment in kinds:
            found, bound = kernel(family, moment, list(arguments), point)
            exact = differences(family, moment, list(arguments), point, 150)
            error = float(abs(mpmath.mpf(found) - exact))
            assert error <= max(bound, NOISE), (moment, arguments, found, exact)
            size = bound / (40 * NUMPY.epsilon)  # the sum of the absolute values of the terms
            assert error <= RELATIVE * size + NOISE, (moment, arguments, found, exact)


@pytest.mark.parametrize("family", ["crelu", "scad", "hard_threshold", "hardswish"])
def test_fourth_derivative_in_q(family: str) -> None:
    point = {"q": VARIANCE, **POINTS[family][0]}
    found, bound = kernel(family, "second_moment", ["q"] * 4, point)
    assert abs(found - float(differences(family, "second_moment", ["q"] * 4, point, 240))) <= bound


def test_third_mixed_derivative() -> None:
    point = {"q": VARIANCE, **POINTS["cst"][0]}
    for arguments in (["tau", "m", "q"], ["tau", "tau", "m"], ["m", "m", "m"]):
        found, bound = kernel("cst", "second_moment", arguments, point)
        assert abs(found - float(differences("cst", "second_moment", arguments, point, 240))) <= bound, arguments


def test_derivatives_are_named_as_moments() -> None:
    """The derivatives of E[phi^2] in q are the functionals of that name, whatever the activation."""
    for family in POINTS:
        found = moment_functionals(vt.family(family)).moments
        assert found["second_moment"].in_q() == found["d_second_moment"]
        assert found["d_second_moment"].in_q() == found["d2_second_moment"]


def test_mixed_derivatives_do_not_depend_on_the_order() -> None:
    act = vt.family("scad")
    point = {"q": VARIANCE, **POINTS["scad"][0]}
    for one, other in ((["q", "a"], ["a", "q"]), (["lambd", "a"], ["a", "lambd"])):
        first, second = (kernel("scad", "second_moment", order, point) for order in (one, other))
        assert abs(first[0] - second[0]) <= first[1] + second[1]
    assert {p.name for p in act.free_parameters} == {"lambd", "a"}


X = sp.Symbol("x")


@given(act=piecewise_polynomials(), cut=st.integers(-40, 40), q=st.floats(0.05, 20))
@settings(max_examples=30)
def test_parts_add_up(act: vt.Activation, cut: int, q: float) -> None:
    """phi left of a point and phi right of it, elsewhere zero: the moments of the square add up to those of phi."""
    at = sp.Rational(2 * cut + 1, 14)  # not a break of the activation, and not zero
    sides: tuple[list[Any], list[Any]] = ([], [])
    for piece in act.pieces:
        low, high, phi = piece.lower, piece.upper, piece.expression
        for side, (a, b) in zip(sides, ((low, min(high, at)), (max(low, at), high)), strict=True):
            if a < b:
                side.append((a, b, phi))
    left, right = [*sides[0], (at, sp.oo, 0)], [(-sp.oo, at, 0), *sides[1]]
    whole, *halves = (
        vt.gaussian_moments(each, q, bounds=True)
        for each in (act, vt.Activation.from_pieces(left), vt.Activation.from_pieces(right))
    )
    for name in ("second_moment", "d_second_moment", "d2_second_moment"):
        total = sum(getattr(half, name) for half in halves)
        allowed = sum(getattr(each, f"{name}_error") for each in (whole, *halves))
        assert abs(total - getattr(whole, name)) <= allowed, name
    density = sum(1 - half.sparsity for half in halves)
    assert density == pytest.approx(1 - whole.sparsity, abs=4e-15)


LENGTHS = {
    "asymmetric_dead_zone": {"tau_minus": 1, "tau_plus": 1},
    "cel0": {"lambd": 2, "a": 0},
    "crelu": {"tau": 1, "m": 1},
    "cst": {"tau": 1, "m": 1},
    "firm": {"tau": 1, "width": 1},
    "hard_threshold": {"tau": 1},
    "hardshrink": {"lambd": 1},
    "hardtanh": {"min_val": 1, "max_val": 1},
    "jumprelu": {"theta": 1},
    "relu_tau": {"tau": 1},
    "scad": {"lambd": 1, "a": 0},
    "soft_threshold": {"tau": 1},
    "softshrink": {"lambd": 1},
    "trapezoid": {"tau": 1, "ramp": 1, "flat": 1},
}
"""The powers of a length that the parameters of a family are, where all of its lengths are parameters."""
OWN_LENGTHS = {"hardsigmoid", "hardswish", "relu6"}
"""Families whose breaks are numbers."""


def planned() -> list[str]:
    """Families of polynomial pieces whose breaks have known signs."""
    found = []
    for family in vt.family_names():
        act = vt.family(family)
        if not any(parameter.integer for parameter in act.free_parameters) and act.is_polynomial:
            try:
                plan_for(act)
            except SymbolicParameterError:
                continue
            found.append(family)
    return found


@pytest.mark.parametrize("family", planned())
def test_dimensions(family: str) -> None:
    """A parameter's power of the unit makes every break point a length: the unit cancels from the parts."""
    plan = plan_for(vt.family(family))
    assert dict(plan.dimensions) == LENGTHS.get(family, {})
    places = [end for part in plan.parts for end in (part.start, part.stop)]
    assert any(place.has(UNIT) for place in places) == (family in OWN_LENGTHS)


@pytest.mark.parametrize("family", sorted(LENGTHS))
def test_breaks_scale_with_the_unit(family: str) -> None:
    """Numbers, not symbols: parameters times their powers of 3 give breaks times 3."""
    act = vt.family(family)
    values = dict(zip(LENGTHS[family], POINTS.get(family, [{}])[0].values(), strict=False)) or dict.fromkeys(
        LENGTHS[family], 0.7
    )
    for point in act.breaks:
        base, scaled = (
            point.at.subs({p.symbol: sp.Rational(str(values[p.name])) * unit ** LENGTHS[family][p.name]
                           for p in act.free_parameters})
            for unit in (1, 3)
        )  # fmt: skip
        assert sp.simplify(scaled - 3 * base) == 0
