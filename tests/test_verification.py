"""`verify` passes what is right, and catches every planted mistake with its size."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.formulas import QUANTITIES

Q = sp.Symbol("q", positive=True)
W = sp.Symbol("sigma_w2", positive=True)
B = sp.Symbol("sigma_b2", nonnegative=True)
TAU, M = sp.Symbol("tau", nonnegative=True), sp.Symbol("m", positive=True)
DIGITS = 50


EXACT = [
    *("abrelu", "abs", "asymmetric_dead_zone", "cos", "crelu", "cst", "elu", "erf", "firm", "garrote", "gaussian"),
    *("gelu", "hard_threshold", "hermite", "leaky_relu", "rbf", "rectified_monomial", "relu6", "selu", "sigmoid_like"),
    *("sign", "sin", "snake", "staircase", "trapezoid"),
]
"""Families with closed forms, of every kind; `test_the_catalogue_in_parallel` has some without."""


@pytest.mark.parametrize("name", EXACT)
def test_families_pass_with_symbolic_parameters(name: str) -> None:
    report = vt.verify(vt.family(name), DIGITS, points=2)
    assert report.passed, report.summary()
    assert report.max_relative_error < 1e-50
    assert report.digits == DIGITS
    assert len(report.rows) == 2 * len(QUANTITIES)
    assert {row.quantity for row in report.rows} == set(QUANTITIES)
    assert {row.method for row in report.rows} == {"closed form"}


def test_the_catalogue_in_parallel() -> None:
    names = ["tanh", "relu", "softplus", "monomial", "half_threshold"]
    seen: list[tuple[int, int]] = []
    reports = vt.verify_catalogue(names, 20, points=1, on_progress=lambda done, total: seen.append((done, total)))
    assert [report.activation for report in reports] == [vt.family(name).label for name in names]
    assert list(reports) == [vt.verify(vt.family(name), 20, points=1) for name in names]
    assert all(report.passed for report in reports)
    assert {done for done, _ in seen} == set(range(1, len(names) + 1))
    assert {row.method for row in reports[0].rows} == {"closed form", "integral"}
    assert "two quadratures" in reports[0].summary()


def test_an_unknown_family_is_refused_before_anything_runs() -> None:
    with pytest.raises(vt.errors.UnknownNameError, match="tanh"):
        vt.verify_catalogue(["relu", "tanj"])


@pytest.mark.parametrize("tau", ["0", "1/100", "8"])
def test_passes_in_the_tail_and_at_the_edge_of_the_domain(tau: str) -> None:
    assert vt.verify(vt.activation("cst", tau=sp.Rational(tau), m=sp.Rational(1, 1000)), 30, points=2).passed


def density(at: sp.Expr) -> sp.Expr:
    return sp.exp(-(at**2) / (2 * Q)) / sp.sqrt(2 * sp.pi * Q)


# What a person or a program gets wrong, one mistake each, planted in the formulas of the clipped ReLU.
MISTAKES: dict[str, tuple[str, Callable[[vt.Formulas], sp.Expr]]] = {
    "sign of V'": ("dV", lambda f: -f.dV),
    "factor 2 in E[phi^2]": ("second_moment", lambda f: 2 * f.second_moment),
    "lost kink term in V'": ("dV", lambda f: f.chi_1),  # phi(x0) J n(x0) of the upper kink left out
    "half of the kink term": ("dV", lambda f: f.dV - W * M * density(TAU + M) / 2),
    "V'' without its last term": (
        "d2V",
        lambda f: f.d2V + W / (2 * Q) * M * (TAU + M) ** 2 / Q * density(TAU + M),
    ),
    "V'' as a derivative of chi_1": ("d2V", lambda f: sp.diff(f.chi_1, Q)),
    "standard deviation for variance": ("V", lambda f: f.V.subs(W, sp.sqrt(W))),
    "bias left out": ("V", lambda f: W * f.second_moment),
    "two-sided sparsity": ("sparsity", lambda f: 2 * f.sparsity - 1),
    "complement of the sparsity": ("sparsity", lambda f: 1 - f.sparsity),
    "chi_1 without the weight variance": ("chi_1", lambda f: f.slope_moment),
    "slope moment of the unclipped family": ("slope_moment", lambda f: sp.erfc(TAU / sp.sqrt(2 * Q)) / 2),
    "sign of tau": ("second_moment", lambda f: f.second_moment.subs(TAU, -TAU)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_planted_mistakes_are_caught(mistake: str) -> None:
    act = vt.activation("crelu")
    right = vt.derive(act)
    quantity, wrong = MISTAKES[mistake]
    report = vt.verify(act, DIGITS, points=3, formulas=replace(right, **{quantity: wrong(right)}))
    assert not report.passed
    assert "FAILED" in report.summary()
    assert {row.quantity for row in report.rows if row.relative_error > 1e-45} == {quantity}


def without_exponential_integral(formula: sp.Expr) -> sp.Expr:
    return formula.replace(lambda part: isinstance(part, sp.expint), lambda part: part * (1 + sp.Rational(1, 10**9)))


def with_another_angle(formula: sp.Expr) -> sp.Expr:
    return formula.replace(sp.asin, lambda sine: sp.asin(sine * (1 - Q / 10**6)))


# Of the wider class: family, quantity, and what is wrong with it.
WIDER_MISTAKES: dict[str, tuple[str, str, Callable[[vt.Formulas], sp.Expr]]] = {
    "coefficient of E1": ("tail", "second_moment", lambda f: without_exponential_integral(f.second_moment)),
    "argument of asin": ("erf", "second_moment", lambda f: with_another_angle(f.second_moment)),
    "asin without its factor": ("erf", "V", lambda f: B + W * f.second_moment * sp.pi / 2),
    "growth of a wave": ("sin", "dV", lambda f: f.dV.replace(sp.exp, lambda power: sp.exp(power + Q / 10**8))),
    "kink of ELU at 0": ("elu", "d2V", lambda f: f.d2V + W / 10**7 * density(sp.Integer(0))),
    "sign of an exponential": ("elu", "second_moment", lambda f: f.second_moment.replace(sp.exp, lambda p: sp.exp(-p))),
    "derivative of a bell": ("gaussian", "slope_moment", lambda f: f.slope_moment / 2),
    "sparsity of the garrote": ("garrote", "sparsity", lambda f: 1 - f.sparsity),
}


def wider(name: str) -> vt.Activation:
    if name == "tail":
        return vt.parse_activation("Piecewise((0, x < 1/2), (1/x + 1, True))")
    return vt.activation(name, **{p.name: sp.Rational(4, 5) for p in vt.family(name).parameters})


@pytest.mark.parametrize("mistake", WIDER_MISTAKES)
def test_planted_mistakes_beyond_polynomials_are_caught(mistake: str) -> None:
    name, quantity, wrong = WIDER_MISTAKES[mistake]
    act = wider(name)
    right = vt.derive(act)
    changed = wrong(right)
    assert changed != getattr(right, quantity)
    report = vt.verify(act, 30, points=2, formulas=replace(right, **{quantity: changed}))
    assert not report.passed
    assert {row.quantity for row in report.rows if row.relative_error > 1e-28} == {quantity}


@pytest.mark.parametrize("exponent", [10, 25, 40, 48])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_tiny_relative_change_is_caught_with_its_size(quantity: str, exponent: int) -> None:
    act = vt.activation("cst", tau=sp.Rational(7, 10), m=sp.Rational(9, 10))
    right = vt.derive(act)
    changed = getattr(right, quantity) * (1 + sp.Rational(1, 10**exponent))
    report = vt.verify(act, DIGITS, points=1, formulas=replace(right, **{quantity: changed}))
    assert not report.passed
    assert report.max_relative_error == pytest.approx(10.0**-exponent, rel=1e-6)


def test_changes_below_the_digits_asked_for_pass() -> None:
    act = vt.activation("crelu", tau=1, m=1)
    right = vt.derive(act)
    changed = replace(right, dV=right.dV * (1 + sp.Rational(1, 10**30)))
    assert vt.verify(act, 20, points=2, formulas=changed).passed
    assert not vt.verify(act, 40, points=2, formulas=changed).passed


def test_an_infinite_slope_moment_must_be_infinite() -> None:
    act = vt.activation("hard_threshold", tau=1)
    right = vt.derive(act)
    assert vt.verify(act, 30, points=2).passed
    finite = sp.erfc(1 / sp.sqrt(2 * Q))
    assert not vt.verify(act, 30, points=2, formulas=replace(right, slope_moment=finite, chi_1=W * finite)).passed


def test_a_zero_by_cancellation_must_be_zero() -> None:
    relu = vt.activation("relu")
    right = vt.derive(relu)
    assert right.d2V == 0
    assert not vt.verify(relu, 30, points=1, formulas=replace(right, d2V=W * sp.Rational(1, 10**20))).passed


def test_custom_activation_with_jumps_and_curves() -> None:
    text = "Piecewise((x**2/3 - 1, x < -1), (a*x, x < 0), (x**3, x < b), (2, True))"
    assert vt.verify(vt.parse_activation(text), 40, points=3).passed


def test_the_draw_is_reproducible_and_varied() -> None:
    act = vt.family("crelu")
    first, again, other = (vt.verify(act, 15, points=3, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [row.point for row in first.rows] != [row.point for row in other.rows]
    points = {tuple(row.point.items()) for row in first.rows}
    assert len(points) == 3
    assert all({"q", "sigma_w2", "sigma_b2", "tau", "m"} == set(dict(point)) for point in points)


def test_rows_print_what_they_compared() -> None:
    row = vt.verify(vt.activation("relu"), 20, points=1).rows[0]
    assert row.value == row.reference
    assert len(row.reference.replace(".", "")) >= 3


def test_progress_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    vt.verify(vt.activation("relu"), 10, points=3, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"digits": 4}, ValueError),
        ({"digits": 501}, ValueError),
        ({"digits": 50.0}, TypeError),
        ({"digits": True}, TypeError),
        ({"digits": "50"}, TypeError),
        ({"points": 0}, ValueError),
        ({"points": 1.5}, TypeError),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        vt.verify(vt.activation("relu"), **arguments)
    assert isinstance(caught.value, vt.VmapTheoryError)
