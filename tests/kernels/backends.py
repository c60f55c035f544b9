"""The array libraries under test, points of the domain for them, and their moments as NumPy arrays."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

import vmap_theory as vt
from tests.domain_data import domain_data
from tests.reference_data import MOMENTS
from vmap_theory.kernels.evaluation import ROUNDINGS

Array = NDArray[np.float64]

SIZES = {"d_second_moment": "d_size", "d2_second_moment": "d2_size"}
FAR = 12.0
"""Thresholds up to so many standard deviations, for float32."""


@dataclass(frozen=True)
class Backend:
    """An array library.

    Attributes
    ----------
    array : callable
        ``array(values, dtype)``: its array of them.
    precise : callable
        A context in which it has float64.
    jit : callable
        Its compiler for a function of arrays that returns a dict of arrays; the identity if there is none.
    least : int
        As many points at least are computed: JAX compiles every operation for every shape, hence few shapes.
    """

    array: Callable[[Any, str], Any]
    precise: Callable[[], AbstractContextManager[Any]] = nullcontext
    jit: Callable[[Any], Any] = lambda function: function
    least: int = 0

    def results(self, name: str, act: Any, q: Any, dtype: str = "float64", **parameters: Any) -> dict[str, Any]:
        """What the function `name` of the package returns for arrays of this library, as NumPy arrays."""
        bounds = {"bounds": parameters.pop("bounds")} if "bounds" in parameters else {}

        def compute(q: Any, given: dict[str, Any]) -> dict[str, Any]:
            result = getattr(vt, name)(act, q, **bounds, **given)
            values = {field.name: getattr(result, field.name) for field in fields(result)}
            return {key: value for key, value in values.items() if value is not None}

        columns = dict(zip(["q", *parameters], np.broadcast_arrays(q, *parameters.values()), strict=True))
        shape, count = columns["q"].shape, columns["q"].size
        with self.precise():
            arrays = {
                key: self.array(np.resize(column, max(count, self.least)), dtype) for key, column in columns.items()
            }
            variance = arrays.pop("q")
            found = self.jit(compute)(variance, arrays)
            assert {type(value) for value in found.values()} == {type(variance)}
            return {key: as_numpy(value, dtype)[:count].reshape(shape) for key, value in found.items()}


def as_numpy(array: Any, dtype: str) -> Array:
    found: Array = np.asarray(array.cpu() if hasattr(array, "cpu") else array)
    assert found.dtype == dtype
    return found.astype(np.float64)


@cache
def backend(name: str) -> Backend:
    """The library of a name: numpy, torch, cuda, jax (operation by operation), jit (JAX, compiled)."""
    if name == "numpy":
        return Backend(np.asarray)
    if name in ("torch", "cuda"):
        torch = pytest.importorskip("torch")
        if name == "cuda" and not torch.cuda.is_available():
            pytest.skip("no CUDA device")
        device = "cuda" if name == "cuda" else "cpu"
        return Backend(lambda values, dtype: torch.as_tensor(np.asarray(values, dtype), device=device))
    jax = pytest.importorskip("jax")
    if name == "jit":
        return Backend(jax.numpy.asarray, lambda: jax.enable_x64(True), jax.jit)
    return Backend(jax.numpy.asarray, lambda: jax.enable_x64(True), least=256)


@dataclass(frozen=True)
class Points:
    """Cases of tests/domain_data with one activation: what the libraries take no arrays of is bound."""

    act: vt.Activation
    cases: list[dict[str, Any]]
    q: Array
    parameters: dict[str, Array]

    def size(self, moment: str) -> Array:
        """What errors are relative to: derivatives in q change sign, and are measured by the sizes of their terms."""
        return np.array([abs(float(case[SIZES.get(moment, moment)])) for case in self.cases])


def domain_points(family: str, dtype: str = "float64") -> Iterator[Points]:
    """The points of a family; for float32 those in its range, near thresholds, and rounded to it."""
    bound = {p.name for p in vt.family(family).parameters if p.integer} | ({"threshold"} & {family})
    groups: dict[tuple[tuple[str, Any], ...], list[dict[str, Any]]] = {}
    for case in domain_data()["moments"][family]:
        if dtype == "float64" or _suits_float32(case):
            key = tuple((name, _rounded(value, dtype)) for name, value in case["parameters"].items() if name in bound)
            groups.setdefault(key, []).append(case)
    for key, cases in groups.items():
        act = vt.family(family).bind(**dict(key)) if key else vt.family(family)
        yield Points(
            act,
            cases,
            np.array([case["q"] for case in cases], dtype).astype(np.float64),
            {
                name: np.array([case["parameters"][name] for case in cases], dtype).astype(np.float64)
                for name in cases[0]["parameters"]
                if name not in bound
            },
        )


def _rounded(value: Any, dtype: str) -> Any:
    return value if isinstance(value, int) else float(np.dtype(dtype).type(value))


def _suits_float32(case: dict[str, Any]) -> bool:
    values = [abs(value) for value in case["parameters"].values()]
    near = [
        value <= FAR * case["q"] ** 0.5
        for name, value in case["parameters"].items()
        if name.startswith(("tau", "theta", "lambd", "threshold"))
    ]
    in_range = all(value in (0, np.inf) or 1e-30 < value < 1e30 for value in values)
    return 1e-30 < case["q"] < 1e30 and in_range and all(near)


def without_subnormal(points: Points) -> Points:
    """The points without a subnormal parameter: XLA takes it for 0."""
    keep = [not any(0 < value < 1e-300 for value in case["parameters"].values()) for case in points.cases]
    cases = [case for case, kept in zip(points.cases, keep, strict=True) if kept]
    return Points(points.act, cases, points.q[keep], {name: value[keep] for name, value in points.parameters.items()})


RANGES = {"float64": (1e-290, 1e300), "float32": (1e-28, 1e36)}
"""Sizes from and to which results count here: XLA takes subnormal numbers for 0, also those that arise on the way."""


def worst_disagreement(library: Backend, points: Points, dtype: str) -> tuple[float, str]:
    """|moment - NumPy's| in units of epsilon times its size where it is largest, and what a failure says.

    NumPy computes in float64, from the same numbers.
    """
    expected = backend("numpy").results("gaussian_moments", points.act, points.q, **points.parameters)
    found = library.results("gaussian_moments", points.act, points.q, dtype, **points.parameters)
    low, high = RANGES[dtype]
    worst, told = 0.0, ""
    for moment in MOMENTS:
        size = points.size(moment)
        infinite = np.array([case[moment] == "+inf" for case in points.cases])
        np.testing.assert_array_equal(found[moment][infinite], np.inf)
        inside = (low <= size) & (size <= high)
        error = np.abs(found[moment][inside] - expected[moment][inside])
        relative = error / size[inside] / float(np.finfo(dtype).eps)
        assert not np.isnan(relative).any(), moment
        if relative.size and relative.max() > worst:
            worst, case = float(relative.max()), points.cases[np.flatnonzero(inside)[relative.argmax()]]
            told = f"{moment} of {points.act.label} at q = {case['q']}, {case['parameters']}: {worst:.3g} units"
    return worst, told


def as_bounded(result: dict[str, Array], moment: str) -> Array:
    """The size of the terms that NumPy's bound of a derivative tells: a bound is a number of epsilons times it."""
    if moment not in SIZES:
        return np.zeros(result[moment].shape)
    return result[f"{moment}_error"] / (ROUNDINGS * 2.0**-52)


POLYNOMIAL_FAMILIES = tuple(sorted(domain_data()["moments"]))
"""The families that all libraries serve."""


def exact_crelu(moment: str, q: Any, tau: Any, m: Any) -> Any:
    """Moments of crelu in mpmath's current precision, by closed forms: with a = tau/s, b = (tau + m)/s.

    E[phi^2] = q [(1 + a^2) (Q(a) - Q(b)) + a n(a) - b n(b) - 2 a (n(a) - n(b))] + m^2 Q(b).
    """
    a, b = tau / mpmath.sqrt(q), (tau + m) / mpmath.sqrt(q)
    tail_a, tail_b = (mpmath.erfc(u / mpmath.sqrt(2)) / 2 for u in (a, b))
    if moment == "sparsity":
        return 1 - tail_a
    if moment == "slope_moment":
        return tail_a - tail_b
    edge = a * mpmath.npdf(a) - b * mpmath.npdf(b) - 2 * a * (mpmath.npdf(a) - mpmath.npdf(b))
    return q * ((1 + a * a) * (tail_a - tail_b) + edge) + m * m * tail_b


def exact_derivative(moment: str, orders: tuple[int, int, int], point: tuple[float, float, float]) -> float:
    """The derivative of `exact_crelu` of these orders in q, tau and m, by central differences of 150-digit values."""
    with mpmath.workdps(150):
        return float(mpmath.diff(lambda *where: exact_crelu(moment, *where), tuple(map(mpmath.mpf, point)), orders))
