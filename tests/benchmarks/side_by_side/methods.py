"""The methods that run here: ours, the textbook forms, and general quadrature."""

from __future__ import annotations

import math
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from scipy.integrate import IntegrationWarning, quad
from scipy.special import erf, erfc

import vmap_theory as vt

from .closed_forms import Arithmetic, closed_form
from .points import FAMILIES, SEED
from .references import QUANTITIES
from .workers.protocol import MILLION, Evaluate, Request, measure

NODES = 100
SAMPLES = 1_000_000
BLOCK = 5_000
"""Points that Gauss-Hermite takes at once: its arrays have 100 values a point."""

Arrays = dict[str, Any]


class Method(NamedTuple):
    """A way to compute moments."""

    text: str
    evaluate: Evaluate
    together: bool = False


def parameters(family: str, tau: Any, m: Any) -> dict[str, Any]:
    """The columns that a family of the package takes as its parameters."""
    columns = {"tau": tau, "m": m}
    return {parameter.name: columns[parameter.name] for parameter in vt.family(family).parameters}


def by_package(bounds: bool) -> Evaluate:
    """`gaussian_moments`."""

    def evaluate(family: str, quantities: Sequence[str], q: Any, tau: Any, m: Any) -> Arrays:
        moments = vt.gaussian_moments(vt.family(family), q, bounds=bounds, **parameters(family, tau, m))
        return {name: getattr(moments, name) for name in quantities}

    return evaluate


def by_closed_form(upper: Callable[[Any], Any]) -> Evaluate:
    """The textbook form with an upper tail of the normal distribution in float64."""
    numbers = Arithmetic(np.sqrt, upper, lambda z: np.exp(-z * z / 2) / math.sqrt(2 * math.pi))

    def evaluate(family: str, quantities: Sequence[str], q: Any, tau: Any, m: Any) -> Arrays:
        return {name: closed_form(family, name, q, tau, m, numbers) for name in quantities}

    return evaluate


def upper_erfc(z: Any) -> Any:
    """Upper tail through erfc."""
    return erfc(z / math.sqrt(2)) / 2


def upper_erf(z: Any) -> Any:
    """Upper tail through 1 - erf."""
    return (1 - erf(z / math.sqrt(2))) / 2


def by_lambdify(family: str, quantities: Sequence[str], q: Any, tau: Any, m: Any) -> Arrays:
    """The closed forms that `derive` returns, through SymPy's lambdify."""
    forms = lambdified(family)
    return {name: np.broadcast_to(forms[name](q, tau, m), np.shape(q)) for name in quantities}


@cache
def lambdified(family: str) -> dict[str, Callable[..., Any]]:
    """Functions of q, tau, m."""
    formulas = vt.derive(vt.family(family))
    expressions = {
        "second_moment": formulas.second_moment,
        "d_second_moment": formulas.dV / formulas.symbols["sigma_w2"],
        "slope_moment": formulas.slope_moment,
    }
    arguments = [formulas.symbols.get(name, sp.Symbol(name)) for name in ("q", "tau", "m")]
    return {name: sp.lambdify(arguments, form, modules=["scipy"]) for name, form in expressions.items()}


class Functions(NamedTuple):
    """Minimum and maximum, of arrays or of Python floats, which are faster one by one."""

    minimum: Callable[[Any, Any], Any]
    maximum: Callable[[Any, Any], Any]


def integrand(family: str, quantity: str, root: Any, tau: Any, m: Any, z: Any, functions: Functions) -> Any:
    """phi^2, phi phi' z / sqrt(q) or phi'^2 at x = sqrt(q) z; their Gaussian means are the quantities.

    For the odd cst the first and last are even, and so is phi phi' z: all follow from abs(z).
    """
    side = abs(z) if family == "cst" else z
    above = root * side - (0.0 if family == "relu" else tau)
    level = m if family in ("crelu", "cst") else math.inf
    if quantity == "slope_moment":
        return 1.0 * ((above > 0) & (above < level))
    phi = functions.minimum(functions.maximum(above, 0.0), level)
    if quantity == "second_moment":
        return phi * phi
    return phi * ((above > 0) & (above < level)) * side / root


def by_gauss_hermite(family: str, quantities: Sequence[str], q: Any, tau: Any, m: Any) -> Arrays:
    """A Gauss-Hermite sum, a block of points at a time."""
    nodes, weights = gauss_hermite()
    found = {name: np.empty(len(q)) for name in quantities}
    for start in range(0, len(q), BLOCK):
        part = slice(start, start + BLOCK)
        columns = [column[part, None] for column in (np.sqrt(q), tau, m)]
        for name in quantities:
            found[name][part] = integrand(family, name, *columns, nodes, Functions(np.minimum, np.maximum)) @ weights
    return found


@cache
def gauss_hermite() -> tuple[np.ndarray, np.ndarray]:
    """Nodes, and weights that sum to one."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, weights / math.sqrt(2 * math.pi)


def by_quad(family: str, quantities: Sequence[str], q: Any, tau: Any, m: Any) -> Arrays:
    """SciPy's adaptive quad over the whole line, with its default tolerances."""
    functions, scale = Functions(min, max), 1 / math.sqrt(2 * math.pi)

    def mean(name: str, point: tuple[float, float, float]) -> float:
        def weighted(z: float) -> float:
            return float(integrand(family, name, *point, z, functions) * math.exp(-z * z / 2) * scale)

        return float(quad(weighted, -math.inf, math.inf)[0])

    points = list(zip(np.sqrt(q).tolist(), tau.tolist(), m.tolist(), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        return {name: np.array([mean(name, point) for point in points]) for name in quantities}


def by_monte_carlo(family: str, quantities: Sequence[str], q: Any, tau: Any, m: Any) -> Arrays:
    """A mean over normal samples, new ones for each point."""
    rng, functions = np.random.default_rng(SEED), Functions(np.minimum, np.maximum)
    found = {name: np.empty(len(q)) for name in quantities}
    for index, point in enumerate(zip(np.sqrt(q), tau, m, strict=True)):
        z = rng.standard_normal(SAMPLES)
        for name in quantities:
            found[name][index] = np.mean(integrand(family, name, *point, z, functions))
    return found


METHODS = {
    "gaussian_moments": Method("this package; five moments at once, no bounds", by_package(bounds=False), True),
    "gaussian_moments, bounds": Method(
        "this package; five moments and a bound of each error", by_package(bounds=True), True
    ),
    "closed form, erfc": Method("the textbook form, NumPy and scipy.special.erfc", by_closed_form(upper_erfc)),
    "closed form, erf": Method("the same with erfc = 1 - erf", by_closed_form(upper_erf)),
    "SymPy lambdify": Method("the formula that `derive` returns, lambdify with modules=['scipy']", by_lambdify),
    f"Gauss-Hermite, {NODES} nodes": Method("NumPy", by_gauss_hermite),
    "scipy.integrate.quad": Method("over the whole line, default tolerances", by_quad),
    f"Monte Carlo, {SAMPLES:.0e} samples": Method("NumPy's default_rng, new samples for each point", by_monte_carlo),
}


def measured(request: Request, told: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Measure one method after the other; peak memory where a million points were evaluated at once.

    `told` hears, in words, what goes on.
    """
    for name, method in METHODS.items():
        told(name)
        found = measure(name, method.text, list(QUANTITIES), method.evaluate, request, method.together)
        if found["times"]["second_moment"]["timed_points"] == MILLION:
            found["peak_arrays"] = peak_arrays(method.evaluate, request)
        yield found


def peak_arrays(evaluate: Evaluate, request: Request) -> float:
    """Peak memory of a call for E[phi^2], in arrays of the size of q, what it returns included."""
    tracemalloc.start()
    try:
        evaluate(FAMILIES[0], ["second_moment"], *request.timing)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return peak / request.timing[0].nbytes
