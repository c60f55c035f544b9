"""Results of a sweep as JSON text and back, to the last bit.

Every result takes this way, whatever computes it and whether it is kept on disk or not, so that all ways give the same
objects.  Pickle would do too, but a pickled file can run any code when it is read.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import numpy as np

from ..errors import DtypeError, TableFormatError

_TAG = "$"  # a JSON object with this key stands for what JSON has no word for
_KINDS = "biufc"  # of NumPy's dtypes: booleans, integers, floats, complex numbers
_MOST_DIGITS = 4300  # of an integer: Python reads no longer ones unless told to
_BEYOND = 10**_MOST_DIGITS
_DEEPEST = 100  # containers in each other, well within what Python's recursion limit lets be read back


def encode(value: object) -> str:
    """Return `value` as one line of JSON.

    Raises
    ------
    DtypeError
        It holds something else than numbers, text, None, lists, tuples, dicts with text as keys and arrays of numbers,
        an integer of more than 4300 digits, or more than 100 containers in each other.

    Examples
    --------
    >>> encode({"q": [1.0, float("nan")], "n": np.float32(0.1)})
    '{"q":[1.0,{"$":"float","value":"nan"}],"n":{"$":"number","dtype":"<f4","data":"zczMPQ=="}}'
    """
    return json.dumps(_tree(value, "result", 0), separators=(",", ":"), allow_nan=False)


def decode(text: str) -> Any:
    """Return what `encode` was given: the same types, the same bits."""
    return from_tree(json.loads(text))


def from_tree(tree: Any) -> Any:
    """Return the value that parsed JSON stands for.

    Raises
    ------
    TableFormatError
        It is no output of `encode`.
    """
    if isinstance(tree, list):
        return [from_tree(element) for element in tree]
    if not isinstance(tree, dict):
        return tree
    if _TAG not in tree:
        return {key: from_tree(element) for key, element in tree.items()}
    try:
        return _untagged(tree)
    except Exception as error:  # NumPy raises many kinds
        raise TableFormatError(f"a result is corrupt: {error!r} in {str(tree)[:80]}.") from None


def _tree(value: object, where: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise DtypeError(f"{where[:80]}... is nested deeper than {_DEEPEST} containers: return a flatter result.")
    # Exact types: an instance of a subclass would come back as another type.
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        return _whole(value, where)
    if type(value) is float:
        return _float(value)
    if isinstance(value, (np.ndarray, np.generic)) and _is_plain(value):
        return _numbers(value)
    if type(value) is list:
        return [_tree(element, f"{where}[{index}]", depth + 1) for index, element in enumerate(value)]
    if type(value) is tuple:
        return {_TAG: "tuple", "value": [_tree(element, f"{where}[{i}]", depth + 1) for i, element in enumerate(value)]}
    if type(value) is dict and all(type(key) is str for key in value):
        tree = {key: _tree(element, f"{where}[{key!r}]", depth + 1) for key, element in value.items()}
        return {_TAG: "dict", "value": list(tree.items())} if _TAG in tree else tree
    raise DtypeError(
        f"{where} is {_described(value)}: a sweep keeps numbers, text, None, lists, tuples, dicts with text as keys "
        "and NumPy arrays of numbers. Return these from the function, for instance a dict of the numbers wanted."
    )


def _whole(value: int, where: str) -> int:
    if abs(value) >= _BEYOND:
        raise DtypeError(
            f"{where} is an integer of more than {_MOST_DIGITS} digits: a sweep keeps shorter ones. Return it as text, "
            "by hex(n) for instance."
        )
    return value


def _float(value: float) -> Any:
    if math.isfinite(value):
        return value
    tree = {_TAG: "float", "value": repr(value)}
    bits = struct.pack("<d", value)
    # A NaN may have a sign and other bits, which its text does not show.
    return tree if bits == struct.pack("<d", float(repr(value))) else {**tree, "bits": bits.hex()}


def _is_plain(value: np.ndarray[Any, Any] | np.generic) -> bool:
    """Whether bytes, dtype and shape are all of it: a masked array has a mask, a matrix another ``*``."""
    return value.dtype.kind in _KINDS and type(value) in (np.ndarray, value.dtype.type)


def _described(value: object) -> str:
    if type(value) is dict:
        return "a dict whose keys are not all text"
    dtype = f" of dtype {value.dtype}" if isinstance(value, (np.ndarray, np.generic)) else ""
    return f"of type {type(value).__name__}{dtype}"


def _numbers(value: np.ndarray[Any, Any] | np.generic) -> dict[str, Any]:
    data = {"dtype": value.dtype.str, "data": base64.b64encode(value.tobytes()).decode()}
    if isinstance(value, np.ndarray):
        return {_TAG: "array", "shape": list(value.shape), **data}
    return {_TAG: "number", **data}


def _untagged(tree: dict[str, Any]) -> Any:
    kind = tree[_TAG]
    if kind == "float":
        return struct.unpack("<d", bytes.fromhex(tree["bits"]))[0] if "bits" in tree else float(tree["value"])
    if kind == "tuple":
        return tuple(from_tree(element) for element in tree["value"])
    if kind == "dict":
        return {key: from_tree(element) for key, element in tree["value"]}
    dtype = np.dtype(tree["dtype"])
    if dtype.kind not in _KINDS:
        raise TableFormatError(f"results have no dtype {dtype}: the value is corrupt.")
    array = np.frombuffer(base64.b64decode(tree["data"], validate=True), dtype=dtype)
    if kind == "array":
        return array.reshape(tuple(tree["shape"])).copy()  # a copy can be written to
    return array.reshape({"number": ()}[kind])[()]
