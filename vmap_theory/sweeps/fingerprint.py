"""A digest of a function and its items that is the same in every process, by which a checkpoint knows its sweep."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DtypeError


def fingerprint(value: object) -> str:
    """Return the SHA-256 of `value` as hexadecimal digits.

    Numbers, text, containers, arrays and dataclasses count by what they hold, functions by their names, everything else
    by its ``repr``.

    Raises
    ------
    DtypeError
        `value` holds something that has no lasting name: a lambda, a function inside a function, an object whose
        ``repr`` is an address.
    """
    return hashlib.sha256(json.dumps(_canonical(value)).encode()).hexdigest()


def function_name(function: object) -> str:
    """Return a name for messages: ``module.name``, or the type's for what has none.

    Examples
    --------
    >>> function_name(functools.partial(fingerprint))
    'vmap_theory.sweeps.fingerprint.fingerprint'
    """
    while isinstance(function, functools.partial):
        function = function.func
    named: Any = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _canonical(value: object) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.dtype.kind != "O":
            return ["array", array.dtype.str, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]
        return ["objects", list(array.shape), [_canonical(element) for element in array.ravel()]]
    if isinstance(value, (int, float, complex, bytes)):
        return [type(value).__name__, repr(value)]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [_canonical(element) for element in value]]
    if isinstance(value, dict):
        return ["dict", [[_canonical(key), _canonical(element)] for key, element in value.items()]]
    if isinstance(value, (set, frozenset)):
        return ["set", sorted(json.dumps(_canonical(element)) for element in value)]
    return _canonical_object(value)


def _canonical_object(value: Any) -> Any:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, functools.partial):
        return ["partial", _canonical(value.func), _canonical(value.args), _canonical(value.keywords)]
    if isinstance(value, types.MethodType):
        return ["method", value.__name__, _canonical(value.__self__)]
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
        return ["name", _lasting_name(value)]
    if dataclasses.is_dataclass(value):
        fields: Sequence[dataclasses.Field[Any]] = dataclasses.fields(value)
        return ["dataclass", kind, [[field.name, _canonical(getattr(value, field.name))] for field in fields]]
    text = repr(value)
    if " at 0x" in text:  # the address of an object without a repr of its own
        raise DtypeError(
            f"{text[:80]} has no lasting name, so a checkpoint could not tell it from another object: use numbers, "
            "text, arrays or dataclasses for the items, or leave checkpoint out."
        )
    return ["repr", kind, text]


def _lasting_name(function: Any) -> str:
    name = f"{function.__module__}.{function.__qualname__}"
    if "<" in name:  # <lambda> or <locals>
        raise DtypeError(
            f"{name} has no lasting name, so a checkpoint could not tell it from another function: define it at the "
            "top level of a module (functools.partial fixes arguments), or leave checkpoint out."
        )
    return name
