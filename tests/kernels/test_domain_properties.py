"""What must hold between moments anywhere in float64's range: scaling, order, continuity, determinism."""

import os
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain_points import (
    CLIPPED,
    LENGTHS,
    POWERS,
    RELATIVE,
    SIZES,
    THRESHOLDED,
    TINY,
    ULP,
    Array,
    exact_moments,
    moments,
    parameters_of,
    sizes,
    starts,
    variances,
    widths,
)
from tests.reference_data import MOMENTS

# Accuracy where nobody put a reference.


@given(family=st.sampled_from(THRESHOLDED), q=variances(), a=starts(), c=widths(), fall=st.integers(0, 60))
@settings(max_examples=100)
def test_errors_and_bounds_at_random_points(family: str, q: float, a: float, c: float, fall: int) -> None:
    if fall:  # the density falls by exp(-fall/4) over the ramp: kernels change their method at such a number
        c = fall / 2 / (a + (a * a + fall / 2) ** 0.5)
    values = parameters_of(family, q, a, c)
    found, exact = moments(family, q, **values), exact_moments(family, q, values)
    with mpmath.workdps(60):
        for name in MOMENTS:
            error = float(abs(mpmath.mpf(float(found[name])) - exact[name]))
            size = abs(float(exact[SIZES.get(name, name)]))
            assert error <= found[f"{name}_error"], (name, error)
            assert error <= RELATIVE * size + 4 * TINY, (name, error, size)


# Scaling.


@pytest.mark.parametrize("family", list(LENGTHS))
@given(data=st.data(), exponent=st.integers(-200, 200))
def test_powers_of_two_scale_bit_for_bit(family: str, data: st.DataObject, exponent: int) -> None:
    q = data.draw(st.floats(0.01, 100))
    lengths = {name: data.draw(st.floats(1e-3, 8)) * q**0.5 for name in LENGTHS[family]}
    base = moments(family, q, **lengths)
    scaled = moments(family, q * 4.0**exponent, **{name: x * 2.0**exponent for name, x in lengths.items()})
    for name in MOMENTS:
        assert scaled[name] == base[name] * 4.0 ** (exponent * POWERS[name]), name


def coarse_points(family: str, rng: np.random.Generator, count: int) -> tuple[Array, dict[str, Array]]:
    """Variances and lengths of few bits, so that c tau, c m and c^2 q are exact for whole c below 2^12.

    Otherwise their rounding, times tau^2/q, is what one would see.
    """
    q = rng.integers(1, 2**20, count) / 2.0**14
    ratios = [rng.uniform(0, 36, count), *(10 ** rng.uniform(-4, 2, count) for _ in range(2))]
    return q, {
        name: np.maximum(np.round(ratio * np.sqrt(q) * 2**15), 1) / 2**15
        for name, ratio in zip(LENGTHS[family], ratios, strict=False)
    }


@pytest.mark.parametrize("family", list(LENGTHS))
@given(c=st.integers(3, 2**12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_other_factors_scale_to_few_ulp(family: str, c: int, seed: int) -> None:
    q, lengths = coarse_points(family, np.random.default_rng(seed), 300)
    base = moments(family, q, **lengths)
    scaled = moments(family, float(c * c) * q, **{name: c * x for name, x in lengths.items()})
    limit = 4 if family in THRESHOLDED else 8  # more pieces, more roundings; measured: 3.4 and 4.6
    names = ["second_moment", "sparsity"]
    names += ["d_second_moment", "slope_moment"] if family not in ("hard_threshold", "trapezoid") else []
    for name in names:  # sums of terms of one sign
        back = scaled[name] / float(c * c) ** POWERS[name]
        off = np.abs(back - base[name]) / np.where(base[name] > 1e-300, base[name], np.inf)
        worst = int(np.argmax(off))
        assert off[worst] <= limit * ULP, (
            name,
            q[worst],
            {key: x[worst] for key, x in lengths.items()},
            off[worst] / ULP,
        )


@given(family=st.sampled_from(THRESHOLDED), c=st.integers(3, 2**12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_second_derivative_scales_to_4_ulp_of_its_terms(family: str, c: int, seed: int) -> None:
    q, lengths = coarse_points(family, np.random.default_rng(seed), 1)
    variance, values = float(q[0]), {name: float(x[0]) for name, x in lengths.items()}
    base = moments(family, variance, **values)["d2_second_moment"]
    scaled = moments(family, c * c * variance, **{name: c * x for name, x in values.items()})["d2_second_moment"]
    size = sizes(family, variance, **values)["d2_second_moment"]
    assert abs(scaled * float(c * c) - base) <= 4 * ULP * size + TINY * c * c, (variance, values)


# Order and sign.


@given(family=st.sampled_from(THRESHOLDED), q=variances(), a=starts(), step=st.floats(1e-9, 2), c=widths())
def test_second_moment_falls_and_sparsity_rises_with_the_threshold(
    family: str, q: float, a: float, step: float, c: float
) -> None:
    low, high = (moments(family, q, **parameters_of(family, q, x, c)) for x in (a, a + step))
    for name, smaller, larger in (("second_moment", high, low), ("sparsity", low, high)):
        assert smaller[name] - smaller[f"{name}_error"] <= larger[name] + larger[f"{name}_error"]
    if step > 1e-6 and low["second_moment"] > 2 * TINY:  # a step of 1e-6 changes it by 1e-6 at least
        assert high["second_moment"] < low["second_moment"]


@given(family=st.sampled_from(CLIPPED), q=variances(), a=starts(), c=st.floats(-8, 1.5), factor=st.floats(1e-9, 2))
def test_second_moment_rises_with_the_level(family: str, q: float, a: float, c: float, factor: float) -> None:
    low, high = (moments(family, q, **parameters_of(family, q, a, x)) for x in (10.0**c, 10.0**c * (1 + factor)))
    assert low["second_moment"] - low["second_moment_error"] <= high["second_moment"] + high["second_moment_error"]
    beyond = 10.0**c * (a + 10.0**c / 2)  # where the level is reached: what lies there is exp(-beyond) of all
    if factor > 1e-6 and beyond < 10 and low["second_moment"] > 2 * TINY:
        assert low["second_moment"] < high["second_moment"]


@given(family=st.sampled_from(THRESHOLDED), q=variances(), a=starts(), c=widths())
def test_moments_that_cannot_be_negative_are_not(family: str, q: float, a: float, c: float) -> None:
    found = moments(family, q, **parameters_of(family, q, a, c))
    exact = sizes(family, q, **parameters_of(family, q, a, c))
    for name in ("second_moment", "d_second_moment", "slope_moment", "sparsity"):
        assert found[name] >= 0
        assert found[name] > 0 or exact[name] < 2 * TINY, name
    assert found["sparsity"] <= 1
    assert found["slope_moment"] <= 1 + 4 * ULP
    assert found["second_moment"] <= q * (1 + 4 * ULP)


# Continuity.


def crossings(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Pairs a = tau/sqrt(q), c = m/sqrt(q) everywhere, and pairs where c (a + c/2), c, a or a + c is a round number.

    There, if anywhere, a kernel changes its method: over a piece the density falls by exp(-c (a + c/2)).
    """
    a = np.concatenate([rng.uniform(0, 37, count), 10 ** rng.uniform(-8, 1.5, count)])
    c = 10 ** rng.uniform(-8, 2, a.size)
    exponent = rng.integers(1, 80, a.size) / 4.0
    falls = 2 * exponent / (a + np.sqrt(a * a + 2 * exponent))
    round_number = rng.choice([0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 30], a.size)
    return (
        np.concatenate([a, a, a, round_number, np.minimum(a, round_number)]),
        np.concatenate([c, falls, round_number, c, round_number - np.minimum(a, round_number) + 1e-8]),
    )


@pytest.mark.parametrize("stepped", ["tau", "m", "q"])
@pytest.mark.parametrize("family", CLIPPED)
def test_a_small_step_makes_a_small_change(family: str, stepped: str, rng: np.random.Generator) -> None:
    a, c = crossings(rng, 1500)
    q = 10 ** rng.uniform(-2, 2, a.size)
    before = {"q": q, "tau": a * np.sqrt(q), "m": c * np.sqrt(q)}
    ulps = rng.choice([1, 2, 3, 8], a.size)
    after = before | {stepped: before[stepped] * (1 + ulps * ULP)}
    one, two = (moments(family, **point) for point in (before, after))
    # How much a relative step changes the result, relative to it, at most: for tau at most a <u>, where <u> <= a + 3
    # is a mean of |x|/sqrt(q) over the tail; for m 2; for q, by homogeneity, what the two leave.
    condition = {"tau": a * (a + 3) + 1, "m": np.full(a.size, 3.0), "q": a * (a + 3) / 2 + 3}[stepped]
    allowed = condition * (ulps + 1) * ULP + 2e-14
    for name in ("second_moment", "d_second_moment", "slope_moment"):
        change = np.abs(two[name] - one[name])
        # dE/dq and E[phi'^2] of a narrow piece follow its width, c, and dE/dq the point where it ends as well.
        factor = 1 if name == "second_moment" else 3
        worst = int(np.argmax(change - factor * allowed * one[name]))
        assert change[worst] <= factor * allowed[worst] * one[name][worst] + TINY, (
            name,
            {key: float(value[worst]) for key, value in before.items()},
            int(ulps[worst]),
        )


@given(family=st.sampled_from(CLIPPED), stepped=st.sampled_from(["tau", "m", "q"]), data=st.data())
@settings(max_examples=25)
def test_second_derivative_is_continuous(family: str, stepped: str, data: st.DataObject) -> None:
    a, exponent = data.draw(st.floats(0, 37)), data.draw(st.integers(1, 40)) / 4
    c = 2 * exponent / (a + (a * a + 2 * exponent) ** 0.5)
    before = {"q": 1.0, "tau": a, "m": c}
    after = before | {stepped: before[stepped] * (1 + 4 * ULP)}
    change = abs(moments(family, **after)["d2_second_moment"] - moments(family, **before)["d2_second_moment"])
    assert change <= (5 * (a + c + 3) ** 2 * 4 * ULP + 2e-14) * sizes(family, **before)["d2_second_moment"]


# Determinism.


PRINTED = """
import numpy as np, vmap_theory as vt
from dataclasses import fields
rng = np.random.default_rng(5)
q = 10 ** rng.uniform(-3, 3, 3000)
tau, m = rng.uniform(0, 37, q.size) * np.sqrt(q), 10 ** rng.uniform(-8, 2, q.size) * np.sqrt(q)
for found in (
    vt.gaussian_moments(vt.family("cst"), q, bounds=True, tau=tau, m=m),
    vt.log_gaussian_moments(vt.family("crelu"), q, tau=tau, m=m),
    vt.gaussian_moments(vt.family("trapezoid"), q, tau=tau, ramp=m, flat=m),
):
    for field in fields(found):
        value = getattr(found, field.name)
        if value is not None:
            print(field.name, " ".join(float(x).hex() for x in value))
"""


def test_threads_and_hash_seed_change_no_bit() -> None:
    outputs = [
        subprocess.Popen(
            [sys.executable, "-c", PRINTED],
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for threads, seed in (("1", "0"), ("4", "12345"))
    ]
    first, second = (process.communicate(timeout=120)[0] for process in outputs)
    assert all(process.returncode == 0 for process in outputs)
    assert len(first) > 10**5
    assert first == second


def test_a_point_does_not_depend_on_its_neighbours(rng: np.random.Generator) -> None:
    q = 10 ** rng.uniform(-3, 3, 5000)
    tau, m = rng.uniform(0, 37, q.size) * np.sqrt(q), 10 ** rng.uniform(-8, 2, q.size) * np.sqrt(q)
    together = moments("crelu", q, tau=tau, m=m)
    for index in (0, 1, 2, 7, 1023, 1024, 2048, 4095, 4096, 4999):
        alone = moments("crelu", q[index], tau=tau[index], m=m[index])
        for name in MOMENTS:
            assert alone[name] == together[name][index], (name, index)
