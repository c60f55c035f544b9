"""Clipping levels for a wanted slope: published values, an independent root, symmetries, refusals."""

from typing import Any

import mpmath
import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, InfeasibleError, UnknownNameError


def test_published_values() -> None:
    clip = vt.clipping_level("crelu", sparsity=0.85, q_star=1.0, criterion="slope", target=0.5)
    assert clip.tau == pytest.approx(1.0364, abs=5e-5)
    assert clip.m == pytest.approx(0.8095, abs=5e-5)
    assert clip.sigma_w2 == pytest.approx(8.5069, abs=5e-5)
    assert clip.sigma_b2 == pytest.approx(0.6605, abs=5e-5)
    assert clip.criterion == "slope"
    assert vt.clipping_level("crelu", sparsity=0.85, target=0.9).m == pytest.approx(1.7395, abs=5e-5)


def root_by_mpmath(sparsity: float, target: float, start: float) -> mpmath.mpf:
    """m where V' = [Q(a) - Q(b) - c pdf(b)] / [Q(a) - Q(b)] is the target, at 40 digits, q* = 1."""
    with mpmath.workdps(50):
        a = mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(sparsity) - 1)

        def excess(m: mpmath.mpf) -> mpmath.mpf:
            inside = (mpmath.erfc(a / mpmath.sqrt(2)) - mpmath.erfc((a + m) / mpmath.sqrt(2))) / 2
            return (inside - m * mpmath.npdf(a + m)) / inside - mpmath.mpf(target)

        return mpmath.findroot(excess, mpmath.mpf(start))


@pytest.mark.parametrize("sparsity", [0.5, 0.7, 0.85, 0.95])
@pytest.mark.parametrize("target", [0.05, 0.5, 0.9, 0.99])
def test_against_a_root_at_fifty_digits(sparsity: float, target: float) -> None:
    clip = vt.clipping_level("crelu", sparsity, target=target)
    expected = root_by_mpmath(sparsity, target, clip.m)
    # V' is known to 1e-14; its slope in log m is at least (1 - target) for these targets.
    assert abs(clip.m - float(expected)) < 1e-12 * clip.m
    assert clip.slope == pytest.approx(target, rel=1e-12)


@pytest.mark.parametrize("family", ["crelu", "cst"])
@pytest.mark.parametrize("q", [0.3, 1.0, 4.0])
def test_result_is_an_edge_of_chaos(family: str, q: float) -> None:
    clip = vt.clipping_level(family, 0.85, q, target=0.7)
    assert float(clip.variance_map(q)) == pytest.approx(q, rel=1e-13)
    assert float(clip.variance_map.chi_1(q)) == pytest.approx(1, rel=1e-13)
    assert float(clip.variance_map.derivative(q)) == pytest.approx(0.7, rel=1e-12)
    assert clip.sparsity == pytest.approx(0.85, rel=1e-13)
    assert (clip.q_star, clip.target) == (q, 0.7)
    assert clip.variance_map.sigma_w2 == clip.sigma_w2
    assert dict(clip.variance_map.activation.values) == pytest.approx({"tau": clip.tau, "m": clip.m})


def test_level_grows_with_the_target() -> None:
    levels = [vt.clipping_level("crelu", 0.85, target=t).m for t in np.linspace(0.05, 0.99, 12)]
    assert levels == sorted(levels)


def test_symmetric_family_at_s_is_the_one_sided_at_half_of_one_plus_s() -> None:
    both, one = vt.clipping_level("cst", 0.7, target=0.6), vt.clipping_level("crelu", 0.85, target=0.6)
    assert both.m == pytest.approx(one.m, rel=1e-12)
    assert both.tau == pytest.approx(one.tau, rel=1e-13)
    assert both.sigma_w2 == pytest.approx(one.sigma_w2 / 2, rel=1e-12)
    assert both.sigma_b2 == pytest.approx(one.sigma_b2, rel=1e-12)


def test_level_scales_with_the_standard_deviation() -> None:
    one, nine = vt.clipping_level("crelu", 0.85, 1.0), vt.clipping_level("crelu", 0.85, 9.0)
    assert nine.m == pytest.approx(3 * one.m, rel=1e-12)
    assert nine.sigma_w2 == pytest.approx(one.sigma_w2, rel=1e-12)


def test_custom_activation() -> None:
    act = vt.parse_activation("Piecewise((0, x < t), (x - t, x < t + top), (top, True))")
    assert vt.clipping_level(act, 0.85).m == pytest.approx(vt.clipping_level("crelu", 0.85).m, rel=1e-14)


@pytest.mark.parametrize("target", [0.0, 1.0, -0.5, 1.5, np.nan, np.inf])
def test_targets_outside_the_domain(target: float) -> None:
    with pytest.raises(DomainError, match="target") as caught:
        vt.clipping_level("crelu", 0.85, target=target)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("target", [1e-12, 1 - 1e-16])
def test_targets_that_float64_cannot_tell(target: float) -> None:
    with pytest.raises(InfeasibleError, match="target") as caught:
        vt.clipping_level("crelu", 0.85, target=target)
    assert isinstance(caught.value, ArithmeticError)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"sparsity": 0}, DomainError),
        ({"sparsity": 1}, DomainError),
        ({"sparsity": np.nan}, DomainError),
        ({"sparsity": "0.85"}, DtypeError),
        ({"sparsity": True}, DtypeError),
        ({"sparsity": 0.4}, InfeasibleError),
        ({"q_star": 0}, DomainError),
        ({"q_star": -1}, DomainError),
        ({"q_star": np.inf}, DomainError),
        ({"q_star": 1j}, DtypeError),
        ({"target": "half"}, DtypeError),
        ({"criterion": "slopes"}, UnknownNameError),
        ({"criterion": None}, UnknownNameError),
        ({"act": "crelo"}, UnknownNameError),
        ({"act": "relu_tau"}, InfeasibleError),
        ({"act": "hardtanh"}, InfeasibleError),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        vt.clipping_level(**{"act": "crelu", "sparsity": 0.85} | arguments)
    assert isinstance(caught.value, vt.VmapTheoryError)


def test_nearest_criterion_is_offered() -> None:
    with pytest.raises(LookupError, match="Did you mean 'slope'"):
        vt.clipping_level("crelu", 0.85, criterion="slop")


@pytest.mark.parametrize("target", [1e-4, 1e-3, 0.999, 0.9999999])
@pytest.mark.parametrize("name", ["crelu", "cst"])
def test_targets_near_the_ends(name: str, target: float) -> None:
    clip = vt.clipping_level(name, 0.85, target=target)
    # V'(q*) on the edge of chaos, integrated here: E[phi^2 (z^2 - 1)] / (2 E[phi'^2]) at q* = 1.
    with mpmath.workdps(40):
        tau, top = mpmath.mpf(clip.tau), mpmath.mpf(clip.tau) + mpmath.mpf(clip.m)
        ramp = mpmath.quad(lambda z: (z - tau) ** 2 * (z * z - 1) * mpmath.npdf(z), [tau, top])
        flat = mpmath.mpf(clip.m) ** 2 * top * mpmath.npdf(top)  # the integral of (z^2 - 1) n(z) is -z n(z)
        slope = (ramp + flat) / (2 * (mpmath.ncdf(top) - mpmath.ncdf(tau)))
    assert float(slope) == pytest.approx(target, rel=1e-9)
