"""Variances and parameters of the reference moments: from ordinary to hard.

Thresholds reach 8 standard deviations; q runs from 0.05 to 20.
"""

import itertools
from typing import Any

Case = tuple[float, dict[str, Any]]

QS = (0.05, 0.37, 1.0, 2.9, 20.0)
FEW_QS = (0.05, 1.0, 20.0)
TAUS = (0.0, 0.01, 0.3, 1.0, 2.2, 4.0, 6.0, 8.0)
LEVELS = (1e-3, 0.05, 0.8, 3.0, 20.0)


def scaled(q: float, **ratios: float) -> Case:
    """A case whose parameters are given in units of sqrt(q)."""
    return q, {name: ratio * q**0.5 for name, ratio in ratios.items()}


def thresholds(name: str = "tau", ratios: tuple[float, ...] = TAUS) -> list[Case]:
    return [scaled(q, **{name: ratio}) for ratio in ratios for q in FEW_QS]


def grid(qs: tuple[float, ...] = QS, **values: tuple[float, ...]) -> list[Case]:
    """Every combination."""
    return [(q, dict(zip(values, row, strict=True))) for q in qs for row in itertools.product(*values.values())]


def scaled_grid(plain: dict[str, tuple[Any, ...]] | None = None, **ratios: tuple[float, ...]) -> list[Case]:
    """Every combination of parameters in units of sqrt(q) and of plain ones, with the variances in turn."""
    plain = plain or {}
    rows = itertools.product(itertools.product(*ratios.values()), itertools.product(*plain.values()))
    return [
        (q, scaled(q, **dict(zip(ratios, row, strict=True)))[1] | dict(zip(plain, rest, strict=True)))
        for q, (row, rest) in zip(itertools.cycle(QS), rows, strict=False)
    ]


def half_thresholds() -> list[Case]:
    """The threshold, (54^(1/3)/4) lambd^(2/3), is given in units of sqrt(q)."""
    return [(q, {"lambd": (4 * ratio * q**0.5 / 54 ** (1 / 3)) ** 1.5}) for ratio in TAUS[1:] for q in FEW_QS]


def cel0_cases() -> list[Case]:
    """The threshold a sqrt(2 lambd) is given in units of sqrt(q)."""
    rows = itertools.product((0.05, 0.5, 1.0, 3.0, 8.0), (0.2, 0.7, 0.95))
    return [
        (q, {"lambd": (ratio / a) ** 2 * q / 2, "a": a})
        for q, (ratio, a) in zip(itertools.cycle(QS), rows, strict=False)
    ]


def waves(name: str, values: tuple[float, ...]) -> list[Case]:
    """Without those whose derivative exp(-2 b^2 q) is too small a part of what it is computed from."""
    return [(q, parameters) for q, parameters in grid(**{name: values}) if parameters[name] ** 2 * q <= 20]


WITHOUT_PARAMETERS = (
    *("abs", "arctan", "bent_identity", "gcu", "gelu", "gelu_tanh", "hardsigmoid", "hardswish", "lisht"),
    *("logsigmoid", "mish", "selu", "sigmoid", "sigmoid_like", "sign", "silu", "softsign", "squared_relu", "tanh"),
    "tanhshrink",
)

CASES: dict[str, list[Case]] = {
    "linear": [(q, {}) for q in QS],
    "relu": [(q, {}) for q in QS],
    "relu6": [((6 / ratio) ** 2, {}) for ratio in (1e-3, 0.05, 0.8, 3.0, 8.0)],
    "leaky_relu": [(q, {"negative_slope": a}) for q in (0.05, 20.0) for a in (-1.0, -0.3, 0.0, 0.01, 0.5, 1.0)],
    "hardtanh": [
        scaled(q, min_val=-low, max_val=high) for q in (0.05, 20.0) for low in (0.0, 1e-3, 1.0, 8.0) for high in LEVELS
    ],
    "relu_tau": thresholds(),
    "soft_threshold": thresholds(),
    "hard_threshold": thresholds(),
    "crelu": scaled_grid(tau=TAUS, m=(*LEVELS, 1.0)),
    "cst": scaled_grid(tau=TAUS, m=(*LEVELS, 1.0)),
    **{name: grid() for name in WITHOUT_PARAMETERS},
    "abrelu": [(q, {"a": a, "b": b}) for q in FEW_QS for a, b in ((-1.0, 1.0), (0.3, 2.0), (0.0, 0.5), (-0.5, 1.5))],
    "asymmetric_dead_zone": scaled_grid(tau_minus=(0.0, 0.3, 2.2, 8.0), tau_plus=(0.0, 1.0, 4.0, 8.0)),
    "cel0": cel0_cases(),
    "celu": grid(FEW_QS, alpha=(0.3, 1.0, 2.0)),
    "cos": waves("b", (0.5, 1.0, 2.0)),
    "elu": grid(FEW_QS, alpha=(0.3, 1.0, 2.0)),
    "erf": grid(FEW_QS, b=(0.5, 1.0, 2.0, 10.0)),
    "exp": grid(b=(0.25, 0.5, 1.0)),
    "firm": scaled_grid(tau=(0.0, 0.3, 1.0, 4.0, 8.0), width=(0.05, 0.8, 3.0)),
    "garrote": thresholds(ratios=TAUS[1:]),
    "gaussian": grid(FEW_QS, b=(0.2, 1.0, 5.0)),
    "half_threshold": half_thresholds(),
    "hardshrink": thresholds("lambd"),
    "hermite": grid(FEW_QS, degree=(1, 2, 3, 5, 8)),
    "isru": grid(FEW_QS, alpha=(0.0, 0.1, 1.0, 3.0)),
    "jumprelu": thresholds("theta"),
    "monomial": grid(FEW_QS, degree=(1, 2, 3, 5, 8)),
    "rbf": grid(FEW_QS, gamma=(0.2, 1.0, 2.0)),
    "rectified_monomial": grid(FEW_QS, degree=(1, 2, 3, 5, 8)),
    "scad": scaled_grid({"a": (2.05, 3.7, 20.0)}, lambd=(0.05, 0.5, 1.0, 3.0, 8.0)),
    "sin": waves("b", (0.5, 1.0, 2.0)),
    "snake": waves("a", (0.5, 1.0, 3.0)),
    "softplus": grid(FEW_QS, beta=(0.5, 1.0, 5.0, 20.0)),
    "softshrink": thresholds("lambd"),
    "staircase": scaled_grid({"levels": (1, 3, 16)}, step=(0.05, 0.3, 1.0, 4.0, 16.0)),
    "swish": grid(FEW_QS, beta=(0.3, 1.0, 5.0, 20.0)),
    "threshold": scaled_grid(threshold=(-3.0, 0.0, 1.0, 4.0, 8.0), value=(-0.5, 0.0, 1.0)),
    "trapezoid": scaled_grid(tau=(0.0, 0.3, 2.2, 8.0), ramp=(0.05, 1.0, 3.0), flat=(0.0, 0.7)),
}
