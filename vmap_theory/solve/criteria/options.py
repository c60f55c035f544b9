"""Which arguments belong to which criterion, and their checks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import beta

from ...checks import inside_open_interval, integer_between, positive
from ...errors import DomainError, UnknownNameError

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "slope": ("target",),
    "inflection": (),
    "saddle-node": (),
    "finite-width": ("width", "depth", "risk", "variance_range", "gradient_range", "chains", "seed"),
}
"""The criteria, each with the arguments that belong to it."""

CRITERIA = tuple(ARGUMENTS)
"""The criteria that `clipping_level` and `clipping_levels` know."""

CONFIDENCE = 0.95
_DEFAULTS = {"variance_range": 10.0, "gradient_range": 3.0, "chains": 2000, "seed": 0}
_NEEDED = {
    "width": "the number of units of a layer, 2 or more",
    "depth": "the number of layers, 1 or more",
    "risk": "the probability of leaving the range that you accept, such as 0.05",
}


@dataclass(frozen=True)
class FiniteWidth:
    """What criterion ``finite-width`` asks of a net.

    Attributes
    ----------
    width, depth : int
        Units of a layer, layers.
    risk : float
        Probability with which the net may leave the range.
    variance_range : float
        The variance stays between q_star over and q_star times this factor.
    gradient_range : float
        The gradient factor stays within so many decades of 1.
    chains, seed : int
        Size of the simulation.
    """

    width: int
    depth: int
    risk: float
    variance_range: float
    gradient_range: float
    chains: int
    seed: int


def require_criterion(criterion: object) -> None:
    """Raise `UnknownNameError` unless `criterion` is one of `CRITERIA`."""
    if criterion not in CRITERIA:
        raise UnknownNameError.among("criterion", criterion, CRITERIA)


def refuse_foreign_arguments(criterion: str, given: Mapping[str, object]) -> None:
    """Raise `DomainError` for an argument that is given (not None) and does not belong to the criterion."""
    for name, value in given.items():
        if value is not None and name not in ARGUMENTS[criterion]:
            home = next(other for other, names in ARGUMENTS.items() if name in names)
            raise DomainError(
                f"{name} = {value!r} does not belong to criterion {criterion!r}: leave it out, or choose criterion "
                f"{home!r}."
            )


def finite_width_options(given: Mapping[str, object]) -> FiniteWidth:
    """Return the checked arguments of criterion ``finite-width``.

    Raises
    ------
    DomainError, DtypeError
        One is missing, outside its domain or of another type, or the chains are too few for the risk.
    """
    for name, what in _NEEDED.items():
        if given.get(name) is None:
            raise DomainError(f"criterion 'finite-width' needs {name}: give {what}.")
    values = {name: _DEFAULTS.get(name) if value is None else value for name, value in given.items()}
    options = FiniteWidth(
        width=integer_between("width", values["width"], 2, 10**6),
        depth=integer_between("depth", values["depth"], 1, 10**6),
        risk=inside_open_interval("risk", values["risk"], 0, 1, "0.05 means that 1 net in 20 may fail."),
        variance_range=inside_open_interval("variance_range", values["variance_range"], 1, float("inf")),
        gradient_range=positive("gradient_range", values["gradient_range"]),
        chains=integer_between("chains", values["chains"], 2, 10**8),
        seed=integer_between("seed", values["seed"], 0, 2**63),
    )
    if lower_limit(options.chains, options.chains) < 1 - options.risk:
        raise DomainError(
            f"chains = {options.chains} are too few for risk = {options.risk:g}: even if none of them fails, the "
            f"probability of failure cannot be told to be below the risk. Give {_enough_chains(options.risk)} or more."
        )
    return options


def lower_limit(kept: int, chains: int) -> float:
    """Clopper and Pearson's lower confidence limit of a probability, from `kept` of `chains`."""
    return float(beta.ppf((1 - CONFIDENCE) / 2, kept, chains - kept + 1)) if kept else 0.0


def upper_limit(kept: int, chains: int) -> float:
    """Clopper and Pearson's upper confidence limit."""
    return float(beta.ppf((1 + CONFIDENCE) / 2, kept + 1, chains - kept)) if kept < chains else 1.0


def _enough_chains(risk: float) -> int:
    """The least number of chains, none of which fails, that shows a risk: (1 - risk)^chains below the half tail."""
    return math.ceil(math.log((1 - CONFIDENCE) / 2) / math.log1p(-risk))
