"""What the accuracy page shows: relative errors of five ways to compute Gaussian moments, measured when it is built."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import mpmath
import numpy as np
import sympy as sp
from scipy.integrate import IntegrationWarning, quad

import vmap_theory as vt
from vmap_theory.reference import reference_moments

FAMILY = "crelu"
LEVEL = 1.0
RATIOS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0)
"""tau / sqrt(q), at q = 1: all of it is invariant under a joint scaling."""
DIGITS = 50
QUANTITIES = {"second_moment": "E[phi^2]", "d_second_moment": "dE[phi^2]/dq", "slope_moment": "E[phi'^2]"}

Values = dict[str, float]


def by_package(tau: float) -> Values:
    """`gaussian_moments`."""
    moments = vt.gaussian_moments(vt.activation(FAMILY, tau=tau, m=LEVEL), 1.0)
    return {name: float(getattr(moments, name)) for name in QUANTITIES}


def by_erfc(tau: float) -> Values:
    """The closed forms as derived, in erfc and exp, evaluated in float64."""
    return {name: float(function(1.0, tau, LEVEL)) for name, function in _closed_forms("erfc").items()}


def by_erf(tau: float) -> Values:
    """The same closed forms with erfc written as 1 - erf."""
    return {name: float(function(1.0, tau, LEVEL)) for name, function in _closed_forms("erf").items()}


def by_gauss_hermite(tau: float) -> Values:
    """Gauss-Hermite with 100 nodes; the derivative is that of the sum."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    weights = weights / np.sqrt(2 * np.pi)
    return {name: float(weights @ integrand(nodes)) for name, integrand in _integrands(tau).items()}


def by_quad(tau: float) -> Values:
    """SciPy's adaptive quad over the whole line with its default tolerances."""

    def weighted(integrand: Callable[[float], float]) -> Callable[[float], float]:
        return lambda z: float(integrand(np.float64(z)) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        return {name: quad(weighted(f), -np.inf, np.inf)[0] for name, f in _integrands(tau).items()}


METHODS: dict[str, Callable[[float], Values]] = {
    "gaussian_moments": by_package,
    "closed form, erfc": by_erfc,
    "closed form, erf": by_erf,
    "Gauss-Hermite, 100 nodes": by_gauss_hermite,
    "scipy.integrate.quad": by_quad,
}


@cache
def exact(tau: float) -> dict[str, object]:
    """The reference to `DIGITS` digits, by `vmap_theory.reference`."""
    found = reference_moments(vt.activation(FAMILY, tau=tau, m=LEVEL), sp.Integer(1), DIGITS)
    return {name: found[name].value for name in QUANTITIES}


def relative_errors(method: str, tau: float) -> Values:
    """Relative error of each quantity."""
    values, true = METHODS[method](tau), exact(tau)
    return {name: float(abs(mpmath.mpf(values[name]) - true[name]) / abs(true[name])) for name in QUANTITIES}


@cache
def _closed_forms(function: str) -> dict[str, Callable[..., float]]:
    formulas = vt.derive(vt.family(FAMILY))
    weight = formulas.symbols["sigma_w2"]
    expressions = {
        "second_moment": formulas.second_moment,
        "d_second_moment": formulas.dV / weight,
        "slope_moment": formulas.slope_moment,
    }
    arguments = [formulas.symbols[name] for name in ("q", "tau", "m")]
    if function == "erf":
        expressions = {name: form.replace(sp.erfc, lambda z: 1 - sp.erf(z)) for name, form in expressions.items()}
    return {name: sp.lambdify(arguments, form, modules=["scipy"]) for name, form in expressions.items()}


def _integrands(tau: float) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """phi^2, its q-derivative phi phi' z (at q = 1) and phi'^2 as functions of z."""

    def phi(z: np.ndarray) -> np.ndarray:
        return np.clip(z - tau, 0.0, LEVEL)

    def slope(z: np.ndarray) -> np.ndarray:
        return ((z > tau) & (z < tau + LEVEL)).astype(float)

    return {
        "second_moment": lambda z: phi(z) ** 2,
        "d_second_moment": lambda z: phi(z) * slope(z) * z,
        "slope_moment": lambda z: slope(z) ** 2,
    }
