"""Variances and parameters over the whole domain of the polynomial kernel, end points included.

Break points lie at 0 to 37 standard deviations, pieces are 1e-8 standard deviations to infinity wide, q runs from
1e-250 to 1e250.  Ratios are turned into parameters by one rounding; the parameters in the file are the exact numbers.
"""

import itertools
import math
import random
from typing import Any

Case = tuple[float, dict[str, Any]]

INF = math.inf
QS = (1.0, 1e-250, 20.0, 1e250, 0.37, 1e-100, 2.9, 1e100, 1e-5)
STARTS = (0.0, 1e-8, 1e-3, 0.3, 1.0, 2.2, 4.0, 8.0, 15.0, 26.0, 36.0, 37.0)
WIDTHS = (1e-8, 1e-5, 1e-2, 0.3, 1.0, 3.0, 10.0, 1e3, INF)
FEW_STARTS = (0.0, 1e-8, 0.3, 2.2, 8.0, 26.0, 37.0)
FEW_WIDTHS = (1e-8, 1e-3, 0.3, 2.0, 12.0, 1e3)
SMALLEST = 5e-324
DEGREES = (1, 2, 3, 5, 8)


def scaled(q: float, **ratios: float) -> Case:
    """A case whose parameters are given in units of sqrt(q)."""
    return q, {name: ratio * math.sqrt(q) for name, ratio in ratios.items()}


def in_turn(rows: list[dict[str, float]], plain: dict[str, tuple[float, ...]] | None = None) -> list[Case]:
    """Each row of ratios at the next of the variances, and with the next of the plain values."""
    cases = []
    for index, (q, row) in enumerate(zip(itertools.cycle(QS), rows, strict=False)):
        rest = {name: values[index % len(values)] for name, values in (plain or {}).items()}
        cases.append((q, scaled(q, **row)[1] | rest))
    return cases


def product(**ratios: tuple[float, ...]) -> list[dict[str, float]]:
    return [dict(zip(ratios, row, strict=True)) for row in itertools.product(*ratios.values())]


def thresholds(name: str = "tau", starts: tuple[float, ...] = STARTS) -> list[Case]:
    """Every start at four of the variances; a subnormal threshold beside a small, an ordinary and a large variance."""
    cases = [scaled(QS[(i + step) % 9], **{name: a}) for i, a in enumerate(starts) for step in (0, 2, 5, 7)]
    return [*cases, *((q, {name: SMALLEST}) for q in (1e-250, 1.0, 1e250))]


def ramps() -> list[Case]:
    """Cases of crelu and cst: a grid with its end points, lines on which a kernel may change its method, and more.

    With a = tau/sqrt(q) and c = m/sqrt(q), exp(-c (a + c/2)) is the ratio of the density at the two ends of the ramp:
    where the exponent is about one, series in c end and differences of tails begin.
    """
    rows = product(tau=STARTS, m=WIDTHS)
    for a in (0.0, 0.7, 3.0, 10.0, 20.0, 37.0):
        for exponent in (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.5, 4.5, 5.0, 8.5):
            rows.append({"tau": a, "m": 2 * exponent / (a + math.sqrt(a * a + 2 * exponent))})
    draw = random.Random(20240607)  # noqa: S311
    rows += [{"tau": draw.uniform(0, 37), "m": 10 ** draw.uniform(-8, 3)} for _ in range(24)]
    rows += [{"tau": 10 ** draw.uniform(-8, 0), "m": 10 ** draw.uniform(-8, 3)} for _ in range(8)]
    ends = [(q, {"tau": tau, "m": m}) for q, m in ((1e-250, 1e-133), (1e250, 1e117)) for tau in (0.0, SMALLEST)]
    wide = [(q, {"tau": SMALLEST, "m": 1e3 * math.sqrt(q)}) for q in (1e-250, 1e250)]
    return [*in_turn(rows), *ends, *wide]


def cel0_cases() -> list[Case]:
    """The threshold a sqrt(2 lambd) is given in units of sqrt(q)."""
    rows = itertools.product((1e-8, 0.05, 1.0, 3.0, 8.0, 26.0, 37.0), (0.2, 0.7, 0.999))
    return [
        (q, {"lambd": (ratio / a) ** 2 * q / 2, "a": a})
        for q, (ratio, a) in zip(itertools.cycle(QS), rows, strict=False)
    ]


def powers() -> list[Case]:
    """Degrees with variances at which the moments stay within the range of float64."""
    return [
        (q, {"degree": k}) for k in DEGREES for q in (10.0 ** -(240 // k), 1e-5, 0.37, 1.0, 20.0, 10.0 ** (240 // k))
    ]


def fixed(at: float, qs: tuple[float, ...] = ()) -> list[Case]:
    """Variances that put a break point of no parameter at these numbers of standard deviations."""
    ratios = (1e-8, 1e-3, 0.05, 0.3, 0.8, 1.0, 2.2, 4.0, 8.0, 15.0, 26.0, 36.0, 37.0)
    return [*(((at / ratio) ** 2, {}) for ratio in ratios), *((q, {}) for q in (qs or (1e-250, 1e-5, 1e100, 1e250)))]


PLAIN = [*((q, {}) for q in QS), (1e-30, {}), (7.7, {}), (1e30, {})]

CASES: dict[str, list[Case]] = {
    "relu_tau": thresholds(),
    "crelu": ramps(),
    "soft_threshold": thresholds(),
    "cst": ramps(),
    "abrelu": in_turn([{}] * 18, {"a": (-1.0, 0.3, 0.0, -0.5, 1e-8), "b": (1.0, 2.0, 1e-3, 1.5)}),
    "abs": PLAIN,
    "asymmetric_dead_zone": in_turn(product(tau_minus=FEW_STARTS, tau_plus=(0.0, 1e-3, 1.0, 4.0, 15.0, 37.0))),
    "cel0": cel0_cases(),
    "firm": in_turn(product(tau=FEW_STARTS, width=FEW_WIDTHS)),
    "hard_threshold": thresholds(),
    "hardshrink": thresholds("lambd", FEW_STARTS),
    "hardsigmoid": fixed(3.0),
    "hardswish": fixed(3.0),
    "hardtanh": in_turn(product(min_val=(-0.0, -1e-8, -0.3, -2.2, -26.0, -37.0), max_val=(1e-8, 1e-3, 1.0, 8.0, 37.0))),
    "hermite": [(q, {"degree": k}) for k in DEGREES for q in (1e-12, 0.05, 1.0, 20.0, 1e12)],
    "jumprelu": thresholds("theta", FEW_STARTS),
    "leaky_relu": in_turn([{}] * 18, {"negative_slope": (-1.0, -0.3, 0.0, 1e-8, 0.01, 0.5, 1.0)}),
    "linear": PLAIN,
    "monomial": powers(),
    "rectified_monomial": powers(),
    "relu": PLAIN,
    "relu6": fixed(6.0),
    "scad": in_turn(product(lambd=(1e-8, 0.05, 0.5, 1.0, 4.0, 8.0, 18.0, 37.0)) * 3, {"a": (2.05, 3.7, 20.0, 2.0001)}),
    "sign": PLAIN,
    "softshrink": thresholds("lambd", FEW_STARTS),
    "squared_relu": [(q, {}) for q in (1e-120, 1e-30, 1e-5, 0.05, 0.37, 1.0, 2.9, 7.7, 20.0, 1e5, 1e30, 1e120)],
    "staircase": in_turn(product(step=(1e-8, 1e-3, 0.05, 0.3, 1.0, 4.0, 16.0, 74.0)) * 3, {"levels": (1, 3, 16, 7, 2)}),
    "threshold": in_turn(product(threshold=(-37.0, -3.0, -1e-8, 0.0, 1e-3, 1.0, 8.0, 37.0), value=(-0.5, 0.0, 1.0))),
    "trapezoid": in_turn(product(tau=(0.0, 0.3, 2.2, 8.0, 26.0), ramp=(1e-8, 0.05, 1.0, 3.0, 1e3), flat=(0.0, 0.7))),
}

FAR_STARTS = (30.0, 37.0, 38.5, 50.0, 100.0, 1e3, 1e4, 1e5, 1e6)
FAR_THRESHOLDS = in_turn(product(tau=FAR_STARTS))
FAR_RAMPS = in_turn(product(tau=FAR_STARTS, m=(1e-8, 1e-3, 1.0, INF)))

FAR_CASES: dict[str, list[Case]] = {
    "relu_tau": FAR_THRESHOLDS,
    "soft_threshold": FAR_THRESHOLDS,
    "hard_threshold": FAR_THRESHOLDS,
    "crelu": FAR_RAMPS,
    "cst": FAR_RAMPS,
}
"""Cases whose logarithms are kept: thresholds to 1e6 standard deviations, where the moments themselves underflow."""
