"""Where a table comes from: the closed forms behind it are verified before any row is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from .. import __version__
from ..activations import family, family_names
from ..errors import DomainError, TableFormatError
from ..formulas import derive
from ..verification import verify
from .schema import FormulaProvenance, Provenance


def verified_provenance(families: Sequence[str], digits: int, advance: Callable[[], None]) -> Provenance:
    """Verify the closed forms of each family to `digits` digits, calling `advance` after each.

    Raises
    ------
    DomainError
        A verification failed.
    """
    formulas = []
    for name in families:
        report = verify(family(name), digits)
        if not report.passed:
            raise DomainError(f"the closed forms of {name} failed verification: {report.summary()}")
        formulas.append(
            FormulaProvenance(
                family=name,
                sha256=derive(family(name)).digest,
                digits_verified=digits,
                max_relative_error=report.max_relative_error,
            )
        )
        advance()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Provenance(package="vmap-theory", version=__version__, created=created, formulas=tuple(formulas))


def refuse_other_formulas(provenance: Provenance, where: str) -> None:
    """Raise `TableFormatError` if a table of this version names formulas that this version does not derive."""
    for entry in provenance.formulas:
        known = entry.family in family_names()
        if provenance.version == __version__ and known and entry.sha256 != derive(family(entry.family)).digest:
            raise TableFormatError(f"{where} names other formulas of {entry.family} than this version derives.")


def require_lists(**given: object) -> None:
    """Raise `DomainError` unless each argument is a list, an array or another sequence with something in it."""
    for name, values in given.items():
        if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
            raise DomainError(f"{name} = {values!r} is not a list of values: give at least one value, in a list.")
