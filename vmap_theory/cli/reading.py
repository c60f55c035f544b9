"""From the words of a command line to activations and maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import DomainError, UnknownNameError
from .options import refuse_with, refuse_without
from .words import Words, read_words

if TYPE_CHECKING:
    from ..activations import Activation
    from ..variance_map import VarianceMap

# Heavy modules (SymPy, NumPy) are imported inside the functions, so that --help answers at once.

_TARGETS = (0.5, 0.7, 0.9)


def activation_from_words(name: str, words: Sequence[str] | None = None, *, symbolic: bool = False) -> Activation:
    """Return a registered activation, or one parsed from an expression; `symbolic`: without customary values.

    `words` are values and, for an expression, domains of its parameters, as `read_words` reads them.
    """
    return _activation(name, read_words(words or ()), symbolic=symbolic)


def activation_and_values(name: str, words: Sequence[str] | None) -> tuple[Activation, dict[str, float]]:
    """Return an activation without the values that `words` give its parameters, and these values."""
    said = read_words(words or ())
    values = {parameter: float(value) for parameter, value in said.values.items()}
    return _activation(name, Words(domains=said.domains, integers=said.integers)), values


def activation_in_one_word(text: str) -> Activation:
    """Read ``name`` or ``name:tau=1,m=2``; commas inside brackets part no words."""
    name, _, words = text.partition(":")
    return activation_from_words(name, _parted(words) if words else None)


def map_on_edge(act: Activation, q_star: float, sparsity: float | None, target: float | None) -> VarianceMap:
    """Return the map on the edge of chaos at `q_star`, threshold and clipping level chosen if they are free."""
    from ..solve import clipping_level, edge_of_chaos

    if sparsity is None:
        refuse_without("--sparsity", {"--target": target})
        return edge_of_chaos(act, q_star).variance_map
    if len(act.free_parameters) > 1:
        return clipping_level(act, sparsity, q_star, target=target).variance_map
    refuse_with(f"{act.name}, which has no free clipping level", {"--target": target})
    return edge_of_chaos(with_threshold(act, sparsity, q_star), q_star).variance_map


def maps_on_edge(
    names: Sequence[str], q_star: float, sparsity: float | None, targets: Sequence[float] | None
) -> tuple[list[VarianceMap], list[tuple[str, ...]]]:
    """Return maps on the edge of chaos, clipped families one for each target, and the words for their labels."""
    maps, labels = [], []
    if sparsity is None:
        refuse_without("--sparsity", {"--target": targets})
    for name in names:
        act = activation_in_one_word(name)
        is_clipped = sparsity is not None and len(act.free_parameters) > 1
        for target in (targets or _TARGETS) if is_clipped else (None,):
            vm = map_on_edge(act, q_star, sparsity, target)
            maps.append(vm)
            labels.append(_label(act, vm, sparsity, target))
    return maps, labels


def with_threshold(act: Activation, sparsity: float, q_star: float) -> Activation:
    """Return an activation with the threshold that gives a sparsity at `q_star`."""
    from ..solve import threshold_for_sparsity
    from ..solve.threshold import threshold_parameter

    threshold, _ = threshold_parameter(act)
    return act.bind(**{threshold: threshold_for_sparsity(act, sparsity, q_star)})


def _activation(name: str, said: Words, *, symbolic: bool = False) -> Activation:
    from ..activations import activation, family, family_names
    from ..parsing import parse_activation, parse_expression

    if name in family_names():
        if said.domains:
            own = ", ".join(f"{p.name} in {p.domain_text}" for p in family(name).parameters) or "none"
            raise DomainError(
                f"{next(iter(said.domains))}: the parameters of {name} have domains of their own ({own}). "
                "Give values; domains are for an activation given as an expression."
            )
        return family(name).bind(**said.values) if symbolic else activation(name, **said.values)
    if name.isidentifier() and name != "x":
        raise UnknownNameError.among("activation", name, family_names())
    held = {symbol.name for symbol in parse_expression(name).free_symbols} - {"x"}
    for parameter in (*said.values, *said.domains):
        if parameter not in held:
            raise UnknownNameError.among("parameter of the expression", parameter, held)
    return parse_activation(name, name=name, parameters=said.declared(), **said.values)


def _parted(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _label(act: Activation, vm: VarianceMap, sparsity: float | None, target: float | None) -> tuple[str, ...]:
    from ..solve.clipping import level_parameter
    from ..solve.threshold import threshold_parameter

    if sparsity is None:
        return (act.label,)
    if target is None:
        return act.name, f"sparsity {sparsity:g}", "not clipped"
    threshold, _ = threshold_parameter(act)
    m = float(dict(vm.activation.values)[level_parameter(act, threshold)])
    return act.name, f"sparsity {sparsity:g}", f"$V'(q^*) = {target:g}$, $m = {m:.4g}$"
