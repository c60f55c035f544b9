"""The float64 moments against 50-digit references, for every family; errors reported are never below the true ones."""

from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from tests.reference_data import MOMENTS, activation_of, cases_of, error_of, reference_data

RELATIVE = 1e-12  # what the docstring promises for tau/sqrt(q) to 8 and m/sqrt(q) from 1e-3
USEFUL = 1e-9
CANCELLING = {"hermite"}  # at degree 8 the terms of the polynomial are 1000 times its size, and so is the bound
MOST_SETS = 4


def test_every_family_has_reference_data() -> None:
    assert set(reference_data()) == set(vt.family_names()), "add the family to tests/data"
    for family, cases in reference_data().items():
        assert len(cases) >= 5
        assert all(set(case["parameters"]) == {p.name for p in vt.family(family).parameters} for case in cases)


def test_data_reaches_the_ends_of_the_promised_range() -> None:
    cases = reference_data()["crelu"]
    ratios = [(c["parameters"]["tau"] / c["q"] ** 0.5, c["parameters"]["m"] / c["q"] ** 0.5) for c in cases]
    assert min(tau for tau, _ in ratios) == 0
    assert max(tau for tau, _ in ratios) == pytest.approx(8)
    assert min(m for _, m in ratios) == pytest.approx(1e-3)


Computed = list[tuple[dict[str, Any], vt.GaussianMoments]]


def few_sets(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cases of a few sets of parameters, from first to last; each set costs the quadrature new tables."""
    sets = sorted({str(case["parameters"]) for case in cases}, key=[str(case["parameters"]) for case in cases].index)
    chosen = {sets[round(k * (len(sets) - 1) / (MOST_SETS - 1))] for k in range(MOST_SETS)}
    return [case for case in cases if str(case["parameters"]) in chosen]


# Of module scope, so that pytest runs the tests of one family together and computes its moments once.
@pytest.fixture(scope="module", params=vt.family_names())
def computed(request: pytest.FixtureRequest) -> Computed:
    """Cases of a family, each with its moments."""
    cases = cases_of(request.param)
    if not activation_of(request.param, cases[0]).is_polynomial:
        cases = few_sets(cases)
    return [(case, vt.gaussian_moments(activation_of(request.param, case), case["q"], bounds=True)) for case in cases]


def size_of(case: dict[str, Any], moment: str) -> float:
    """What errors are relative to: derivatives in q change sign, and are measured by the sizes of their terms."""
    terms = {"d_second_moment": "d_size_of_terms", "d2_second_moment": "d2_size_of_terms"}
    return abs(float(case.get(terms.get(moment, moment), case[moment])))


@pytest.mark.parametrize("moment", MOMENTS)
def test_relative_error(computed: Computed, moment: str) -> None:
    for case, result in computed:
        error = error_of(float(getattr(result, moment)), case[moment])
        assert error <= RELATIVE * size_of(case, moment) or case[moment] == "+inf", case


@pytest.mark.parametrize("moment", MOMENTS)
def test_reported_errors_are_honest(computed: Computed, moment: str) -> None:
    for case, result in computed:
        true_error = error_of(float(getattr(result, moment)), case[moment])
        assert true_error <= float(getattr(result, f"{moment}_error")), case


@pytest.mark.parametrize("moment", MOMENTS)
def test_reported_errors_are_useful(computed: Computed, moment: str, request: pytest.FixtureRequest) -> None:
    family = request.node.callspec.params["computed"]
    tight = family not in CANCELLING and activation_of(family, computed[0][0]).is_polynomial
    limit = RELATIVE if tight else USEFUL
    # An error bound of the size of the value would be honest, and worthless.
    for case, result in computed:
        if case[moment] != "+inf":
            smallest = float(np.finfo(np.float64).tiny)  # what fades below the range of float64 has this error
            assert float(getattr(result, f"{moment}_error")) <= limit * size_of(case, moment) + 16 * smallest, case


@pytest.mark.parametrize("family", [name for name in vt.family_names() if vt.family(name).parameters])
def test_parameter_arrays_are_as_accurate(family: str) -> None:
    cases = cases_of(family)
    if not activation_of(family, cases[0]).is_polynomial:
        cases = few_sets(cases)[:6]
    q = [case["q"] for case in cases]
    parameters = {name: [case["parameters"][name] for case in cases] for name in cases[0]["parameters"]}
    result = vt.gaussian_moments(vt.family(family), q, **parameters, bounds=True)
    for moment in MOMENTS:
        for index, case in enumerate(cases):
            true_error = error_of(float(getattr(result, moment)[index]), case[moment])
            assert true_error <= float(getattr(result, f"{moment}_error")[index]), (moment, case)


def test_far_tail_keeps_its_digits() -> None:
    # E[phi'^2] of a threshold at 30 standard deviations is Q(30) = 4.906713927148187e-198 (mpmath, 50 digits).
    result = vt.gaussian_moments(vt.activation("relu_tau", tau=30), 1.0, bounds=True)
    assert float(result.slope_moment) == pytest.approx(4.906713927148187e-198, rel=1e-12)
    assert result.second_moment > 0


def test_moments_of_the_identity_are_exact() -> None:
    q = np.array([1e-300, 0.3, 7.0, 1e300])
    result = vt.gaussian_moments(vt.activation("linear"), q, bounds=True)
    np.testing.assert_allclose(result.second_moment, q, rtol=1e-15)
    np.testing.assert_array_equal(result.sparsity, 0)
    np.testing.assert_allclose(result.slope_moment, 1, rtol=1e-15)
