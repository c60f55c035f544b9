"""Activations typed again in NumPy and SciPy, from the literature and not from the catalogue.

Each takes an array and the parameters as floats, and is written so that float64 keeps its digits where it can:
expm1, log1p, logistic and complementary error functions instead of the formulas of the textbook.
"""

from typing import Any

import numpy as np
from scipy import special

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _log_one_plus_exp(x: Any) -> Any:
    return np.logaddexp(0.0, x)


def _mish(x: Any) -> Any:
    # tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2), and 1 to rounding for e above exp(40)
    e = np.exp(np.minimum(x, 40.0))
    return x * (e * (e + 2) / (e * (e + 2) + 2))


def _tanhshrink(x: Any) -> Any:
    # Series of x - tanh(x) where the two are close; its next term is below rounding for |x| < 1/50.
    small = np.where(np.abs(x) < 0.02, x, 0.0)
    s = small**2
    series = small * s * (1 / 3 - s * (2 / 15 - s * (17 / 315 - s * (62 / 2835 - s * 1382 / 155925))))
    return np.where(np.abs(x) < 0.02, series, x - np.tanh(x))


def _gelu_tanh(x: Any) -> Any:
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return x * special.expit(2 * inner)  # (1 + tanh(u)) / 2 = logistic(2 u)


def _bent_identity(x: Any) -> Any:
    return x**2 / (np.sqrt(x**2 + 1) + 1) / 2 + x


DEFINITIONS: dict[str, Any] = {
    "abrelu": lambda x, a, b: np.where(x < 0, a * x, b * x),
    "abs": lambda x: np.fabs(x),
    "arctan": lambda x: np.arctan(x),
    "bent_identity": _bent_identity,
    "celu": lambda x, alpha: np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(np.minimum(x, 0) / alpha)),
    "cos": lambda x, b: np.cos(b * x),
    "crelu": lambda x, tau, m: np.clip(x - tau, 0, m),
    "cst": lambda x, tau, m: np.sign(x) * np.clip(np.abs(x) - tau, 0, m),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "erf": lambda x, b: special.erf(b * x),
    "exp": lambda x, b: np.exp(b * x),
    "gaussian": lambda x, b: np.exp(-b * x * x),
    "gcu": lambda x: x * np.cos(x),
    "gelu": lambda x: x * special.ndtr(x),
    "gelu_tanh": _gelu_tanh,
    "hard_threshold": lambda x, tau: np.where(np.abs(x) > tau, x, 0.0),
    "hardshrink": lambda x, lambd: np.where((x > lambd) | (x < -lambd), x, 0.0),
    "hardsigmoid": lambda x: np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, x / 6 + 0.5)),
    "hardswish": lambda x: np.where(x <= -3, 0.0, np.where(x >= 3, x, x * (x + 3) / 6)),
    "hardtanh": lambda x, min_val, max_val: np.clip(x, min_val, max_val),
    "hermite": lambda x, degree: special.eval_hermitenorm(degree, x) / np.sqrt(special.factorial(degree)),
    "isru": lambda x, alpha: x / np.sqrt(1 + alpha * x**2),
    "leaky_relu": lambda x, negative_slope: np.where(x < 0, negative_slope * x, x),
    "linear": lambda x: x,
    "lisht": lambda x: x * np.tanh(x),
    "logsigmoid": lambda x: -_log_one_plus_exp(-x),
    "mish": _mish,
    "monomial": lambda x, degree: np.power(x, degree),
    "rbf": lambda x, gamma: np.sin(np.sqrt(2 * gamma) * x) + np.cos(np.sqrt(2 * gamma) * x),
    "rectified_monomial": lambda x, degree: np.maximum(x, 0) ** degree,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "relu_tau": lambda x, tau: np.maximum(x - tau, 0),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x: special.expit(x),
    "sigmoid_like": lambda x: special.erfc(-x / 2.4020563531719796) / 2,
    "sign": lambda x: np.sign(x),
    "silu": lambda x: x * special.expit(x),
    "sin": lambda x, b: np.sin(b * x),
    "snake": lambda x, a: x + np.square(np.sin(a * x)) / a,
    "soft_threshold": lambda x, tau: np.sign(x) * np.maximum(np.abs(x) - tau, 0),
    "softplus": lambda x, beta: _log_one_plus_exp(beta * x) / beta,
    "softshrink": lambda x, lambd: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0.0)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "squared_relu": lambda x: np.maximum(x, 0) ** 2,
    "swish": lambda x, beta: x * special.expit(beta * x),
    "tanh": lambda x: np.tanh(x),
    "tanhshrink": _tanhshrink,
    "threshold": lambda x, threshold, value: np.where(x > threshold, x, value),
}
"""Family -> definition."""
