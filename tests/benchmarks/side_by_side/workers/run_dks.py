"""Worker for dks (https://github.com/google-deepmind/dks): fixed Gauss-Legendre quadrature over [-10, 10].

dks evaluates its maps at q = 1 through functions of `dks.base.activation_transform` that are not public: with
f(x) = phi(sqrt(q) x) they give E[f^2] = E[phi^2], the slope of the Q map at 1, which is q dE/dq, and E[f'^2] =
q E[phi'^2].  Activations are functions in autograd's NumPy, in float64; its own order, 100000 nodes, is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
from dks.base import activation_transform
from protocol import measure, read_request, write_result

TEXT = "dks.base.activation_transform, float64, Gauss-Legendre with its 100000 nodes on [-10, 10], autograd"


def activation(family: str, q: float, tau: float, m: float) -> Callable[[Any], Any]:
    """phi(sqrt(q) x)."""
    root = np.sqrt(q)
    return {
        "crelu": lambda x: np.clip(root * x - tau, 0.0, m),
        "cst": lambda x: np.sign(x) * np.clip(np.abs(root * x) - tau, 0.0, m),
        "relu_tau": lambda x: np.maximum(root * x - tau, 0.0),
        "relu": lambda x: np.maximum(root * x, 0.0),
    }[family]


def one(quantity: str, f: Callable[[Any], Any], q: float) -> float:
    """One quantity at one point."""
    if quantity == "second_moment":
        return float(activation_transform._estimate_gaussian_mean(lambda x: f(x) ** 2))
    if quantity == "d_second_moment":
        return float(activation_transform._calc_q_slope_1(f) / q)
    return float(activation_transform._calc_c_slope(f, c=1.0, q_output=1.0) / q)


def evaluate(family: str, quantities: Sequence[str], q: Any, tau: Any, m: Any) -> dict[str, Any]:
    """Point by point: dks takes no arrays."""
    functions = [activation(family, *point) for point in zip(q, tau, m, strict=True)]
    return {
        name: np.array([one(name, f, variance) for f, variance in zip(functions, q, strict=True)])
        for name in quantities
    }


def main() -> None:
    """Run."""
    request = read_request(sys.argv[1])
    quantities = ("second_moment", "d_second_moment", "slope_moment")
    found = measure("dks", TEXT, quantities, evaluate, request)
    write_result(sys.argv[2], ("dks", "autograd", "numpy", "scipy"), [found])


if __name__ == "__main__":
    main()
