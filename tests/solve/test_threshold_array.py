"""Thresholds over arrays of sparsities and variances."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, InfeasibleError

NAMES = ("relu_tau", "crelu", "soft_threshold", "cst", "hard_threshold")


@given(
    family=st.sampled_from(NAMES),
    sparsity=st.lists(st.floats(1e-12, 1 - 1e-12), min_size=1, max_size=5),
    q=st.floats(1e-300, 1.7e308),
)
def test_elements_are_bit_for_bit_those_of_the_scalar_function(family: str, sparsity: list[float], q: float) -> None:
    found = vt.thresholds_for_sparsity(family, sparsity, q)
    for s, tau in zip(sparsity, found, strict=True):
        if np.isnan(tau):
            with pytest.raises(InfeasibleError):
                vt.threshold_for_sparsity(family, s, q)
        else:
            assert tau == vt.threshold_for_sparsity(family, s, q)


@pytest.mark.parametrize("two_sided", [False, True])
def test_against_the_inverse_error_function(two_sided: bool) -> None:
    sparsities, variances = np.array([0.5 + 1e-9, 0.7, 0.9999, 1 - 2**-45]), np.array([[1e-6], [3.0]])
    found = vt.thresholds_for_sparsity("cst" if two_sided else "crelu", sparsities, variances)
    for (i, j), tau in np.ndenumerate(found):
        with mpmath.workdps(60):
            s, q = mpmath.mpf(sparsities[j]), mpmath.mpf(variances[i, 0])
            exact = mpmath.sqrt(2 * q) * mpmath.erfinv(s if two_sided else 2 * s - 1)
            assert abs(tau - exact) < 1e-14 * exact


def test_shapes_and_what_is_out_of_reach() -> None:
    found = vt.thresholds_for_sparsity("relu_tau", [[0.3], [0.5], [np.nan], [0.9]], [1.0, 4.0])
    assert np.isnan(found).tolist() == [[True, True], [False, False], [True, True], [False, False]]
    assert found[1].tolist() == [0.0, 0.0]
    assert found[3, 1] == 2 * found[3, 0]
    assert isinstance(vt.thresholds_for_sparsity("cst", 0.3), np.float64)
    assert vt.thresholds_for_sparsity("cst", np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("act", "sparsity", "q", "error", "remark"),
    [
        ("crelu", [0.9, 1.0], 1.0, DomainError, r"sparsity\[1\] = 1\.0"),
        ("crelu", [[0.9], [-0.1]], 1.0, DomainError, r"sparsity\[1, 0\]"),
        ("crelu", "0.9", 1.0, DtypeError, "sparsity"),
        ("crelu", [0.9, 0.8], [1.0, 2.0, 3.0], DomainError, "broadcast"),
        ("crelu", 0.9, [0.0], DomainError, r"q_star\[0\]"),
        ("crelu", 0.9, [1j], DtypeError, "q_star"),
        ("tanh", [0.9], 1.0, InfeasibleError, "no free threshold"),
    ],
)
def test_bad_arguments(act: Any, sparsity: Any, q: Any, error: type[Exception], remark: str) -> None:
    with pytest.raises(error, match=remark):
        vt.thresholds_for_sparsity(act, sparsity, q)
