"""The words after an activation: values and domains of its parameters.  They are parsed, never evaluated.

::

    word   = NAME "=" number                                       a value
           | NAME relation number | number relation NAME           a half-line, such as tau>=0
           | number relation NAME relation number                  an interval, such as 0<a<1
           | NAME "in" ("[" | "(") end "," end ("]" | ")")         the same, such as tau in [0, oo)
           | NAME "in" integer ".." (integer | "oo")               integers, both ends among them
    relation = "<" | "<=" | ">" | ">="
    end      = number | "oo" | "-oo"

A number is an expression without names, such as 0.3 (exactly 3/10), 1/3 or sqrt(2).  Several domains of one parameter
are taken together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import DomainError, ExpressionError

if TYPE_CHECKING:
    import sympy as sp

    from ..activations import Parameter

GRAMMAR = (
    "Write PARAMETER=NUMBER (tau=1) for a value; for a domain 'tau>=0', 'a>2', '0<a<1', 'tau in [0, oo)' or, for "
    "integers, 'degree in 1..8', in quotes. The activation comes first, then its parameters."
)

_VALUE = re.compile(r"\s*(\w+)\s*=(?!=)(.*)", re.DOTALL)
_MEMBER = re.compile(r"\s*(\w+)\s+in\s+(.*)", re.DOTALL)
_INTEGERS = re.compile(r"\s*([+-]?\d+)\s*\.\.\s*([+-]?\d+|oo)\s*")
_INTERVAL = re.compile(r"\s*([\[(])([^,]*),([^,]*)([\])])\s*")
_RELATION = re.compile(r"<=|>=|<|>")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

_TYPICAL = (0.2, 2.5)
_MOST_INTEGERS = 8


@dataclass
class Words:
    """What the words say: values, and domains with whether only integers are in them."""

    values: dict[str, Any] = field(default_factory=dict)
    domains: dict[str, sp.Set] = field(default_factory=dict)
    integers: set[str] = field(default_factory=set)

    def declared(self) -> list[Parameter]:
        """The parameters that have a domain.

        Raises
        ------
        DomainError
            A domain is empty, holds one number, or is too narrow for float64.
        """
        return [self._parameter(name, domain) for name, domain in self.domains.items()]

    def _parameter(self, name: str, domain: sp.Set) -> Parameter:
        import sympy as sp

        from ..activations import Parameter

        whole = name in self.integers
        if whole and domain != sp.S.EmptySet:
            low, high = sp.ceiling(domain.inf), sp.floor(domain.sup)
            low, high = (end + step if end not in domain else end for end, step in ((low, 1), (high, -1)))
            domain = sp.Interval(low, high)
        if domain == sp.S.EmptySet:
            raise DomainError(f"the domain of {name} is empty: its ends contradict each other.")
        if not isinstance(domain, sp.Interval):
            (only,) = domain
            raise DomainError(f"the domain of {name} holds {only} alone: give the value, {name}={only}.")
        typical = _typical(domain, whole)
        if not all(sp.Rational(end) in domain for end in typical):
            raise DomainError(f"the domain of {name} is too narrow for float64: give a value.")
        return Parameter(name, domain, typical, integer=whole)


def read_words(words: Iterable[str]) -> Words:
    """Read the words after an activation.

    Raises
    ------
    ExpressionError
        A word is neither a value nor a domain, names no parameter, or gives a second value.
    DomainError
        A number is not finite or holds names.

    Examples
    --------
    >>> found = read_words(["tau=1/3", "0<a<=1", "n in 1..4"])
    >>> found.values, found.domains, found.integers
    ({'tau': 1/3}, {'a': Interval.Lopen(0, 1), 'n': Interval(1, 4)}, {'n'})
    """
    found = Words()
    for word in words:
        if match := _VALUE.fullmatch(word):
            name = _parameter_name(match[1], word)
            if name in found.values:
                raise ExpressionError(f"{name} is given twice: give each parameter once.")
            found.values[name] = _number(match[2], name, word)
            continue
        name, domain, whole = _domain(word)
        found.domains[name] = found.domains[name].intersect(domain) if name in found.domains else domain
        if whole:
            found.integers.add(name)
    return found


def _domain(word: str) -> tuple[str, sp.Set, bool]:
    import sympy as sp

    if match := _MEMBER.fullmatch(word):
        name = _parameter_name(match[1], word)
        if integers := _INTEGERS.fullmatch(match[2]):
            low, high = (_end(text, name, word) for text in integers.groups())
            return name, sp.Interval(low, high), True
        if interval := _INTERVAL.fullmatch(match[2]):
            low, high = _end(interval[2], name, word), _end(interval[3], name, word)
            return name, sp.Interval(low, high, interval[1] == "(", interval[4] == ")"), False
        raise _unreadable(word)
    return (*_compared(word), False)


def _compared(word: str) -> tuple[str, sp.Set]:
    """The domain that a chain of one or two relations describes."""
    import sympy as sp

    sides, relations = [side.strip() for side in _RELATION.split(word)], _RELATION.findall(word)
    at = 0 if len(sides) == 2 and _is_name(sides[0]) else 1
    if len(sides) not in (2, 3) or not _is_name(sides[at]):
        raise _unreadable(word)
    name = _parameter_name(sides[at], word)
    domain: sp.Set = sp.S.Reals
    for index, relation in enumerate(relations):
        other = sides[index] if index < at else sides[index + 1]
        number = _number(other, name, word)
        seen = _MIRRORED[relation] if index < at else relation  # as if the name stood on the left
        half = (number, sp.oo) if seen[0] == ">" else (-sp.oo, number)
        domain = domain.intersect(sp.Interval(*half, left_open=seen == ">", right_open=seen == "<"))
    return name, domain


def _is_name(text: str) -> bool:
    from ..parsing import CONSTANTS

    return text.isidentifier() and text not in CONSTANTS


def _parameter_name(name: str, word: str) -> str:
    from ..activations.parameters import RESERVED_NAMES

    if name in RESERVED_NAMES:
        raise ExpressionError(f"{name!r} is reserved and names no parameter.")
    if not name.isidentifier():
        raise _unreadable(word)
    return name


def _end(text: str, name: str, word: str) -> sp.Expr:
    """An end of an interval, which may be infinite."""
    import sympy as sp

    infinite = {"oo": sp.oo, "+oo": sp.oo, "-oo": -sp.oo}
    return infinite[text.strip()] if text.strip() in infinite else _number(text, name, word)


def _number(text: str, name: str, word: str) -> sp.Expr:
    from ..activations.parameters import exact_number
    from ..parsing import parse_expression

    try:
        value = parse_expression(text)
    except ExpressionError as error:
        raise ExpressionError(f"{word!r}: {str(error).rstrip('.')}. {GRAMMAR}") from None
    if value.free_symbols:
        raise DomainError(f"{word!r}: {text.strip()} is not a finite number: give one, such as {name}=1 or {name}=1/3.")
    return exact_number(name, value)


def _unreadable(word: str) -> ExpressionError:
    return ExpressionError(f"{word!r} is neither a value nor a domain. {GRAMMAR}")


def _typical(domain: sp.Interval, whole: bool) -> tuple[float, float]:
    """Values to draw from: away from the ends, and not far from 0 or from a finite end."""
    low, high = float(domain.inf), float(domain.sup)
    infinite = float("inf")
    if whole:  # the grammar gives them a least one
        return low, min(high, low + _MOST_INTEGERS - 1)
    if low == -infinite and high == infinite:
        return -_TYPICAL[1], _TYPICAL[1]
    if high == infinite:
        unit = max(1.0, abs(low) / 2)
        return low + unit * _TYPICAL[0], low + unit * _TYPICAL[1]
    if low == -infinite:
        unit = max(1.0, abs(high) / 2)
        return high - unit * _TYPICAL[1], high - unit * _TYPICAL[0]
    return low + (high - low) / 10, high - (high - low) / 10
