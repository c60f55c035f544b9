"""Cut a call on NumPy arrays into cases that one formula serves: NaN, ends of domains, sets of parameter values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from ..activations import Activation
from ..errors import PrecisionError, SymbolicParameterError
from .arguments import CHUNK, Arguments
from .plan import plan_for
from .result import MOMENT_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Results = dict[str, Array]
    Compute = Callable[[Activation, Array, dict[str, Array]], Results]


def computed(act: Activation, arguments: Arguments, names: Sequence[str], compute: Compute) -> Results:
    """Run `compute` chunk by chunk and case by case; arrays of the arguments' shape.

    `compute` gets an activation whose pieces are polynomials for all values given, or one without free parameters.

    Raises
    ------
    PrecisionError
        A result is NaN though no input is.
    """
    out = {name: np.empty(arguments.size) for name in names}
    # A rule of quadrature serves many variances from one table: it cuts into chunks itself.
    chunk = _chunk(act, len(names)) if is_polynomial(act) else max(arguments.size, 1)
    with np.errstate(all="ignore"):
        for here, q, values in arguments.chunks(chunk):
            results = _where_known(act, q, values, names, compute)
            for name in names:
                out[name][here] = results[name]
    return {name: value.reshape(arguments.shape)[()] for name, value in out.items()}


def _chunk(act: Activation, outputs: int) -> int:
    """Points at a time: temporary arrays stay below one of the input's size at a million points, and in the caches.

    Many pieces, break points that are no polynomials in the parameters, or more results need more of them at once.
    """
    simple = len(act.breaks) <= 4 and all(point.at.is_polynomial() for point in act.breaks)
    return CHUNK if simple and outputs <= len(MOMENT_NAMES) else CHUNK // 2


def is_polynomial(act: Activation) -> bool:
    """Whether all pieces are polynomials, whatever the parameters."""
    return not any(parameter.integer for parameter in act.free_parameters) and act.is_polynomial


def _where_known(
    act: Activation, q: Array, values: dict[str, Array], names: Sequence[str], compute: Compute
) -> Results:
    """The results, NaN where an input is."""
    unknown = np.isnan(q)
    for value in values.values():
        unknown = unknown | np.isnan(value)
    if not unknown.any():
        out = _by_values(act, q, values, compute)
    else:
        groups = ((~unknown, act, values),)
        out = {name: np.full(q.size, np.nan) for name in names}
        _fill(out, groups, q, compute)
    if any((np.isnan(out[name]) & ~unknown).any() for name in names):
        raise PrecisionError(
            f"the moments of {act.label} leave the range of float64 at some q: "
            "measure q and the parameters in another unit."
        )
    return out


def _by_values(act: Activation, q: Array, values: dict[str, Array], compute: Compute) -> Results:
    """Results for one-dimensional arrays of one length, without NaN.

    At a closed end of a parameter's domain breaks may meet and jumps vanish (hard_threshold at tau = 0 is the
    identity), which the pieces of the open domain do not show; there the exact value is put in first.
    """
    if not values:
        return compute(act, q, {})
    if not _serves_arrays(act):
        return _joined(_by_sets(act, values), q, compute)
    for name, end in _closed_ends(act):
        at_end = values[name] == float(end)
        if at_end.any():
            rest = {other: value for other, value in values.items() if other != name}
            return _joined(((at_end, _bound(act, name, end), rest), (~at_end, act, values)), q, compute)
    return compute(act, q, values)


@lru_cache(maxsize=512)
def _closed_ends(act: Activation) -> tuple[tuple[str, sp.Expr], ...]:
    """The ends of the parameters' domains that belong to them."""
    ends = ((p, end) for p in act.free_parameters for end in (p.domain.inf, p.domain.sup))
    return tuple((parameter.name, end) for parameter, end in ends if bool(parameter.domain.contains(end)))


@lru_cache(maxsize=512)
def _bound(act: Activation, name: str, end: sp.Expr) -> Activation:
    return act.bind(**{name: end})


@lru_cache(maxsize=512)
def _serves_arrays(act: Activation) -> bool:
    """Whether the pieces are polynomials for all values of the parameters, with breaks of known sign."""
    if not is_polynomial(act):
        return False
    try:
        plan_for(act)
    except SymbolicParameterError:
        return False
    return True


Group = tuple["NDArray[np.bool_]", Activation, "dict[str, Array]"]


def _by_sets(act: Activation, values: dict[str, Array]) -> list[Group]:
    """An activation of its own for every set of values that occurs."""
    names = list(values)
    sets, which = np.unique(np.stack([values[name] for name in names]), axis=1, return_inverse=True)
    return [
        (which.ravel() == index, act.bind(**dict(zip(names, map(float, chosen), strict=True))), {})
        for index, chosen in enumerate(sets.T)
    ]


def _joined(groups: Iterable[Group], q: Array, compute: Compute) -> Results:
    out: Results = {}
    _fill(out, groups, q, compute)
    return out


def _fill(out: Results, groups: Iterable[Group], q: Array, compute: Compute) -> None:
    for mask, act, values in groups:
        if mask.any():
            part = _by_values(act, q[mask], {name: value[mask] for name, value in values.items()}, compute)
            for name, value in part.items():
                out.setdefault(name, np.empty(q.size))[mask] = value
