"""The error map of the accuracy page: relative errors of E[phi^2] and d2E/dq2 of crelu over a plane of its parameters.

Coordinates are a = tau/sqrt(q) and c = m/sqrt(q), the reference is mpmath's.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy as sp
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from scipy.integrate import IntegrationWarning, quad
from scipy.special import erfc

import vmap_theory as vt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

VARIANCE = 0.7
"""q: no power of two, so that tau/sqrt(q) is rounded as it is in real work."""
DIGITS = 120  # a^-3 of the tail and c^2 of a narrow ramp cancel in the reference, 25 digits together
SMALLEST = float(np.finfo(np.float64).tiny)
LEVELS = range(-17, 1)


@dataclass(frozen=True)
class Points:
    """One value of each for every point of the plane."""

    tau: Array
    m: Array


@cache
def points() -> tuple[Array, Array, Points]:
    """The axes a and c, and the parameters on their grid, row by row of c."""
    a, c = np.linspace(0.0, 37.0, 75), np.geomspace(1e-8, 1e3, 67)
    root = math.sqrt(VARIANCE)
    return a, c, Points(*(ratio.ravel() * root for ratio in np.meshgrid(a, c)))


@dataclass(frozen=True)
class Exact:
    """Numbers of mpmath for one point; `size` is the sum of the absolute values of the two terms of d2E/dq2."""

    second: Any
    curvature: Any
    size: Any


@cache
def reference() -> list[Exact]:
    """E[phi^2] from truncated moments, and 4 q^2 d2E/dq2 = 2 a (n(a) - n(b)) - 2 c b^2 n(b), b = a + c."""
    _, _, plane = points()
    with mpmath.workdps(DIGITS):
        q = mpmath.mpf(VARIANCE)
        root = mpmath.sqrt(q)
        return [
            _exact(mpmath.mpf(tau) / root, mpmath.mpf(m) / root, q) for tau, m in zip(plane.tau, plane.m, strict=True)
        ]


def _exact(a: Any, c: Any, q: Any) -> Exact:
    b = a + c
    beyond, at_a, at_b = mpmath.ncdf(-b), mpmath.npdf(a), mpmath.npdf(b)
    mass = mpmath.ncdf(-a) - beyond
    ramp = (1 + a * a) * mass - a * at_a + (2 * a - b) * at_b
    linear, kink = 2 * a * (at_a - at_b), 2 * c * b * b * at_b
    return Exact(q * (ramp + c * c * beyond), (linear - kink) / (4 * q), (linear + kink) / (4 * q))


def textbook() -> Array:
    """The formula as papers print it, in erfc and exp: terms of the size of one, whatever their sum is."""
    plane, q = points()[2], VARIANCE
    tau, m, s = plane.tau, plane.m, math.sqrt(q)
    top = tau + m

    def tail(x: Array) -> Array:
        return erfc(x / (s * math.sqrt(2))) / 2

    def density(x: Array) -> Array:
        return np.exp(-x * x / (2 * q)) / math.sqrt(2 * math.pi)

    ramp = (q + tau**2) * (tail(tau) - tail(top)) - s * tau * density(tau) + s * (tau - m) * density(top)
    return ramp + m**2 * tail(top)


def gauss_hermite() -> Array:
    """A sum over 100 nodes."""
    plane = points()[2]
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    phi = np.clip(math.sqrt(VARIANCE) * nodes[:, None] - plane.tau, 0.0, plane.m)
    return weights / math.sqrt(2 * math.pi) @ phi**2


def quad_over_the_line() -> Array:
    """SciPy's adaptive quad from -oo to oo with its default tolerances."""
    plane, s = points()[2], math.sqrt(VARIANCE)

    def integral(tau: float, m: float) -> float:
        def integrand(z: float) -> float:
            phi = min(max(s * z - tau, 0.0), m)
            return phi * phi * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        return float(quad(integrand, -np.inf, np.inf)[0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        return np.array([integral(tau, m) for tau, m in zip(plane.tau.tolist(), plane.m.tolist(), strict=True)])


def closed_form(quantity: str) -> Array:
    """The closed form that `derive` returns, through SymPy's lambdify."""
    formulas = vt.derive(vt.family("crelu"))
    symbols = formulas.symbols
    form = {"second": formulas.second_moment, "curvature": formulas.d2V / symbols["sigma_w2"]}[quantity]
    plane = points()[2]
    function = sp.lambdify([symbols["q"], symbols["tau"], symbols["m"]], form, modules=["scipy"])
    with np.errstate(all="ignore"):
        return np.asarray(function(VARIANCE, plane.tau, plane.m))


@cache
def _moments() -> vt.GaussianMoments:
    plane = points()[2]
    return vt.gaussian_moments(vt.family("crelu"), VARIANCE, bounds=True, tau=plane.tau, m=plane.m)


def second_error(values: Callable[[], Array]) -> Array:
    """|value - exact| / exact of E[phi^2]; NaN where that is below the smallest normal number."""
    with mpmath.workdps(40):
        return np.array(
            [
                float(abs(mpmath.mpf(float(value)) - exact.second) / exact.second)
                if exact.second > SMALLEST
                else np.nan
                for value, exact in zip(values(), reference(), strict=True)
            ]
        )


def curvature_error(values: Callable[[], Array]) -> Array:
    """|value - exact| of d2E/dq2, as a part of the size of its terms, whose difference it is."""
    with mpmath.workdps(40):
        return np.array(
            [
                float(abs(mpmath.mpf(float(value)) - exact.curvature) / exact.size) if exact.size > SMALLEST else np.nan
                for value, exact in zip(values(), reference(), strict=True)
            ]
        )


def second_bound() -> Array:
    """The error bound of E[phi^2] that the package reports, relative to it."""
    sizes = np.array([float(exact.second) for exact in reference()])
    return np.where(sizes > SMALLEST, np.asarray(_moments().second_moment_error) / np.maximum(sizes, SMALLEST), np.nan)


def curvature_bound() -> Array:
    """The error bound of d2E/dq2 that the package reports, as a part of the size of its terms."""
    sizes = np.array([float(exact.size) for exact in reference()])
    return np.where(
        sizes > SMALLEST, np.asarray(_moments().d2_second_moment_error) / np.maximum(sizes, SMALLEST), np.nan
    )


SECOND = r"$E[\phi^2]$"
CURVATURE = r"$d^2E/dq^2$"
PANELS: dict[str, Callable[[], Array]] = {
    f"{SECOND}: gaussian_moments": lambda: second_error(lambda: np.asarray(_moments().second_moment)),
    f"{SECOND}: its error bound": second_bound,
    f"{SECOND}: textbook, erfc": lambda: second_error(textbook),
    f"{SECOND}: lambdify of closed form": lambda: second_error(lambda: closed_form("second")),
    f"{SECOND}: Gauss-Hermite, 100 nodes": lambda: second_error(gauss_hermite),
    f"{SECOND}: quad over the line": lambda: second_error(quad_over_the_line),
    f"{CURVATURE}: gaussian_moments": lambda: curvature_error(lambda: np.asarray(_moments().d2_second_moment)),
    f"{CURVATURE}: its error bound": curvature_bound,
    f"{CURVATURE}: lambdify of closed form": lambda: curvature_error(lambda: closed_form("curvature")),
}


def draw_accuracy_map() -> Figure:
    """Three rows of three panels with one scale of colours: a colour a power of ten."""
    from matplotlib import colormaps

    figure = Figure(figsize=(9.0, 8.6), layout="constrained")
    rows = figure.subplots(3, 3, sharex=True, sharey=True)
    a, c, _ = points()
    colours = ListedColormap(colormaps["viridis"](np.linspace(0.0, 1.0, len(LEVELS) - 1)))
    colours.set_over("#b2182b")
    colours.set_bad("0.8")
    norm = BoundaryNorm(LEVELS, colours.N)
    for axes, (title, errors) in zip(rows.flat, PANELS.items(), strict=True):
        digits = np.log10(np.maximum(errors(), 10.0 ** LEVELS[0] * 1.001)).reshape(c.size, a.size)
        mesh = axes.pcolormesh(a, c, np.ma.masked_invalid(digits), cmap=colours, norm=norm, shading="nearest")
        axes.set_yscale("log")
        axes.set_title(title, fontsize=10)
    for axes in rows[-1]:
        axes.set_xlabel(r"threshold $\tau/\sqrt{q}$")
    for axes in rows[:, 0]:
        axes.set_ylabel(r"level $m/\sqrt{q}$")
    bar = figure.colorbar(mesh, ax=rows, location="bottom", extend="max", aspect=50, shrink=0.9, pad=0.02)
    bar.set_ticks(list(LEVELS)[1::2])
    bar.set_label(
        r"$\log_{10}$ of the relative error (red: no digit is right; grey: below the smallest normal float64)"
    )
    return figure
