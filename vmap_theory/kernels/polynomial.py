"""Gaussian moments of piecewise polynomials, in any array library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

from ..activations import Activation
from ..activations.program import compiled
from .computation import Computation
from .functionals import Functional, moment_functionals
from .libraries import ArrayLibrary, Pick
from .plan import UNIT
from .result import MOMENT_NAMES

Values = Mapping[str, Any]


def polynomial_moments(
    act: Activation, q: Any, values: Values, library: ArrayLibrary, *, bounds: bool = False
) -> dict[str, Any]:
    """All moments of arrays of one shape, with bounds of their errors (``..._error``) if wanted.

    `values` has an array for every free parameter, in the order of `act.free_parameters`.
    """
    all_of_it = moment_functionals(act)
    names = [name for name in MOMENT_NAMES if name != "sparsity"]
    functionals = (*(all_of_it.moments[name] for name in names), all_of_it.density)
    found, errors = _run(Computation(act, functionals), q, values, library, bounds=bounds)
    out = dict(zip(names, found, strict=False))
    out |= {f"{name}_error": error for name, error in zip(names, errors, strict=False)}
    out |= _sparsity(act, q, values, library, found[-1], errors[-1] if bounds else None)
    for mass, error in _zero_masses(act, q, values, library, bounds=bounds):
        out["sparsity"] = out["sparsity"] + mass
        if bounds:
            out["sparsity_error"] = out["sparsity_error"] + error
    for is_jump in _jumps(act, q, values, library):
        out["slope_moment"] = library.where(is_jump, float("inf"), out["slope_moment"])
        if bounds:
            out["slope_moment_error"] = library.where(is_jump, 0.0, out["slope_moment_error"])
    return out


def polynomial_logarithms(act: Activation, q: Any, values: Values, library: ArrayLibrary) -> dict[str, tuple[Any, Any]]:
    """(log |moment|, sign) of all moments and of ``density``, P(phi != 0)."""
    all_of_it = moment_functionals(act)
    functionals = (*(all_of_it.moments[name] for name in MOMENT_NAMES), all_of_it.density)
    found = library.run_logarithms(Computation(act, functionals), q, tuple(values.values()))
    names = (*MOMENT_NAMES, "density")
    out = dict(zip(names, zip(found[: len(names)], found[len(names) :], strict=True), strict=True))
    (sparsity, sign), (density, density_sign) = out["sparsity"], out["density"]
    # Near 1 the sparsity knows nothing of what is missing, and the density does.  The cases that do not count get
    # harmless arguments, for automatic differentiation looks at them too.
    is_small = density < -1.0
    rest = library.log1p(-library.exp(library.where(is_small, density, -1.0)))
    out["sparsity"] = library.where(is_small, rest, sparsity), sign
    for mass, _ in _zero_masses(act, q, values, library, bounds=False):
        is_more = mass > 0
        total = library.where(is_more, library.exp(out["sparsity"][0]) + mass, 0.5)
        out["sparsity"] = library.where(is_more, library.log(total), out["sparsity"][0]), sign
        remaining = library.log1p(-library.where(total < 1, total, 1.0))
        out["density"] = library.where(is_more, remaining, out["density"][0]), density_sign
    for is_jump in _jumps(act, q, values, library):
        logarithm, sign = out["slope_moment"]
        out["slope_moment"] = library.where(is_jump, float("inf"), logarithm), sign
    return out


def _sparsity(
    act: Activation, q: Any, values: Values, library: ArrayLibrary, density: Any, error: Any
) -> dict[str, Any]:
    """P(phi = 0): the mass of the zero pieces where it is the smaller part, else what the other pieces leave of 1.

    Up to a density of 1/2 the difference loses nothing, and the density comes for nothing with the other moments.
    """
    zeros = moment_functionals(act).moments["sparsity"]
    names = ["sparsity"] if error is None else ["sparsity", "sparsity_error"]
    if zeros.is_zero:
        return dict.fromkeys(names, 0 * density)

    def direct(pick: Pick) -> list[Any]:
        named = {name: pick(value) for name, value in values.items()}
        found, errors = _run(Computation(act, (zeros,)), pick(q), named, library, bounds=error is not None)
        return [*found, *errors]

    def remaining(pick: Pick) -> list[Any]:
        return [1 - pick(density)] + ([] if error is None else [pick(error) + library.epsilon])

    found = library.by_cases(density > 0.5, direct, remaining)
    return dict(zip(names, found, strict=True))


def _run(
    computation: Computation, q: Any, values: Values, library: ArrayLibrary, *, bounds: bool
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Values, by the library's own way that knows their derivatives, and bounds or nothing."""
    arrays = tuple(values.values())
    if bounds and library.name == "numpy":
        return computation.values_and_bounds(q, arrays, library)
    found = library.run(computation, q, arrays)
    return found, library.run_bounds(computation, q, arrays) if bounds else ()


def _zero_masses(
    act: Activation, q: Any, values: Values, library: ArrayLibrary, *, bounds: bool
) -> Iterator[tuple[Any, Any]]:
    """Mass and error bound of every part on which all coefficients of phi vanish, as a slope of 0 makes them."""
    for ends, coefficients in moment_functionals(act).vanishing:
        vanishes: Any = None
        for coefficient in coefficients:  # in whatever unit: the question is only whether they are zero
            here = compiled(coefficient).run({UNIT.name: 1.0, **values}, library.algebra)[0] + 0 * q == 0
            vanishes = here if vanishes is None else vanishes & here
        if library.name == "numpy" and not vanishes.any():
            continue
        one = Functional(((ends, (sp.Integer(1),)),), (), 0, 0)
        (mass,), errors = _run(Computation(act, (one,)), q, values, library, bounds=bounds)
        error = library.where(vanishes, errors[0], 0.0) if bounds else None
        yield library.where(vanishes, mass, 0.0), error


def _jumps(act: Activation, q: Any, values: Values, library: ArrayLibrary) -> Iterator[Any]:
    """Where phi jumps, for every point at which it may."""
    for jump in moment_functionals(act).plan.jumps:
        yield compiled(jump).run(values, library.algebra)[0] + 0 * q != 0
