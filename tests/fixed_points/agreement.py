"""What every result has to satisfy beside the judge, and maps for both from one set of pieces."""

from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp

import vmap_theory as vt
from tests.fixed_points.judge import ExactMap, Pieces, exact

X = sp.Symbol("x")


def activation_of(pieces: Pieces) -> vt.Activation:
    """The package's activation of the judge's pieces."""
    return vt.Activation.from_pieces(
        [(low, high, sum((c * X**k for k, c in enumerate(phi)), sp.Integer(0))) for low, high, phi in pieces]
    )


def both(pieces: Pieces, sigma_w2: float, sigma_b2: float, dps: int = 60) -> tuple[vt.VarianceMap, ExactMap]:
    """One map for the package and for the judge."""
    vm = vt.VarianceMap(activation_of(pieces), sigma_w2=sigma_w2, sigma_b2=sigma_b2)
    return vm, ExactMap(pieces, sigma_w2, sigma_b2, dps)


def assert_agreement(
    points: Any, roots: list[tuple[Any, int]], judge: ExactMap, *, tight: float = 2e-13, slopes: float = 1e-12
) -> None:
    """As many points as roots; each enclosure holds its root, is tight and disjoint; stability follows the signs."""
    assert len(points) == len(roots), ([p.q for p in points], [mpmath.nstr(q, 20) for q, _ in roots])
    with mpmath.workdps(judge.dps):
        for point, (root, sign_below) in zip(points, roots, strict=True):
            noise = root * mpmath.mpf(10) ** (-judge.dps // 2)  # of the judge's own root
            assert exact(point.lower) - noise <= root <= exact(point.upper) + noise, point
            assert point.lower <= point.q <= point.upper
            assert point.upper - point.lower <= tight * point.q, point
            assert point.error_bound >= abs(root - exact(point.q)) - noise
            slope = judge.slope(root)
            assert abs(exact(point.slope) - slope) <= slopes * (1 + abs(slope))
            expected = "semi-stable" if sign_below == 0 else "stable" if sign_below > 0 and slope > -1 else "unstable"
            assert point.stability == expected, (point, slope)
            assert (point.basin is None) == (point.stability == "unstable")
            sides = {"stable": ("both",), "unstable": ("neither",), "semi-stable": ("below", "above")}
            assert point.attracts_from in sides[point.stability]
        for left, right in pairwise(points):
            assert left.upper <= right.lower
            assert left.q < right.q
