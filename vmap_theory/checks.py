"""Checks of numbers that come from users: one place for what is accepted and how a refusal reads."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import DomainError, DtypeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def real_number(name: str, value: object, remedy: str = "") -> float:
    """Return `value` as a finite float.

    Accepts Python's, NumPy's and SymPy's real numbers; refuses text, booleans, complex numbers, NaN and infinities.

    Raises
    ------
    DtypeError
        `value` is not a real number.
    DomainError
        `value` is NaN or infinite.

    Examples
    --------
    >>> real_number("q", 2)
    2.0
    """
    number = _to_float(name, value)
    if not math.isfinite(number):
        raise DomainError(_refusal(name, value, "a finite real number", remedy))
    return number


def positive(name: str, value: object, remedy: str = "") -> float:
    """Return `value` as a finite float > 0, or raise `DomainError`."""
    number = real_number(name, value, remedy)
    if number <= 0:
        raise DomainError(_refusal(name, value, "a number > 0", remedy))
    return number


def non_negative(name: str, value: object, remedy: str = "") -> float:
    """Return `value` as a finite float >= 0, or raise `DomainError`."""
    number = real_number(name, value, remedy)
    if number < 0:
        raise DomainError(_refusal(name, value, "a number >= 0", remedy))
    return number


def inside_open_interval(name: str, value: object, low: float, high: float, remedy: str = "") -> float:
    """Return `value` as a float with low < value < high, or raise `DomainError`."""
    number = real_number(name, value, remedy)
    if not low < number < high:
        raise DomainError(_refusal(name, value, f"a number strictly between {low:g} and {high:g}", remedy))
    return number


def integer_between(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int with low <= value <= high, or raise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise DtypeError(f"{name} = {value!r} is not an integer: give an integer from {low} to {high}.")
    if not low <= int(value) <= high:
        raise DomainError(_refusal(name, value, f"an integer from {low} to {high}", ""))
    return int(value)


def refuse_tensors(name: str, value: object, remedy: str) -> None:
    """Raise `DtypeError` for tensors of PyTorch and arrays of JAX, which would lose their gradients here in silence."""
    roots = {base.__module__.split(".")[0] for base in type(value).__mro__}
    for root, kind in (("torch", "a tensor of PyTorch"), ("jax", "an array of JAX"), ("jaxlib", "an array of JAX")):
        if root in roots:
            raise DtypeError(f"{name} is {kind}: {remedy}.")


def real_array(name: str, value: object, *, finite: bool = True) -> NDArray[np.float64]:
    """Return `value` as a float64 array of reals (finite ones unless said); integers and float32 are widened.

    Raises
    ------
    DtypeError
        The data are complex, boolean, text or objects.
    DomainError
        A value is NaN or infinite; the message gives the first and where it stands.
    """
    import numpy as np

    refuse_tensors(name, value, "NumPy arrays are wanted here; convert it, for instance with numpy.asarray(x.detach())")
    try:
        array = np.asarray(value)
    except (ValueError, RuntimeError) as error:  # ragged nesting; tensors in a list
        raise DtypeError(f"{name} is not an array of real numbers: {error}") from None
    if array.dtype == object and array.ndim == 0:
        return np.asarray(real_number(name, value), dtype=np.float64)
    if array.dtype.kind not in "fiu" or array.dtype == np.float16:
        raise DtypeError(f"{name} has dtype {array.dtype}: give real numbers (float64, float32 or integers).")
    result = array.astype(np.float64, copy=False)
    if finite:
        refuse_where(name, result, ~np.isfinite(result), "finite real numbers")
    return result


def positive_array(name: str, value: object, *, nan: bool = False) -> NDArray[np.float64]:
    """Return `value` as a float64 array of finite numbers > 0 (and NaN, if allowed), or raise as `real_array` does."""
    import numpy as np

    result = real_array(name, value, finite=False)
    if not nan:
        refuse_where(name, result, np.isnan(result), "finite real numbers")
    refuse_where(name, result, np.isinf(result), "finite real numbers")
    refuse_where(name, result, result <= 0, "numbers > 0")
    return result


def broadcast(
    arrays: Mapping[str, NDArray[np.float64]],
) -> tuple[tuple[int, ...], dict[str, NDArray[np.float64]]]:
    """Return the common shape and the arrays, broadcast and flat.

    Raises
    ------
    DomainError
        The shapes do not broadcast.
    """
    import numpy as np

    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name}: {array.shape}" for name, array in arrays.items())
        raise DomainError(f"the shapes do not broadcast ({shapes}): give shapes that agree.") from None
    return shape, {name: np.broadcast_to(array, shape).ravel() for name, array in arrays.items()}


def _to_float(name: str, value: object) -> float:
    refused = DtypeError(f"{name} = {value!r} is not a real number: give a float, an integer or an exact SymPy number.")
    if isinstance(value, (bool, str, bytes)) or (
        isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real)
    ):
        raise refused
    convertible: Any = value
    refuse_tensors(name, value, "a plain number is wanted here; convert it, for instance with float(x)")
    try:
        if getattr(value, "ndim", 0) != 0 or type(value).__name__ in ("bool", "bool_"):
            raise refused
        return float(convertible)
    except OverflowError:
        raise DomainError(_refusal(name, "a number beyond the range of float64", "a finite real number", "")) from None
    except (TypeError, ValueError):
        raise refused from None


def _refusal(name: str, value: object, domain: str, remedy: str) -> str:
    return f"{name} = {value} is outside its domain: it must be {domain}.{' ' + remedy if remedy else ''}"


def refuse_where(name: str, array: NDArray[np.float64], bad: NDArray[np.bool_], domain: str) -> None:
    """Raise `DomainError` for the first bad element, with its value and its place, if there is one."""
    import numpy as np

    if not bad.any():
        return
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    place = f" at index {where if len(where) > 1 else where[0]}" if where else ""
    raise DomainError(f"{name} = {array[where]}{place} is outside its domain: {name} must hold {domain}.")
