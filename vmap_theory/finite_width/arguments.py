"""Checks of the arguments that all of finite width shares: nets, starting variances, activations with slopes."""

from __future__ import annotations

import math
import numbers

from ..activations import Activation
from ..checks import integer_between, non_negative, positive, real_number
from ..errors import DomainError, DtypeError, NoEdgeOfChaosError
from ..variance_map import VarianceMap

MOST_UNITS = 10_000_000
MOST_LAYERS = 1_000_000
MOST_CHAINS = 100_000_000


def checked_map(vm: object) -> VarianceMap:
    """Return `vm`, or raise `DtypeError` if it is no variance map."""
    if not isinstance(vm, VarianceMap):
        raise DtypeError(f"{vm!r} is not a variance map: give a VarianceMap, such as edge_of_chaos(act).variance_map.")
    return vm


def checked_width(width: object) -> int:
    """Return a number of units per layer, at least 2."""
    return integer_between("width", width, 2, MOST_UNITS)


def checked_depth(depth: object) -> int:
    """Return a number of layers, at least 1."""
    return integer_between("depth", depth, 1, MOST_LAYERS)


def checked_chains(chains: object) -> int:
    """Return a number of chains, at least 2: one alone has no spread."""
    return integer_between("chains", chains, 2, MOST_CHAINS)


def checked_interval(low: object, high: object) -> tuple[float, float]:
    """Return two variances, 0 <= low < high; `high` may be infinite.

    Raises
    ------
    DomainError, DtypeError
        They are no such numbers.
    """
    bottom, top = _ends(("low", low), ("high", high))
    if not bottom < top:
        raise DomainError(f"low = {low}, high = {high} is no interval: low must lie below high.")
    return bottom, top


def checked_basin(basin: object) -> tuple[float, float]:
    """Return a pair (low, high) of variances, as `checked_interval` does; a list or an array will do."""
    pair = basin.tolist() if hasattr(basin, "tolist") else basin
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise DtypeError(f"basin = {basin!r} is no pair: give two variances (low, high), such as (0.2, 5.0).")
    bottom, top = _ends(("the low end of basin", pair[0]), ("the high end of basin", pair[1]))
    if not bottom < top:
        raise DomainError(f"basin = {basin} is no interval: its low end must lie below its high end.")
    return bottom, top


def _ends(low: tuple[str, object], high: tuple[str, object]) -> tuple[float, float]:
    infinite = isinstance(high[1], numbers.Real) and float(high[1]) == math.inf
    return non_negative(*low), math.inf if infinite else real_number(*high, "It may be infinite, too.")


def starting_variance(vm: VarianceMap, q_0: object | None) -> float:
    """Return `q_0`, or where it is None the variance q* for which the map was made.

    Raises
    ------
    DomainError, DtypeError
        `q_0` is no number > 0, or it was left out and the map knows no q*.
    """
    if q_0 is not None:
        return positive("q_0", q_0, "It is the pre-activation variance in the first layer.")
    if vm.q_star is None:
        raise DomainError(
            "q_0 = None is outside its domain: this variance map was not made for a q*, so the chain has no starting "
            "point. Give q_0, a pre-activation variance > 0, for instance a q of fixed_points(vm)."
        )
    return vm.q_star


def require_slopes(act: Activation, purpose: str, otherwise: str = "") -> None:
    """Raise `NoEdgeOfChaosError` if E[phi'^2] of `act` is infinite, so that gradients are undefined."""
    if not act.slope_is_infinite:
        return
    places = ", ".join(f"{float(point.at):g}" for point in act.jumps)
    cause = f"jumps at x = {places}" if places else "has an infinite slope"
    raise NoEdgeOfChaosError(
        f"{act.label} {cause}, so {purpose} is undefined: use a continuous activation of finite slope, for instance "
        f"soft_threshold in place of hard_threshold{otherwise}."
    )
