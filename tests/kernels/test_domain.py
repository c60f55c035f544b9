"""Moments of the polynomial families over the whole domain of float64, against 50-digit references.

Thresholds at 0 to 37 standard deviations, pieces 1e-8 standard deviations to infinity wide, q from 1e-250 to 1e250.
"""

import itertools
import json
from typing import Any

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from tests.data.domain_cases import CASES, FAR_CASES
from tests.data.make_domain_moments import entry, log_entry, written
from tests.domain_data import domain_data
from tests.reference_data import MOMENTS, error_of

RELATIVE = 1e-14  # measured: 1.2e-15
USEFUL = 1e-13  # what a bound may be of the size; measured: 4e-14
CANCELLING = {"hermite": (1e-13, 2e-11)}  # degree 8: terms 1000 times as large as their sum; measured: 1.4e-14, 1e-11
LOG_ULP = 4  # of max(1, |log|); measured: 1
ORDINARY_LOG_ULP = 8  # measured: 5.2, the error of the value itself
TINY = float(np.finfo(np.float64).tiny)
EPSILON = float(np.finfo(np.float64).eps)
SIZES = {"d_second_moment": "d_size", "d2_second_moment": "d2_size"}
LOGS = ("second_moment", "slope_moment", "sparsity", "density", "d_second_moment", "d2_second_moment")

Computed = tuple[list[dict[str, Any]], list[dict[str, float]]]


def polynomial_families() -> list[str]:
    """Families whose pieces are polynomials, for integer parameters at their typical values."""
    names = []
    for name in vt.family_names():
        family = vt.family(name)
        whole = {p.name: p.typical[0] for p in family.parameters if p.integer}
        if (family.bind(**whole) if whole else family).is_polynomial:
            names.append(name)
    return names


def arrays_of(cases: list[dict[str, Any]]) -> tuple[list[float], dict[str, list[Any]]]:
    return [case["q"] for case in cases], {
        name: [case["parameters"][name] for case in cases] for name in cases[0]["parameters"]
    }


# Of module scope, so that pytest runs the tests of one family together and computes its moments once.
@pytest.fixture(scope="module", params=list(CASES))
def computed(request: pytest.FixtureRequest) -> Computed:
    """The cases of a family with their moments and bounds, all from one call on arrays."""
    cases = domain_data()["moments"][request.param]
    q, parameters = arrays_of(cases)
    result = vt.gaussian_moments(vt.family(request.param), q, bounds=True, **parameters)
    names = [name + kind for name in MOMENTS for kind in ("", "_error")]
    return cases, [{name: float(getattr(result, name)[index]) for name in names} for index in range(len(cases))]


def told(case: dict[str, Any], moment: str, error: float, size: float) -> str:
    """What a failing assertion says; pytest names the family."""
    relative = error / size if size else float("inf")
    return f"{moment} at q = {case['q']!r}, {case['parameters']!r}: error {error:.3g}, {relative:.3g} of {size:.3g}"


def size_of(case: dict[str, Any], moment: str) -> float:
    """What errors are relative to: derivatives in q change sign, and are measured by the sizes of their terms."""
    return abs(float(case[SIZES.get(moment, moment)]))


def is_normal(text: str) -> bool:
    value = abs(float(text))
    return TINY <= value < float("inf")


def test_every_polynomial_family_has_cases() -> None:
    assert set(CASES) == set(polynomial_families())
    assert all(len(cases) >= 12 for cases in CASES.values())


def test_the_file_holds_the_cases() -> None:
    for group, listed in (("moments", CASES), ("logs", FAR_CASES)):
        data = json.loads(json.dumps({f: [(q, written(p)) for q, p in cases] for f, cases in listed.items()}))
        assert data == {
            f: [[c["q"], written(c["parameters"])] for c in cases] for f, cases in domain_data()[group].items()
        }


@pytest.mark.parametrize(("family", "index"), [("crelu", 17), ("trapezoid", 3), ("hermite", 14)])
def test_a_case_is_written_again_digit_for_digit(family: str, index: int) -> None:
    again = json.loads(json.dumps(entry(family, *CASES[family][index], check=True)))
    stored = domain_data()["moments"][family][index]
    assert again == stored | {"parameters": written(stored["parameters"])}


def test_a_logarithm_is_written_again_digit_for_digit() -> None:
    stored = domain_data()["logs"]["cst"][21]
    assert json.loads(json.dumps(log_entry("cst", *FAR_CASES["cst"][21]))) == stored | {
        "parameters": written(stored["parameters"])
    }


@pytest.mark.parametrize("moment", MOMENTS)
def test_relative_error(computed: Computed, moment: str, request: pytest.FixtureRequest) -> None:
    limit, _ = CANCELLING.get(request.node.callspec.params["computed"], (RELATIVE, USEFUL))
    for case, values in zip(*computed, strict=True):
        error, size = error_of(values[moment], case[moment]), size_of(case, moment)
        if case[moment] == "+inf":
            assert values[moment] == np.inf, told(case, moment, error, size)
        elif is_normal(case[moment]):
            assert error <= limit * size, told(case, moment, error, size)
        else:  # zero, or below the smallest normal number
            assert error <= limit * size + 4 * TINY, told(case, moment, error, size)


@pytest.mark.parametrize("moment", MOMENTS)
def test_bounds_are_honest(computed: Computed, moment: str) -> None:
    for case, values in zip(*computed, strict=True):
        error, bound = error_of(values[moment], case[moment]), values[f"{moment}_error"]
        rounding = 1e-49 * size_of(case, moment) if np.isfinite(size_of(case, moment)) else 0.0  # of the reference
        assert error <= bound + rounding, told(case, moment, error, bound)


@pytest.mark.parametrize("moment", MOMENTS)
def test_bounds_are_useful(computed: Computed, moment: str, request: pytest.FixtureRequest) -> None:
    _, limit = CANCELLING.get(request.node.callspec.params["computed"], (RELATIVE, USEFUL))
    # An error bound of the size of the value would be honest, and worthless.
    for case, values in zip(*computed, strict=True):
        size, bound = size_of(case, moment), values[f"{moment}_error"]
        if not np.isinf(size):
            assert bound <= limit * size + 4 * TINY, told(case, moment, bound, size)


@pytest.mark.parametrize("family", list(CASES))
def test_numbers_bound_to_the_activation_serve_as_well(family: str) -> None:
    # Parameters that are numbers take another way through the pieces than arrays do.
    for case in domain_data()["moments"][family][3::17]:
        if not all(np.isfinite(value) for value in case["parameters"].values()):
            continue
        result = vt.gaussian_moments(vt.family(family).bind(**case["parameters"]), case["q"])
        for moment in MOMENTS:
            error, size = error_of(float(getattr(result, moment)), case[moment]), size_of(case, moment)
            limit, _ = CANCELLING.get(family, (RELATIVE, USEFUL))
            assert error <= limit * size + 4 * TINY or np.isinf(size), told(case, moment, error, size)


@pytest.mark.parametrize("family", list(FAR_CASES))
def test_logarithms(family: str) -> None:
    cases = domain_data()["logs"][family]
    q, parameters = arrays_of(cases)
    result = vt.log_gaussian_moments(vt.family(family), q, **parameters)
    for name, (index, case) in itertools.product(LOGS, enumerate(cases)):
        true = case[f"log_{name}"]
        computed = float(getattr(result, f"log_{name}")[index])
        if true == "+inf":
            assert computed == np.inf
            continue
        scale = max(1.0, abs(float(true)))
        error = error_of(computed, true)
        cancelled = float(case["d2_size_over_value"]) if name == "d2_second_moment" else 1.0
        lost = RELATIVE * cancelled if cancelled > 10 else 0.0  # V'' of narrow ramps: a kink less a slope
        assert error <= LOG_ULP * EPSILON * scale + lost, told(case, f"log_{name}", error, scale)


@pytest.mark.parametrize("moment", ["d_second_moment", "d2_second_moment"])
@pytest.mark.parametrize("family", list(FAR_CASES))
def test_signs_of_derivatives(family: str, moment: str) -> None:
    cases = domain_data()["logs"][family]
    q, parameters = arrays_of(cases)
    signs = getattr(vt.log_gaussian_moments(vt.family(family), q, **parameters), f"sign_{moment}")
    np.testing.assert_array_equal(signs, [case[f"sign_{moment}"] for case in cases])


@pytest.mark.parametrize("family", ["relu_tau", "crelu", "soft_threshold", "cst"])
def test_logarithms_of_ordinary_values(family: str) -> None:
    """The logarithms of the moments over the whole domain, where these are no zeros and do not cancel."""
    cases = domain_data()["moments"][family]
    q, parameters = arrays_of(cases)
    result = vt.log_gaussian_moments(vt.family(family), q, **parameters)
    for moment, (index, case) in itertools.product(MOMENTS, enumerate(cases)):
        with mpmath.workdps(60):
            value = abs(mpmath.mpf(case[moment]))
            if value < 0.1 * size_of(case, moment) or value < TINY:
                continue
            true = mpmath.nstr(mpmath.log(value), 50)
        scale = max(1.0, abs(float(true)))
        error = error_of(float(getattr(result, f"log_{moment}")[index]), true)
        assert error <= ORDINARY_LOG_ULP * EPSILON * scale, told(case, f"log_{moment}", error, scale)
