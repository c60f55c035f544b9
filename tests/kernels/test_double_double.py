"""Numbers of twice the working precision against exact rational arithmetic, in float64 and in float32."""

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from vmap_theory.activations.program import Program
from vmap_theory.kernels.double_double import (
    DoubleDouble,
    double_double_algebra,
    half_square,
    square_root,
    two_product,
    two_sum,
)
from vmap_theory.kernels.libraries import NUMPY, ArrayLibrary

# With p bits in a number, 53 or 24, errors are counted in units of 2^(-2 p).  Measured at random numbers: 1.9 (sum),
# 4.7 (product), 6.7 (quotient), 4.0 (root), 6.5 (half a square).
SUM, PRODUCT, QUOTIENT, ROOT, HALF_SQUARE = 4, 8, 12, 8, 8


@pytest.fixture(scope="module", params=["numpy", "torch float64", "torch float32"])
def library(request: pytest.FixtureRequest) -> ArrayLibrary:
    if request.param == "numpy":
        return NUMPY
    torch = pytest.importorskip("torch")
    from vmap_theory.kernels.torch_arrays import LIBRARIES

    return LIBRARIES[getattr(torch, request.param.split()[1])]


def array(value: float, library: ArrayLibrary) -> Any:
    """An array of one number, rounded to the library's type."""
    if library.name == "numpy":
        return np.array([value])
    import torch

    return torch.tensor([value], dtype=torch.float64 if library.digits == 53 else torch.float32)


def exact(value: Any) -> Fraction:
    """hi + lo, or an array of one number, exactly."""
    if isinstance(value, DoubleDouble):
        return exact(value.hi) + exact(value.lo)
    return Fraction(value if isinstance(value, float) else value.item())


def double(value: Fraction, library: ArrayLibrary) -> DoubleDouble:
    """The nearest sum of two numbers of the library's type."""
    hi = array(float(value), library)
    return DoubleDouble(hi, array(float(value - exact(hi)), library), library)


def off(found: Any, wanted: Fraction, size: Fraction, library: ArrayLibrary) -> float:
    """The error relative to a size, in units of 2^(-2 p)."""
    return float(abs(exact(found) - wanted) / size * 4**library.digits)


def numbers(low: int = -20, high: int = 20) -> st.SearchStrategy[Fraction]:
    """Rationals whose binary expansions do not end: thirds and sevenths times powers of two."""
    whole = st.integers(2**59, 2**60).map(lambda n: Fraction(2 * n + 1, 21 * 2**60))
    return st.builds(lambda x, power: x * Fraction(2) ** power, whole, st.integers(low, high))


signs = st.sampled_from([-1, 1])


@given(a=numbers(), b=numbers(), sign=signs)
def test_two_sum_is_exact(library: ArrayLibrary, a: Fraction, b: Fraction, sign: int) -> None:
    x, y = array(float(a), library), array(sign * float(b), library)
    total, rest = two_sum(x, y)
    assert exact(total) + exact(rest) == exact(x) + exact(y)
    assert exact(total) == exact(x + y)


@given(a=numbers(), b=numbers(), sign=signs)
def test_two_product_is_exact(library: ArrayLibrary, a: Fraction, b: Fraction, sign: int) -> None:
    """Up to the last bit of the product of two lower halves, which is one bit too long."""
    x, y = (DoubleDouble(array(float(number), library), 0.0, library) for number in (a, sign * b))
    for left, right in ((x, y), (x, x)):
        product, rest = two_product(left, right)
        wanted = exact(left) * exact(right)
        assert exact(product) == exact(left.hi * right.hi)
        assert abs(exact(product) + exact(rest) - wanted) <= 4 * abs(wanted) / 4**library.digits
        assert abs(exact(rest)) <= abs(wanted) / 2**library.digits


@given(a=numbers(), b=numbers(), sign=signs)
def test_arithmetic(library: ArrayLibrary, a: Fraction, b: Fraction, sign: int) -> None:
    x, y = double(a, library), double(sign * b, library)
    left, right = exact(x), exact(y)
    assert off(x + y, left + right, abs(left) + abs(right), library) <= SUM
    assert off(x * y, left * right, abs(left * right), library) <= PRODUCT
    assert off(x / y, left / right, abs(left / right), library) <= QUOTIENT
    assert off(1 / y, 1 / right, abs(1 / right), library) <= QUOTIENT
    value, rest = half_square(y)
    assert off(DoubleDouble(value, rest, library), right**2 / 2, right**2 / 2, library) <= HALF_SQUARE


@given(a=numbers(), b=numbers())
def test_results_are_normal(library: ArrayLibrary, a: Fraction, b: Fraction) -> None:
    """What is left over is at most half a unit in the last place, so that hi alone is the rounded number."""
    x, y = double(a, library), double(b, library)
    for result in (x + y, x * y, x / y, x.sqrt()):
        assert exact(result.hi) == exact(result.hi + result.lo)


@given(a=numbers())
def test_square_root(library: ArrayLibrary, a: Fraction) -> None:
    x = double(a, library)
    with mpmath.workdps(50):
        value = mpmath.mpf(exact(x).numerator) / exact(x).denominator
        mantissa = int(mpmath.floor(mpmath.sqrt(value) * mpmath.mpf(2) ** 140))
    root = Fraction(mantissa, 2**140)
    assert off(x.sqrt(), root, root, library) <= ROOT
    rounded = square_root(x.hi, library.sqrt(x.hi), library)  # of hi alone
    assert abs(exact(rounded) ** 2 - exact(x.hi)) <= 2 * ROOT * exact(x.hi) / 4**library.digits
    zero = DoubleDouble(array(0.0, library), 0.0, library).sqrt()
    assert exact(zero) == 0


@given(a=numbers(), b=numbers())
def test_plain_halves_count_as_exact(library: ArrayLibrary, a: Fraction, b: Fraction) -> None:
    """A float 0.0 as lo and an array of zeros give the same numbers."""
    x, y = array(float(a), library), array(float(b), library)
    short = DoubleDouble(x, 0.0, library), DoubleDouble(y, 0.0, library)
    long = DoubleDouble(x, 0 * x, library), DoubleDouble(y, 0 * y, library)
    assert exact(short[0] * short[1]) == exact(long[0] * long[1])
    assert exact(short[0] / short[1]) == exact(long[0] / long[1])
    assert exact(short[0] + short[1]) == exact(long[0] + long[1])


TAU, M = sp.symbols("tau m", positive=True)
PROGRAMS = [
    sp.Rational(1, 3) + 0 * TAU,
    TAU / 3,
    TAU + M / 7,
    sp.sqrt(2) * TAU,
    sp.sqrt(2) * sp.sqrt(TAU) / M,
    sp.sqrt(TAU * M),
    1 / sp.sqrt(TAU),
    TAU * (TAU + M) / (TAU + 2 * M),
    (TAU + M) ** 3 / M**2,
    sp.pi * TAU + sp.E * M,
    TAU - M / 3,
]


@pytest.mark.parametrize("expression", PROGRAMS, ids=str)
@given(tau=numbers(-4, 4), m=numbers(-4, 4))
def test_programs(library: ArrayLibrary, expression: sp.Expr, tau: Fraction, m: Fraction) -> None:
    arrays = {"tau": array(float(tau), library), "m": array(float(m), library)}
    values = {name: DoubleDouble(x, 0.0, library) for name, x in arrays.items()}
    (found,) = Program([expression]).run(values, double_double_algebra(library))
    with mpmath.workdps(60):
        x, y = (mpmath.mpf(arrays[name].item()) for name in ("tau", "m"))
        wanted = mpmath.mpmathify(sp.lambdify([TAU, M], expression, "mpmath")(x, y))
        size = abs(x) + abs(y) if expression == TAU - M / 3 else abs(wanted)
        hi, lo = (mpmath.mpf(half if isinstance(half, float) else half.item()) for half in (found.hi, found.lo))
        units = abs(hi + lo - wanted) / size * mpmath.mpf(4) ** library.digits
    assert units <= 40


@given(value=numbers(-60, 60), sign=signs)
def test_leading_half_and_power_of_two(library: ArrayLibrary, value: Fraction, sign: int) -> None:
    x = array(sign * float(value), library)
    high = library.leading_half(x)
    kept = library.digits - (library.digits + 1) // 2
    mantissa = exact(high)
    while mantissa.denominator > 1 or mantissa.numerator % 2 == 0:
        mantissa *= Fraction(2) if mantissa.denominator > 1 else Fraction(1, 2)
    assert abs(mantissa) < 2**kept
    assert 0 <= (exact(x) - exact(high)) * sign < abs(exact(x)) * Fraction(2) ** (1 - kept)
    assert library.leading_half(x.item() if library.digits == 53 else float(x.item())) == high.item()
    power = exact(library.power_of_two(abs(x)))
    assert power <= abs(exact(x)) < 2 * power
    assert power.numerator & (power.numerator - 1) == 0
    assert power.denominator & (power.denominator - 1) == 0
