"""A digest of a function and its items that is the same in every process, by which a checkpoint knows its sweep."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
import pickle
import sys
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DtypeError

_PLAIN = "biufcmMSU"  # kinds of NumPy's dtypes that are their bytes: no objects, no fields with names


def fingerprint(value: object) -> str:
    """Return the SHA-256 of `value` as hexadecimal digits.

    Numbers, text, containers, arrays and dataclasses count by what they hold (dataclasses by their fields), functions
    by their names, methods also by the object they are bound to, everything else by its pickle.

    Raises
    ------
    DtypeError
        `value` holds something that has no lasting name or form: a lambda, a function inside a function, an object
        that cannot be pickled or whose pickle differs from that of its copy; or it is nested too deep.
    """
    try:
        return hashlib.sha256(json.dumps(_canonical(value)).encode()).hexdigest()
    except RecursionError:
        raise DtypeError(
            "an item, or an argument that is fixed, is nested too deep for a checkpoint: make it flatter, or leave "
            "checkpoint out."
        ) from None


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
    return f"{named.__module__ if hasattr(named, '__module__') else named.__objclass__.__module__}.{named.__qualname__}"


def _canonical(value: object) -> Any:
    # Exact types: an instance of a subclass may hold more than its base class shows.
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if isinstance(value, (int, float, complex, bytes)) and kind in (int, float, complex, bytes):
        return [kind.__name__, hex(value) if isinstance(value, int) else repr(value)]  # hex: repr has a limit of digits
    if isinstance(value, (list, tuple)) and kind in (list, tuple):
        return [kind.__name__, [_canonical(element) for element in value]]
    if isinstance(value, dict) and kind is dict:
        return ["dict", [[_canonical(key), _canonical(element)] for key, element in value.items()]]
    if isinstance(value, (set, frozenset)) and kind in (set, frozenset):
        return [kind.__name__, sorted(json.dumps(_canonical(element)) for element in value)]
    if isinstance(value, np.generic) and kind is value.dtype.type and value.dtype.kind in _PLAIN:
        return ["number", value.dtype.str, value.tobytes().hex()]
    if isinstance(value, np.ndarray) and kind is np.ndarray:
        return _canonical_array(value)
    return _canonical_object(value)


def _canonical_array(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind in _PLAIN:
        return ["array", array.dtype.str, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]
    if array.dtype.kind == "O":
        return ["objects", list(array.shape), [_canonical(element) for element in array.ravel()]]
    return _pickled(array)  # fields with names


def _canonical_object(value: Any) -> Any:
    if type(value) is functools.partial:
        return ["partial", _canonical(value.func), _canonical(value.args), _canonical(value.keywords)]
    if isinstance(value, types.MethodType):
        return ["method", _canonical(value.__func__), _canonical(value.__self__)]
    if isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
        owner = value.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            return ["method", value.__name__, _canonical(owner)]
        return ["name", _lasting_name(value.__module__, value)]
    if isinstance(value, (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)):
        return ["name", _lasting_name(value.__objclass__.__module__, value)]
    if isinstance(value, (types.FunctionType, type)):
        return ["name", _lasting_name(value.__module__, value)]
    if "__dataclass_fields__" in vars(type(value)):  # not of a base class, to which more may have been added
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        fields: Sequence[dataclasses.Field[Any]] = dataclasses.fields(value)
        return ["dataclass", kind, [[field.name, _canonical(getattr(value, field.name))] for field in fields]]
    return _pickled(value)


def _pickled(value: object) -> Any:
    """Return a digest of the pickle, for a ``repr`` may round, shorten, or say nothing.

    A pickle may differ from one process to the next (sets of text do); then the checkpoint is refused, which is safe.
    """
    reason = "its pickle differs from that of its copy"
    try:
        data = _unshared_pickle(value)
        if data == _unshared_pickle(pickle.loads(data)):  # noqa: S301 (made one line above)
            return ["pickle", hashlib.sha256(data).hexdigest()]
    except Exception as error:  # whatever the object's own methods raise
        reason = f"{type(error).__name__}: {error}"
    raise DtypeError(
        f"an object of type {type(value).__qualname__} has no lasting form ({reason}), so a checkpoint could not tell "
        "it from another object: use numbers, text, NumPy arrays or dataclasses for the items, or leave checkpoint out."
    )


def _unshared_pickle(value: object) -> bytes:
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, protocol=4)
    pickler.fast = True  # equal parts count alike, whether they are one object or two
    pickler.dump(value)
    return stream.getvalue()


def _lasting_name(module: str | None, function: Any) -> str:
    name = f"{module}.{function.__qualname__}"
    if "<" in name or _is_another(module, function):  # <lambda> or <locals>, or its name was given to it afterwards
        raise DtypeError(
            f"{name} has no lasting name, so a checkpoint could not tell it from another function: define it at the "
            "top level of a module (functools.partial fixes arguments), or leave checkpoint out."
        )
    return name


def _is_another(module: str | None, function: Any) -> bool:
    """Whether a Python function is not the one that its name leads to."""
    if not isinstance(function, types.FunctionType) or module not in sys.modules:
        return False
    found: Any = sys.modules[module]
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return getattr(found, "__func__", found) is not function
