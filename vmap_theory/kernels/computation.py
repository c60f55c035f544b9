"""What a library evaluates and differentiates: functionals of an activation as functions of q and its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sympy as sp

from ..activations import Activation
from .evaluation import Evaluation
from .functionals import Functional, moment_functionals
from .layout import layout_for

if TYPE_CHECKING:
    from .libraries import ArrayLibrary


@dataclass(frozen=True)
class Computation:
    """Functionals of an activation at arrays of q and of its free parameters, in their order.

    Attributes
    ----------
    act : Activation
        Whose parameters they are.
    functionals : tuple of Functional
        What to evaluate.
    """

    act: Activation
    functionals: tuple[Functional, ...]

    def values(self, q: Any, parameters: Sequence[Any], library: ArrayLibrary) -> tuple[Any, ...]:
        """The values of the functionals."""
        return tuple(self._evaluation(q, parameters, library).values())

    def values_and_bounds(
        self, q: Any, parameters: Sequence[Any], library: ArrayLibrary
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The values and bounds of their absolute errors."""
        evaluation = self._evaluation(q, parameters, library)
        values = evaluation.values()
        return tuple(values), tuple(evaluation.bounds(values))

    def logarithms(self, q: Any, parameters: Sequence[Any], library: ArrayLibrary) -> tuple[Any, ...]:
        """The logarithms of the absolute values, then the signs."""
        found = self._evaluation(q, parameters, library).logarithms()
        return (*(logarithm for logarithm, _ in found), *(sign for _, sign in found))

    def ratios(self, under: Computation, q: Any, parameters: Sequence[Any], library: ArrayLibrary) -> tuple[Any, ...]:
        """The values over those of another computation of the same activation, also where both underflow."""
        both = Computation(self.act, self.functionals + under.functionals)
        return tuple(both._evaluation(q, parameters, library).ratios())

    def derivative(self, argument: int) -> Computation:
        """The derivatives of all functionals in one argument: 0 is q, then the parameters."""
        return _derivative(self, argument)

    def _evaluation(self, q: Any, parameters: Sequence[Any], library: ArrayLibrary) -> Evaluation:
        names = (parameter.name for parameter in self.act.free_parameters)
        values = dict(zip(names, parameters, strict=True))
        dimensions = moment_functionals(self.act).plan.dimensions
        return Evaluation(layout_for(self.functionals), q, values, dimensions, may_be_infinite(self.act), library)


@lru_cache(maxsize=1024)
def _derivative(found: Computation, argument: int) -> Computation:
    if argument == 0:
        return Computation(found.act, tuple(functional.in_q() for functional in found.functionals))
    parameter = found.act.free_parameters[argument - 1]
    dimension = moment_functionals(found.act).plan.dimensions.get(parameter.name, 0)
    return Computation(
        found.act, tuple(functional.in_parameter(parameter.symbol, dimension) for functional in found.functionals)
    )


def may_be_infinite(act: Activation) -> frozenset[str]:
    """Names of the parameters for which the family declares a limit at infinity.

    Not kept: activations are equal, whatever limits they declare.
    """
    declared = {limit.parameter for limit in act.limits if limit.value == sp.oo}
    return frozenset(p.name for p in act.free_parameters if p.name in declared and p.domain.sup == sp.oo)
