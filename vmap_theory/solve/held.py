"""What is held fixed while q* varies: from words to the parameters of an activation at every q*."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation
from ..checks import positive, real_array
from ..errors import DomainError, InfeasibleError, NoEdgeOfChaosError, UnknownNameError
from ..kernels.arguments import check_extremes, checked_names
from .arguments import broadcast, checked_array
from .criteria.family import ClippedFamily
from .criteria.slope import slope_ratios, slope_target
from .status import SolveStatus
from .threshold import probability, thresholds_for_sparsity

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

HOLDS = ("parameters", "threshold-and-slope", "level-and-sparsity", "sparsity-and-slope")
"""What `vary_q_star` can hold fixed."""

_CHECKS = {"sparsity": probability, "slope": slope_target}
_CUSTOMARY = {"sparsity": 0.85, "slope": 0.7}


@dataclass(frozen=True, eq=False)
class Held:
    """Parameters at every q*: flat arrays, NaN where there is none.

    Attributes
    ----------
    shape : tuple of int
        To which everything given broadcasts.
    q_star, tau, m : array
        Variances, thresholds and levels; the latter NaN if the activation has none.
    parameters : mapping of str to array
        A value for every free parameter.
    status : array of uint8
        Numbers of `SolveStatus`.
    """

    shape: tuple[int, ...]
    q_star: Array
    tau: Array
    m: Array
    parameters: Mapping[str, Array]
    status: NDArray[np.uint8]


def held_parameters(
    act: Activation,
    q_star: ArrayLike,
    hold: str,
    targets: Mapping[str, ArrayLike | None],
    parameters: Mapping[str, ArrayLike],
) -> Held:
    """Find the parameters that keep fixed what `hold` says, at every q*.

    Raises
    ------
    UnknownNameError, DomainError, DtypeError, InfeasibleError, SymbolicParameterError
        As `vary_q_star` does.
    """
    if hold not in HOLDS:
        raise UnknownNameError.among("way of holding", hold, HOLDS)
    family = None if hold == "parameters" else ClippedFamily.of(act)
    wanted = _wanted(act, hold, family)
    given = {name: value for name, value in {**targets, **parameters}.items() if value is not None}
    _require(act, hold, wanted, given)
    arrays = {"q_star": checked_array("q_star", q_star, positive)}
    for name in wanted:
        arrays[name] = _checked(act, name, given[name])
    shape, flat = broadcast(arrays)
    missing = np.any([np.isnan(array) for array in flat.values()], axis=0)
    flat = {name: np.where(missing, np.nan, array) for name, array in flat.items()}
    if family is None:
        found, status = {name: flat[name] for name in wanted}, np.zeros(missing.size, dtype=np.uint8)
    else:
        found, status = _solved(family, flat)
    status[missing] = SolveStatus.MISSING
    threshold, level = _roles(act) if family is None else (family.threshold, family.level)
    fixed = {name: np.full(missing.size, float(value)) for name, value in act.values}
    nothing = np.full(missing.size, np.nan)
    tau, m = ((fixed | found).get(name, nothing) for name in (threshold, level))
    return Held(shape, flat["q_star"], tau, m, found, status)


def _wanted(act: Activation, hold: str, family: ClippedFamily | None) -> list[str]:
    """Names of what has to be given."""
    if family is None:
        return [parameter.name for parameter in act.free_parameters]
    names = {"threshold": family.threshold, "level": family.level}
    return [names.get(word, word) for word in hold.split("-and-")]


def _require(act: Activation, hold: str, wanted: list[str], given: Mapping[str, Any]) -> None:
    """Raise unless exactly what is wanted is given."""
    if hold == "parameters":
        checked_names(act, {name: value for name, value in given.items() if name not in _CHECKS})
    free = {parameter.name for parameter in act.free_parameters}
    for name in given:
        if name not in free and name not in _CHECKS:
            raise UnknownNameError.among(f"free parameter of {act.name}", name, free)
    usage = ", ".join(f"{name}={_CUSTOMARY.get(name, 1.0)}" for name in wanted) or "nothing more"
    missing, unwanted = [n for n in wanted if n not in given], [n for n in given if n not in wanted]
    if missing:
        raise DomainError(f"hold = '{hold}' needs a value for {' and '.join(missing)} of {act.name}: give {usage}.")
    if unwanted:
        raise DomainError(
            f"hold = '{hold}' does not hold {' and '.join(unwanted)} of {act.name}, which follows from the rest: "
            f"give {usage}, or hold something else ({', '.join(HOLDS)})."
        )


def _checked(act: Activation, name: str, value: ArrayLike) -> Array:
    if name in _CHECKS:
        return checked_array(name, value, _CHECKS[name])
    array = real_array(name, value, finite=False)
    check_extremes(act, name, array)
    return array


def _solved(family: ClippedFamily, flat: Mapping[str, Array]) -> tuple[dict[str, Array], NDArray[np.uint8]]:
    """Threshold and level, and what became of each."""
    q = flat["q_star"]
    if family.threshold in flat:
        tau = flat[family.threshold]
    else:
        tau = thresholds_for_sparsity(family.act, flat["sparsity"], q)
    m = flat[family.level] if family.level in flat else _levels(family, tau, q, flat["slope"])
    unsolved = [np.isnan(tau), np.isnan(m)]
    status = np.select(unsolved, [SolveStatus.NO_THRESHOLD, SolveStatus.NO_LEVEL], SolveStatus.SOLVED)
    return {family.threshold: tau, family.level: m}, status.astype(np.uint8)


def _levels(family: ClippedFamily, tau: Array, q: Array, slope: Array) -> Array:
    """The levels at which V'(q*) is `slope`, NaN where there is none."""
    m = np.full(q.shape, np.nan)
    known = ~np.isnan(tau)
    m[known] = slope_ratios(family, tau[known], q[known], slope[known]) * np.sqrt(q[known])
    return m


def _roles(act: Activation) -> tuple[str, str]:
    """Names of threshold and level: those that the activation shows, else the customary ones."""
    try:
        family = ClippedFamily.of(act)
    except (InfeasibleError, NoEdgeOfChaosError):
        return "tau", "m"
    return family.threshold, family.level
