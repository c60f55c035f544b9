"""Gaussian moments of JAX arrays: under jit, vmap and grad, differentiable to any order in both modes.

The numbers come from the same code as on NumPy.  Their derivatives are functionals too (`computation`), evaluated by
that code again: automatic differentiation never sees the approximations inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..activations.program import FUNCTION_NAMES
from ..checks import real_array
from ..errors import DomainError, DtypeError
from .computation import Computation
from .foreign_arguments import ForeignCalls
from .libraries import ArrayLibrary, everywhere
from .result import GaussianMoments, LogGaussianMoments

_INTEGERS = {"float64": "int64", "float32": "int32"}
_REAL = {*_INTEGERS, *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))}


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _values(computation: Computation, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    q, *parameters = arguments
    return computation.values(q, parameters, LIBRARIES[q.dtype.name])


@_values.defjvp
def _values_jvp(computation: Computation, primals: Any, tangents: Any) -> tuple[Any, Any]:
    (arguments,), (directions,) = primals, tangents
    found = _values(computation, arguments)
    slopes = [_values(computation.derivative(place), arguments) for place in range(len(arguments))]
    return found, _along(directions, slopes)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _logarithms(computation: Computation, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    q, *parameters = arguments
    return computation.logarithms(q, parameters, LIBRARIES[q.dtype.name])


@_logarithms.defjvp
def _logarithms_jvp(computation: Computation, primals: Any, tangents: Any) -> tuple[Any, Any]:
    (arguments,), (directions,) = primals, tangents
    slopes = []
    for place in range(len(arguments)):
        ratios = _ratios((computation.derivative(place), computation), arguments)
        slopes.append((*ratios, *(jnp.zeros_like(ratio) for ratio in ratios)))  # signs do not change
    return _logarithms(computation, arguments), _along(directions, slopes)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _ratios(pair: tuple[Computation, Computation], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    (over, under), (q, *parameters) = pair, arguments
    return over.ratios(under, q, parameters, LIBRARIES[q.dtype.name])


@_ratios.defjvp
def _ratios_jvp(pair: tuple[Computation, Computation], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """(F/G)' = F'/G - (F/G) (G'/G)."""
    (over, under), (arguments,), (directions,) = pair, primals, tangents
    own = _ratios(pair, arguments)
    slopes = []
    for place in range(len(arguments)):
        first = _ratios((over.derivative(place), under), arguments)
        second = _ratios((under.derivative(place), under), arguments)
        slopes.append([f - r * g for f, r, g in zip(first, own, second, strict=True)])
    return own, _along(directions, slopes)


def _along(directions: Sequence[Any], slopes: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """The sum of the slopes of every output times the directions of the arguments."""
    return tuple(
        sum(direction * slope for direction, slope in zip(directions, column, strict=True))
        for column in zip(*slopes, strict=True)
    )


def _library(name: str) -> ArrayLibrary:
    functions: dict[str, Any] = {
        other: getattr(jnp, f"arc{other[1:]}" if other in ("acos", "asin", "asinh", "atan") else other)
        for other in set(FUNCTION_NAMES.values()) - {"max", "min", "erf", "erfc"}
    }
    functions |= {"erf": jax.scipy.special.erf, "erfc": jax.scipy.special.erfc}
    functions |= {"max": lambda *args: reduce(jnp.maximum, args), "min": lambda *args: reduce(jnp.minimum, args)}
    functions |= {"expm1": jnp.expm1, "log1p": jnp.log1p, "log1pexp": jax.nn.softplus}

    def mask_bits(x: Any, mask: int) -> Any:
        integers = jax.lax.bitcast_convert_type(x, _INTEGERS[name])
        return jax.lax.bitcast_convert_type(integers & jnp.asarray(mask, integers.dtype), name)

    return ArrayLibrary(
        name="jax",
        digits=53 if name == "float64" else 24,
        exp=jnp.exp,
        sqrt=jnp.sqrt,
        log=jnp.log,
        log1p=jnp.log1p,
        absolute=jnp.abs,
        power=jnp.power,
        where=jnp.where,
        at_most=jnp.minimum,
        by_cases=everywhere(jnp.where),
        surely=lambda mask: False,
        mask_bits=mask_bits,
        functions=functions,
        run=lambda computation, q, parameters: _values(computation, (q, *parameters)),
        run_bounds=_bounds,
        run_logarithms=lambda computation, q, parameters: _logarithms(computation, (q, *parameters)),
    )


def _bounds(computation: Computation, q: Any, parameters: Sequence[Any]) -> tuple[Any, ...]:
    fixed = [jax.lax.stop_gradient(array) for array in (q, *parameters)]
    return computation.values_and_bounds(fixed[0], fixed[1:], LIBRARIES[q.dtype.name])[1]


for _result in (GaussianMoments, LogGaussianMoments):  # so that jit and vmap pass them through
    jax.tree_util.register_dataclass(_result)

LIBRARIES = {name: _library(name) for name in _INTEGERS}


def _broadcast(names: Sequence[str], given: Sequence[Any]) -> list[Any]:
    """Arrays of one shape, in float64 if one of them is float64 or integer, and JAX has 64 bits, else float32.

    Arrays of NumPy count as arrays; numbers and lists take the type of the others.
    """
    arrays = []
    for name, value in zip(names, given, strict=True):
        if not isinstance(value, jax.Array):
            arrays.append(jnp.asarray(real_array(name, value, finite=False)))
        elif value.dtype.name in _REAL:
            arrays.append(value)
        else:
            raise DtypeError(f"{name} has dtype {value.dtype}: give real numbers (float64 or float32).")
    dtypes = {value.dtype.name for value in given if isinstance(value, (jax.Array, np.ndarray))}
    wide = jnp.zeros(0).dtype.name == "float64" and not dtypes <= {"float32"}
    try:
        return list(jnp.broadcast_arrays(*(array.astype("float64" if wide else "float32") for array in arrays)))
    except ValueError:
        shapes = ", ".join(f"{name}: {array.shape}" for name, array in zip(names, arrays, strict=True))
        raise DomainError(f"the shapes do not broadcast ({shapes}): give shapes that agree.") from None


def _holds(mask: Any) -> bool | None:
    return None if isinstance(mask, jax.core.Tracer) else bool(mask.all())


CALLS = ForeignCalls(_broadcast, lambda array: LIBRARIES[array.dtype.name], _holds, np.asarray)
