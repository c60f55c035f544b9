"""Monte Carlo, the third route: it knows neither erfc nor quadrature nor the pieces, only phi itself."""

from collections.abc import Callable

import numpy as np
import pytest

import vmap_theory as vt

SAMPLES = 400_000
Z_BOUND = 5.0  # a right value exceeds it once in two million comparisons; the seed is fixed besides


def z_score(samples: np.ndarray, expected: float) -> float:
    """How many standard errors the mean is off; for a constant, whether it is the one expected.

    What happens with probability 16/n is not seen in n samples once in 10^7 times, so that much may be missing.
    """
    if np.ptp(samples) <= 1e-6 * abs(samples[0]):
        return 0.0 if samples[0] == pytest.approx(expected, rel=16 / len(samples)) else np.inf
    return float((samples.mean() - expected) / (samples.std() / np.sqrt(len(samples))))


def assert_agrees(
    act: vt.Activation, phi: Callable[[np.ndarray], np.ndarray], q: float, rng: np.random.Generator
) -> None:
    z = rng.standard_normal(SAMPLES)
    squares = phi(np.sqrt(q) * z) ** 2
    result = vt.gaussian_moments(act, q)
    scores = {
        "second_moment": z_score(squares, float(result.second_moment)),
        # The likelihood ratio: dE/dq = E[phi^2 (z^2 - 1)]/(2 q), with no derivative of phi.
        "d_second_moment": z_score(squares * (z**2 - 1) / (2 * q), float(result.d_second_moment)),
        "d2_second_moment": z_score(squares * (z**4 - 6 * z**2 + 3) / (4 * q * q), float(result.d2_second_moment)),
    }
    rarer = min(float(result.sparsity), 1 - float(result.sparsity))
    if rarer * SAMPLES > 25:  # below, the count is no normal variable
        scores["sparsity"] = z_score((squares == 0).astype(float), float(result.sparsity))
    if act.slope_is_infinite:
        assert float(result.slope_moment) == np.inf
    else:  # a central difference of phi, across no more than a hair of z
        step = 1e-6 * np.sqrt(q)
        slopes = (phi(np.sqrt(q) * z + step) - phi(np.sqrt(q) * z - step)) / (2 * step)
        # Samples within a step of a kink bias the mean by 1e-6, a hundredth of its standard error.
        scores["slope_moment"] = z_score(slopes**2, float(result.slope_moment))
    assert max(map(abs, scores.values())) < Z_BOUND, scores


@pytest.mark.parametrize("family", vt.family_names())
@pytest.mark.parametrize("q", [0.4, 3.0])
def test_families(family: str, q: float, rng: np.random.Generator) -> None:
    act = vt.activation(family, **{p.name: p.draw(rng) for p in vt.family(family).parameters})
    assert_agrees(act, act, q, rng)


@pytest.mark.parametrize("text", ["sqrt(Abs(x))", "Abs(x)**(3/10)", "Piecewise((0, x < 1), (sqrt(x - 1), True))"])
def test_slopes_without_bound(text: str, rng: np.random.Generator) -> None:
    act = vt.parse_activation(text)
    assert act.slope_is_infinite
    assert act.jumps == ()
    assert_agrees(act, act, 0.9, rng)


def random_custom(rng: np.random.Generator) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """A random piecewise polynomial, as text and as a NumPy function that shares nothing with the package."""
    breaks = np.sort(rng.uniform(-2, 2, size=rng.integers(1, 5))).round(2)
    polynomials = [rng.uniform(-1, 1, size=rng.integers(1, 5)).round(2) for _ in range(len(breaks) + 1)]
    texts = ["+".join(f"({float(c)!r})*x**{k}" for k, c in enumerate(p)) for p in polynomials]
    branches = [f"({text}, x < {float(end)!r})" for text, end in zip(texts, breaks, strict=False)]

    def function(x: np.ndarray) -> np.ndarray:
        which = np.searchsorted(breaks, x, side="right")
        return np.select([which == i for i in range(len(polynomials))], [np.polyval(p[::-1], x) for p in polynomials])

    return f"Piecewise({', '.join(branches)}, ({texts[-1]}, True))", function


@pytest.mark.parametrize("seed", range(8))
def test_random_custom_activations(seed: int) -> None:
    rng = np.random.default_rng([seed, 77])
    text, function = random_custom(rng)
    assert_agrees(vt.parse_activation(text), function, float(rng.uniform(0.3, 4)), rng)
