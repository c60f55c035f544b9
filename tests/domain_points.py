"""Points of the domain of the polynomial kernel for hypothesis, and moments there by the package and by mpmath."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import vmap_theory as vt
from tests.data.make_domain_moments import computed as high_precision
from tests.reference_data import MOMENTS

Array = NDArray[np.float64]

ULP = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)
RELATIVE = 1e-14  # measured: 3e-15
POWERS = {"second_moment": 1, "d_second_moment": 0, "d2_second_moment": -1, "slope_moment": 0, "sparsity": 0}
"""Moments of phi_{c tau, c m} at c^2 q are those of phi_{tau, m} at q times this power of c^2."""
SIZES = {"d_second_moment": "d_size", "d2_second_moment": "d2_size"}
LENGTHS = {
    "relu_tau": ("tau",),
    "crelu": ("tau", "m"),
    "soft_threshold": ("tau",),
    "cst": ("tau", "m"),
    "hard_threshold": ("tau",),
    "firm": ("tau", "width"),
    "asymmetric_dead_zone": ("tau_minus", "tau_plus"),
    "trapezoid": ("tau", "ramp", "flat"),
}
"""Families all of whose parameters scale with x."""
CLIPPED = ("crelu", "cst")
UNCLIPPED = {"crelu": "relu_tau", "cst": "soft_threshold"}
THRESHOLDED = ("relu_tau", "crelu", "soft_threshold", "cst")


def moments(family: str, q: Any, **parameters: Any) -> dict[str, Array]:
    """All moments and their bounds."""
    result = vt.gaussian_moments(vt.family(family), q, bounds=True, **parameters)
    return {name + kind: np.asarray(getattr(result, name + kind)) for name in MOMENTS for kind in ("", "_error")}


def exact_moments(family: str, q: float, parameters: dict[str, float]) -> dict[str, Any]:
    """Moments by mpmath with the sizes of their terms; a tiny threshold is all of V'', hence more digits for it."""
    ratio = parameters.get("tau", 0.0) / q**0.5
    return high_precision(family, q, parameters, 400 if 0 < ratio < 1e-20 else 130)


def sizes(family: str, q: float, **parameters: float) -> dict[str, float]:
    """What the errors of each moment are relative to."""
    exact = exact_moments(family, q, parameters)
    return {name: abs(float(exact[SIZES.get(name, name)])) for name in MOMENTS}


def starts() -> st.SearchStrategy[float]:
    """tau/sqrt(q), end points and powers of ten included."""
    return st.one_of(st.sampled_from([0.0, 37.0]), st.floats(0, 37), st.floats(-12, 1.5).map(lambda x: 10.0**x))


def widths() -> st.SearchStrategy[float]:
    """m/sqrt(q)."""
    return st.one_of(st.sampled_from([1e-8, float("inf")]), st.floats(-8, 4).map(lambda x: 10.0**x))


def variances() -> st.SearchStrategy[float]:
    return st.one_of(st.sampled_from([1e-250, 1.0, 1e250]), st.floats(-250, 250).map(lambda x: 10.0**x))


def parameters_of(family: str, q: float, a: float, c: float) -> dict[str, float]:
    """tau and m, given in units of sqrt(q)."""
    return {"tau": a * q**0.5} | ({"m": c * q**0.5} if family in CLIPPED else {})
