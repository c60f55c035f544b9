"""What the kernels need of an array library, so that one text of every formula serves NumPy, PyTorch and JAX.

Arithmetic is written with operators; an `ArrayLibrary` adds the few functions that have no operator, in one floating
point type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..activations.program import FLOATS, Algebra

Run = Callable[[Any, Any, Sequence[Any]], tuple[Any, ...]]
"""(computation, q, parameters) -> arrays."""


Pick = Callable[[Any], Any]
Case = Callable[[Pick], Sequence[Any]]
ByCases = Callable[[Any, Case, Case], list[Any]]


@dataclass(frozen=True, eq=False)
class ArrayLibrary:
    """An array library in one floating point type.

    Attributes
    ----------
    name : str
        ``numpy``, ``torch`` or ``jax``.
    digits : int
        Bits of the mantissa: 53 or 24.
    exp, sqrt, log, log1p, absolute : callable
        Elementwise.
    power : callable
        ``power(base, exponent)``.
    where : callable
        ``where(condition, a, b)``.
    at_most : callable
        ``at_most(x, bound)`` for a number `bound`; NaN stays NaN.
    by_cases : callable
        ``by_cases(mask, inside, outside)``: the arrays that `inside` returns where the mask is true, and `outside`
        elsewhere.  Both get a function ``pick`` that cuts an array to the points of their case (floats stay floats).
    surely : callable
        Whether a mask is seen to be all true; False where values cannot be seen, or cost too much to look at.
    mask_bits : callable
        ``mask_bits(x, mask)``: x with only those bits of its pattern that are set in the integer `mask`.
    functions : mapping
        The functions by the names of `activations.program.FUNCTION_NAMES` that coefficients may hold.
    run, run_bounds, run_logarithms : callable
        ``run(computation, q, parameters)``: its values, the bounds of their errors, or its logarithms and signs, in the
        way that the library's automatic differentiation wants.
    """

    name: str
    digits: int
    exp: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    log: Callable[[Any], Any]
    log1p: Callable[[Any], Any]
    absolute: Callable[[Any], Any]
    power: Callable[[Any, Any], Any]
    where: Callable[[Any, Any, Any], Any]
    at_most: Callable[[Any, float], Any]
    by_cases: ByCases
    surely: Callable[[Any], bool]
    mask_bits: Callable[[Any, int], Any]
    functions: Mapping[str, Callable[..., Any]]
    run: Run
    run_bounds: Run
    run_logarithms: Run

    @property
    def epsilon(self) -> float:
        """Distance from 1 to the next number."""
        return 2.0 ** (1 - self.digits)

    @property
    def farthest(self) -> float:
        """A u at which every density is zero, and the powers of u that tails need are still finite and not zero."""
        return 1e40 if self.digits == 53 else 1e10

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return (2.0 - self.epsilon) * 2.0 ** (1023 if self.digits == 53 else 127)

    @property
    def underflow(self) -> float:
        """What a sum may lose below the smallest normal number; XLA flushes every single term below it to zero."""
        return 16 * self.tiny if self.name == "jax" else self.tiny

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (-1022 if self.digits == 53 else -126)

    @cached_property
    def algebra(self) -> Algebra:
        """The number system of plain arrays."""
        return Algebra(float, self.functions, self.power)

    def rounded(self, number: float) -> float:
        """Round a Python float to this type."""
        return number if self.digits == 53 else float(np.float32(number))

    def leading_half(self, x: Any) -> Any:
        """Return x without the lower half of its mantissa: 26 bits of 53, 12 of 24."""
        low = (self.digits + 1) // 2
        if isinstance(x, float):
            mantissa, exponent = math.frexp(x)
            return math.ldexp(math.trunc(math.ldexp(mantissa, self.digits - low)), exponent - self.digits + low)
        return self.mask_bits(x, -(1 << low))

    def power_of_two(self, x: Any) -> Any:
        """Return the largest power of two up to x, for normal x > 0; infinity and NaN give infinity."""
        return self.mask_bits(x, 0x7FF << 52 if self.digits == 53 else 0xFF << 23)


def _numpy_mask_bits(x: Any, mask: int) -> Any:
    return (x.view(np.int64) & np.int64(mask)).view(np.float64)


def _as_it_is(array: Any) -> Any:
    return array


def _numpy_by_cases(mask: Any, inside: Case, outside: Case) -> list[Any]:
    """Compute each case at its own points only."""
    if mask.all():
        return list(inside(_as_it_is))
    if not mask.any():
        return list(outside(_as_it_is))
    found: list[Any] = []
    for places, case in ((np.flatnonzero(mask), inside), (np.flatnonzero(~mask), outside)):
        results = case(partial(_picked, places))
        found = found or [np.empty(mask.shape) for _ in results]
        for whole, part in zip(found, results, strict=True):
            whole[places] = part
    return found


def _picked(places: Any, array: Any) -> Any:
    return array if isinstance(array, float) else array.take(places)


def everywhere(where: Callable[[Any, Any, Any], Any]) -> ByCases:
    """`by_cases` for libraries that compute both cases at all points, because their code has no branches."""

    def by_cases(mask: Any, inside: Case, outside: Case) -> list[Any]:
        return [where(mask, a, b) for a, b in zip(inside(_as_it_is), outside(_as_it_is), strict=True)]

    return by_cases


NUMPY: ArrayLibrary = ArrayLibrary(
    name="numpy",
    digits=53,
    exp=np.exp,
    sqrt=np.sqrt,
    log=np.log,
    log1p=np.log1p,
    absolute=np.abs,
    power=np.power,
    where=np.where,
    at_most=np.minimum,
    by_cases=_numpy_by_cases,
    surely=lambda mask: bool(mask.all()),
    mask_bits=_numpy_mask_bits,
    functions=FLOATS.functions,
    run=lambda computation, q, parameters: computation.values(q, parameters, NUMPY),
    run_bounds=lambda computation, q, parameters: computation.values_and_bounds(q, parameters, NUMPY)[1],
    run_logarithms=lambda computation, q, parameters: computation.logarithms(q, parameters, NUMPY),
)
"""NumPy's float64."""
