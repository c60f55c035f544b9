"""Gaussian moments of PyTorch tensors, on any device, differentiable to any order.

The numbers come from the same code as on NumPy.  Their derivatives are functionals too (`computation`), evaluated by
that code again: automatic differentiation never sees the approximations inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
import torch

from ..activations.base import LIVE, Activation
from ..activations.program import FUNCTION_NAMES
from ..checks import real_array
from ..errors import DomainError, DtypeError
from .computation import Computation
from .foreign_arguments import ForeignCalls
from .libraries import ArrayLibrary, everywhere
from .result import GaussianMoments, LogGaussianMoments

_WITHOUT_FLOAT64 = {"mps"}
_INTEGERS = {torch.float64: torch.int64, torch.float32: torch.int32}
_REAL = {*_INTEGERS, torch.int8, torch.int16, torch.int32, torch.int64}
_REAL |= {torch.uint8, torch.uint16, torch.uint32, torch.uint64}


class _Derived(torch.autograd.Function):
    """Outputs of a computation, with derivatives in both directions from `slopes`: d output k / d argument."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
        ctx.computation = inputs[0]
        ctx.save_for_backward(*inputs[1:])
        ctx.save_for_forward(*inputs[1:])
        # None for outputs that nobody uses: zero times an infinite slope, as of the logarithm of 0, would be NaN.
        ctx.set_materialize_grads(False)

    @staticmethod
    def slopes(computation: Any, argument: int, q: Any, parameters: Sequence[Any]) -> Sequence[Any]:
        raise NotImplementedError

    @classmethod
    def backward(cls, ctx: Any, *gradients: Any) -> tuple[Any, ...]:
        q, *parameters = ctx.saved_tensors
        found: list[Any] = [None]
        for argument, needed in enumerate(ctx.needs_input_grad[1:]):
            slopes = cls.slopes(ctx.computation, argument, q, parameters) if needed else ()
            terms = [g * s for g, s in zip(gradients, slopes, strict=False) if g is not None]
            found.append(sum(terms) if terms else None)
        return tuple(found)

    @classmethod
    def jvp(cls, ctx: Any, _: None, *tangents: Any) -> tuple[Any, ...]:
        q, *parameters = ctx.saved_tensors
        totals: list[Any] = []
        for argument, tangent in enumerate(tangents):
            if tangent is not None:
                slopes = cls.slopes(ctx.computation, argument, q, parameters)
                totals = [tangent * s + t for s, t in zip(slopes, totals or [0.0] * len(slopes), strict=True)]
        return tuple(totals)


class _Values(_Derived):
    """The values of a computation."""

    @staticmethod
    def forward(computation: Computation, q: Any, *parameters: Any) -> tuple[Any, ...]:
        return _apart(_in_float64(computation.values, q, parameters))

    @staticmethod
    def slopes(computation: Computation, argument: int, q: Any, parameters: Sequence[Any]) -> Sequence[Any]:
        return _values(computation.derivative(argument), q, parameters)


class _Logarithms(_Derived):
    """The logarithms of the absolute values, then the signs: d log|F| = dF/F."""

    @staticmethod
    def forward(computation: Computation, q: Any, *parameters: Any) -> tuple[Any, ...]:
        return _apart(_in_float64(computation.logarithms, q, parameters))

    @staticmethod
    def slopes(computation: Computation, argument: int, q: Any, parameters: Sequence[Any]) -> Sequence[Any]:
        ratios = _ratios((computation.derivative(argument), computation), q, parameters)
        return [*ratios, *(torch.zeros_like(q) for _ in ratios)]


class _Ratios(_Derived):
    """The values of one computation over those of another: (F/G)' = F'/G - (F/G) (G'/G)."""

    @staticmethod
    def forward(pair: tuple[Computation, Computation], q: Any, *parameters: Any) -> tuple[Any, ...]:
        over, under = pair
        return _apart(_in_float64(partial(over.ratios, under), q, parameters))

    @staticmethod
    def slopes(
        pair: tuple[Computation, Computation], argument: int, q: Any, parameters: Sequence[Any]
    ) -> Sequence[Any]:
        over, under = pair
        own = _ratios(pair, q, parameters)
        first = _ratios((over.derivative(argument), under), q, parameters)
        second = _ratios((under.derivative(argument), under), q, parameters)
        return [f - r * g for f, r, g in zip(first, own, second, strict=True)]


def _values(computation: Computation, q: Any, parameters: Sequence[Any]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = _Values.apply(  # type: ignore[no-untyped-call]
        computation, q, *parameters
    )
    return found


def _ratios(pair: tuple[Computation, Computation], q: Any, parameters: Sequence[Any]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = _Ratios.apply(  # type: ignore[no-untyped-call]
        pair, q, *parameters
    )
    return found


def _in_float64(compute: Callable[..., Sequence[Any]], q: Any, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """The results of a computation, in float64 inside where the device has it, in the type of q outside."""
    if q.dtype == torch.float64 or q.device.type in _WITHOUT_FLOAT64:
        return tuple(compute(q, parameters, LIBRARIES[q.dtype]))
    found = compute(q.double(), [parameter.double() for parameter in parameters], LIBRARIES[torch.float64])
    return tuple(value.to(q.dtype) for value in found)


def _apart(outputs: Sequence[Any]) -> tuple[Any, ...]:
    """The outputs as tensors of their own, as forward mode wants: two that are zero everywhere may be one tensor."""
    return tuple(
        value.clone() if any(value is other for other in outputs[:k]) else value for k, value in enumerate(outputs)
    )


def _bounds(computation: Computation, q: Any, parameters: Sequence[Any]) -> tuple[Any, ...]:
    fixed = [parameter.detach() for parameter in parameters]

    def compute(q: Any, parameters: Sequence[Any], library: ArrayLibrary) -> list[Any]:
        values, bounds = computation.values_and_bounds(q, parameters, library)
        if q.dtype == dtype:
            return list(bounds)
        # Rounding to float32 adds half a unit in its last place, of the value and (upwards) of the bound itself.
        single = LIBRARIES[torch.float32]
        widened = ((bound, torch.abs(value)) for bound, value in zip(bounds, values, strict=True))
        return [(bound + size * single.epsilon) * (1 + single.epsilon) + single.tiny for bound, size in widened]

    dtype = q.dtype
    return _in_float64(compute, q.detach(), fixed)


def _logarithms(computation: Computation, q: Any, parameters: Sequence[Any]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = _Logarithms.apply(  # type: ignore[no-untyped-call]
        computation, q, *parameters
    )
    return found


def _library(dtype: torch.dtype) -> ArrayLibrary:
    integers = _INTEGERS[dtype]
    functions = {name: getattr(torch, name) for name in set(FUNCTION_NAMES.values()) - {"max", "min"}}
    functions |= {"max": lambda *args: reduce(torch.maximum, args), "min": lambda *args: reduce(torch.minimum, args)}
    functions |= {"expm1": torch.expm1, "log1p": torch.log1p, "log1pexp": torch.nn.functional.softplus}

    def mask_bits(x: Any, mask: int) -> Any:
        return (x.view(integers) & mask).view(dtype)

    def where(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(a, float) and isinstance(b, float):  # of two numbers PyTorch makes its default type, float32
            a = torch.tensor(a, dtype=dtype, device=condition.device)
        return torch.where(condition, a, b)

    return ArrayLibrary(
        name="torch",
        digits=53 if dtype == torch.float64 else 24,
        exp=torch.exp,
        sqrt=torch.sqrt,
        log=torch.log,
        log1p=torch.log1p,
        absolute=torch.abs,
        power=torch.pow,
        where=where,
        at_most=lambda x, bound: torch.clamp(x, max=bound),
        by_cases=everywhere(torch.where),
        surely=lambda mask: False,
        mask_bits=mask_bits,
        functions=functions,
        run=_values,
        run_bounds=_bounds,
        run_logarithms=_logarithms,
    )


LIBRARIES = {dtype: _library(dtype) for dtype in _INTEGERS}


def _broadcast(names: Sequence[str], given: Sequence[Any]) -> list[Any]:
    """Tensors of one shape on the device of the first, in float64 if one of them is float64 or integer, else float32.

    Arrays of NumPy count as tensors; numbers and lists take the type of the others.
    """
    for name, value in zip(names, given, strict=True):
        if isinstance(value, torch.Tensor) and value.dtype not in _REAL:
            raise DtypeError(f"{name} has dtype {value.dtype}: give real numbers (torch.float64 or torch.float32).")
    tensors = [value for value in given if isinstance(value, torch.Tensor)]
    dtypes = {value.dtype for value in given if isinstance(value, (torch.Tensor, np.ndarray))}
    dtype = torch.float32 if dtypes <= {torch.float32, np.dtype(np.float32)} else torch.float64
    arrays = [
        torch.as_tensor(
            value if isinstance(value, torch.Tensor) else real_array(name, value, finite=False),
            dtype=dtype,
            device=tensors[0].device,
        )
        for name, value in zip(names, given, strict=True)
    ]
    try:
        shape = torch.broadcast_shapes(*(array.shape for array in arrays))  # type: ignore[no-untyped-call]
        return [array.expand(shape).contiguous() for array in arrays]
    except RuntimeError:
        shapes = ", ".join(f"{name}: {tuple(array.shape)}" for name, array in zip(names, arrays, strict=True))
        raise DomainError(f"the shapes do not broadcast ({shapes}): give shapes that agree.") from None


def _holds(mask: Any) -> bool | None:
    if torch.compiler.is_compiling():
        return None
    try:
        return bool(mask.all())
    except RuntimeError:  # inside vmap and the like
        return None


def _to_numpy(array: Any) -> Any:
    return array.detach().cpu().numpy()


_EAGER = ForeignCalls(_broadcast, lambda array: LIBRARIES[array.dtype], _holds, _to_numpy)


class _CompilableCalls:
    """The moment functions, each one node in the graphs of PyTorch's compiler.

    The compiler does not look into SymPy: `nonstrict_trace` runs the function on symbolic tensors and records what
    happens to them.  An activation goes in as its name or its id, which the compiler knows as constants.
    """

    @staticmethod
    def gaussian_moments(
        act: Activation | str, q: Any, given: dict[str, Any], *, bounds: bool = False
    ) -> GaussianMoments:
        key = act if isinstance(act, str) else id(act)
        return GaussianMoments(**_moments_in_graph(key, q, given, bounds=bounds))

    @staticmethod
    def log_gaussian_moments(act: Activation | str, q: Any, given: dict[str, Any]) -> LogGaussianMoments:
        key = act if isinstance(act, str) else id(act)
        return LogGaussianMoments(**_logarithms_in_graph(key, q, given))


@torch._dynamo.nonstrict_trace
def _moments_in_graph(key: str | int, q: Any, given: dict[str, Any], *, bounds: bool) -> dict[str, Any]:
    found = _EAGER.gaussian_moments(_activation(key), q, given, bounds=bounds)
    return {name: value for name, value in vars(found).items() if value is not None}


@torch._dynamo.nonstrict_trace
def _logarithms_in_graph(key: str | int, q: Any, given: dict[str, Any]) -> dict[str, Any]:
    return vars(_EAGER.log_gaussian_moments(_activation(key), q, given))


def _activation(key: str | int) -> Activation | str:
    return key if isinstance(key, str) else LIVE[key]


for _result in (GaussianMoments, LogGaussianMoments):  # so that torch.func passes them through
    torch.utils._pytree.register_dataclass(_result, serialized_type_name=f"vmap_theory.{_result.__name__}")
CALLS = _CompilableCalls()
