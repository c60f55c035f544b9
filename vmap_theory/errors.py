"""Every error that the package raises on purpose.

Each derives from `VmapTheoryError` and from the built-in that fits, so that both ``except vt.VmapTheoryError``
and ``except ValueError`` work.  A message names the value, the allowed domain and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VmapTheoryError(Exception):
    """Base of all errors raised on purpose."""


class DomainError(VmapTheoryError, ValueError):
    """A number lies outside its domain: NaN, infinite, negative, out of range."""


class DtypeError(VmapTheoryError, TypeError):
    """A value has the wrong type: complex, text, an object that is not a number."""


class UnknownNameError(VmapTheoryError, LookupError):
    """A name is not known: an activation, a parameter, a criterion, a kind of plot."""

    @classmethod
    def among(cls, what: str, name: object, known: Iterable[str]) -> UnknownNameError:
        """Build the error for `name`, with the nearest of the `known` names offered.

        Examples
        --------
        >>> str(UnknownNameError.among("activation", "crelo", ["crelu", "cst"]))
        "unknown activation 'crelo'. Did you mean 'crelu'? Known: crelu, cst."
        """
        names = sorted(known)
        near = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return cls(f"unknown {what} {str(name)!r}.{hint} Known: {', '.join(names) or 'none'}.")


class ExpressionError(VmapTheoryError, ValueError):
    """A text or an expression cannot be read as an activation."""


class PiecesError(VmapTheoryError, ValueError):
    """Pieces overlap, leave a gap, or their order depends on the parameters."""


class SymbolicParameterError(VmapTheoryError, ValueError):
    """A numeric routine was given an activation with parameters that have no value."""


class NoEdgeOfChaosError(VmapTheoryError, ArithmeticError):
    """E[phi'^2] is zero or infinite, so no weight variance gives chi_1 = 1."""


class InfeasibleError(VmapTheoryError, ArithmeticError):
    """The edge of chaos would need a negative bias variance, or no parameter reaches the target."""


class DegenerateMapError(VmapTheoryError, ArithmeticError):
    """V(q) = q on a whole interval: fixed points are not isolated."""


class PrecisionError(VmapTheoryError, ArithmeticError):
    """A high-precision computation did not reach the digits asked for."""


class TableFormatError(VmapTheoryError, ValueError):
    """A table file is corrupt, of a later version, or does not fit its schema."""


class LostWorkerError(VmapTheoryError, RuntimeError):
    """Processes or machines of a sweep went away, more often than is tried again."""


class FileOutputError(VmapTheoryError, OSError):
    """A file could not be written."""


class MissingExtraError(VmapTheoryError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def needing(cls, purpose: str, extra: str) -> MissingExtraError:
        """Build the error that says which extra to install for `purpose`."""
        return cls(
            f"{purpose} needs an optional dependency. Install it with: pip install 'vmap-theory[{extra}]' "
            f"(in a checkout: pip install '.[{extra}]')."
        )
