"""Tables of edges of chaos on disk: a schema that is checked on writing and on reading, JSON and CSV, lossless.

A table says where it comes from: package version, a hash of the closed forms behind each family, and to how many
digits they were verified when the table was made.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from . import __version__
from .activations import family, family_names
from .checks import inside_open_interval, positive
from .errors import DegenerateMapError, DomainError, TableFormatError, VmapTheoryError
from .files import write_atomically
from .formulas import derive
from .kernels import gaussian_moments
from .solve import EdgeOfChaos, FixedPoint, clipping_level, edge_of_chaos, fixed_points, threshold_for_sparsity
from .solve.threshold import threshold_parameter
from .verification import MOST_DIGITS, verify

SCHEMA_NAME = "vmap-theory/eoc-table"
SCHEMA_VERSION = 1
_SLOPE_TOLERANCE = 1e-9
_RECOMPUTED = 1e-9
_CSV_LISTS = ("fixed_points", "stabilities")

Probability = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Stability = Literal["stable", "unstable", "semi-stable"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class EocRow(_Strict):
    """One edge of chaos: the arguments, the parameters and variances found, and all fixed points of the map."""

    family: str
    sparsity: Probability
    q_star: Positive
    target: Probability | None = Field(description="V'(q_star) asked for; None for an unclipped family")
    tau: NonNegative
    m: Positive | None
    sigma_w2: Positive
    sigma_b2: NonNegative
    slope: float = Field(description="V'(q_star) reached")
    curvature: float = Field(description="V''(q_star)")
    fixed_points: tuple[Positive, ...]
    stabilities: tuple[Stability, ...]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(self.fixed_points) != len(self.stabilities):
            raise ValueError("there must be one stability for each fixed point")
        if (self.target is None) != (self.m is None):
            raise ValueError("a row has both a target and a level m, or neither")
        if list(self.fixed_points) != sorted(self.fixed_points):
            raise ValueError("fixed points must ascend")
        if self.target is not None and abs(self.slope - self.target) > _SLOPE_TOLERANCE:
            raise ValueError(f"slope {self.slope} is not the target {self.target}")
        return self


class FormulaProvenance(_Strict):
    """Which closed forms a family's rows rest on, and how they were checked."""

    family: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    digits_verified: Annotated[int, Field(ge=5, le=MOST_DIGITS)]
    max_relative_error: NonNegative

    @model_validator(mode="after")
    def _was_verified(self) -> Self:
        if not self.max_relative_error < 10.0**-self.digits_verified:
            raise ValueError(f"error {self.max_relative_error:g} does not verify {self.digits_verified} digits")
        return self


class Provenance(_Strict):
    """Where a table comes from."""

    package: Literal["vmap-theory"]
    version: Annotated[str, Field(min_length=1)]
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", description="UTC, ISO 8601")]
    formulas: Annotated[tuple[FormulaProvenance, ...], Field(min_length=1)]


class EocTable(_Strict):
    """A table of edges of chaos; make one with `eoc_table`, read one with `read_eoc_table`."""

    schema_name: Literal["vmap-theory/eoc-table"] = Field(default="vmap-theory/eoc-table", alias="schema")
    schema_version: Literal[1] = 1
    provenance: Provenance
    rows: Annotated[tuple[EocRow, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rows_have_provenance(self) -> Self:
        missing = {row.family for row in self.rows} - {entry.family for entry in self.provenance.formulas}
        if missing:
            raise ValueError(f"rows of {', '.join(sorted(missing))} have no provenance")
        return self

    def to_json(self) -> str:
        """The table as JSON text; every float is written so that it reads back to the same bits."""
        return json.dumps(self._checked(), indent=1) + "\n"

    def to_csv(self) -> str:
        """The table as CSV text: one comment line with schema and provenance, a header, a line a row."""
        content = self._checked()
        rows = content.pop("rows")
        content["row_count"] = len(rows)  # tells a file that was cut off at the end of a line
        stream = io.StringIO()
        stream.write(f"# {json.dumps(content)}\n")
        writer = csv.DictWriter(stream, fieldnames=list(EocRow.model_fields), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _csv_cell(value) for key, value in row.items()})
        return stream.getvalue()

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to ``*.json`` or ``*.csv``, by rename, so that no half-written file is ever seen.

        Raises
        ------
        TableFormatError
            Another suffix, or content that does not fit the schema.
        FileOutputError
            The file cannot be written.
        """
        suffix = require_suffix(path)
        return write_atomically(path, self.to_json() if suffix == ".json" else self.to_csv())

    def _checked(self) -> dict[str, Any]:
        content = self.model_dump(mode="json", by_alias=True)
        _validated(content, "the table to be written")
        return content


def eoc_table(
    families: Sequence[str],
    sparsities: Sequence[float],
    targets: Sequence[float] = (0.5, 0.7, 0.9),
    q_stars: Sequence[float] = (1.0,),
    *,
    digits: int = 50,
    on_progress: Callable[[int, int], None] | None = None,
) -> EocTable:
    """Compute the table of edges of chaos over (family, sparsity, q_star, target).

    Parameters
    ----------
    families : sequence of str
        Families with a threshold; clipped ones give a row for each target, unclipped ones a row without m and target.
    sparsities, targets, q_stars : sequences of float
        The grid; see `clipping_level`.
    digits : int
        The closed forms of each family are verified to this many digits first.
    on_progress : callable, optional
        Called as ``on_progress(done, total)``.

    Raises
    ------
    VmapTheoryError
        Any combination that has no edge of chaos; the message names it.

    Examples
    --------
    >>> table = eoc_table(["crelu"], [0.85], [0.5], digits=20)
    >>> round(table.rows[0].m, 4), table.provenance.formulas[0].digits_verified
    (0.8095, 20)
    """
    for name, values in {
        "families": families,
        "sparsities": sparsities,
        "targets": targets,
        "q_stars": q_stars,
    }.items():
        if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
            raise DomainError(f"{name} = {values!r} is not a list of values: give at least one value, in a list.")
    jobs = [job for name in families for job in _combinations(name, sparsities, q_stars, targets)]
    total = len(families) + len(jobs)
    steps = iter(range(1, total + 1))

    def advance() -> None:
        if on_progress is not None:
            on_progress(next(steps), total)

    formulas = []
    for name in families:
        report = verify(family(name), digits)
        if not report.passed:
            raise DomainError(f"the closed forms of {name} failed verification: {report.summary()}")
        error = report.max_relative_error
        formulas.append(
            FormulaProvenance(
                family=name,
                sha256=derive(family(name)).digest,
                digits_verified=digits,
                max_relative_error=error,
            )
        )
        advance()
    rows = []
    for job in jobs:
        rows.append(_row(*job))
        advance()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = Provenance(package="vmap-theory", version=__version__, created=created, formulas=tuple(formulas))
    return EocTable(provenance=provenance, rows=tuple(rows))


def read_eoc_table(path: str | os.PathLike[str]) -> EocTable:
    """Read a table that `EocTable.write` wrote, JSON or CSV by its suffix.

    Raises
    ------
    TableFormatError
        The file is missing, corrupt, of a later schema version, or a field does not fit; the message names the field.
    """
    suffix = require_suffix(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError, TypeError) as error:
        raise TableFormatError(f"cannot read {path}: {error}.") from None
    content = _json_object(text, path) if suffix == ".json" else _csv_object(text, path)
    return _validated(content, str(path))


def _combinations(
    name: str, sparsities: Iterable[float], q_stars: Iterable[float], targets: Iterable[float]
) -> list[tuple[str, float, float, float | None]]:
    unbound = family(name)
    threshold, _ = threshold_parameter(unbound)
    clipped = any(parameter.name != threshold for parameter in unbound.free_parameters)
    checked_s = [inside_open_interval("sparsity", s, 0, 1) for s in sparsities]
    checked_q = [positive("q_star", q) for q in q_stars]
    wanted = [inside_open_interval("target", t, 0, 1) for t in targets] if clipped else [None]
    return [(name, *rest) for rest in itertools.product(checked_s, checked_q, wanted)]


def _row(name: str, sparsity: float, q_star: float, target: float | None) -> EocRow:
    m: float | None
    found: Any
    try:
        if target is None:
            tau, m = threshold_for_sparsity(name, sparsity, q_star), None
            found = _unclipped(name, tau, q_star)
        else:
            found = clipping_level(name, sparsity, q_star, target=target)
            tau, m = found.tau, found.m
        try:
            points: Sequence[FixedPoint] = fixed_points(found.variance_map)
        except DegenerateMapError:  # the whole line is fixed, to rounding: no point to list
            points = ()
    except VmapTheoryError as error:
        where = f"{name}, sparsity {sparsity:g}, q_star {q_star:g}" + (f", target {target:g}" if target else "")
        raise type(error)(f"no row for {where}: {error}") from None
    return EocRow(
        family=name,
        sparsity=sparsity,
        q_star=q_star,
        target=target,
        tau=tau,
        m=m,
        sigma_w2=found.sigma_w2,
        sigma_b2=found.sigma_b2,
        slope=found.slope,
        curvature=found.curvature,
        fixed_points=tuple(point.q for point in points),
        stabilities=tuple(cast("Stability", point.stability) for point in points),
    )


def _unclipped(name: str, tau: float, q_star: float) -> EdgeOfChaos:
    threshold, _ = threshold_parameter(family(name))
    return edge_of_chaos(family(name).bind(**{threshold: tau}), q_star)


def _validated(content: Any, where: str) -> EocTable:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA_NAME:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise TableFormatError(f"{where} is no edge-of-chaos table: its schema is {found!r}, not {SCHEMA_NAME!r}.")
    version = content.get("schema_version")
    if type(version) is not int:
        raise TableFormatError(f"{where} has schema_version {version!r}: expected the integer {SCHEMA_VERSION}.")
    if version > SCHEMA_VERSION:
        raise TableFormatError(
            f"{where} has schema version {version}, and this version of vmap-theory reads up to {SCHEMA_VERSION}: "
            "upgrade with pip install --upgrade vmap-theory."
        )
    try:
        # From text, so that JSON's arrays may stand for tuples although all else is strict.
        table = EocTable.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise TableFormatError(
            f"{where} does not fit the schema at {field}: {first['msg']}, found {str(first['input'])[:60]!r}{more}."
        ) from None

    _refuse_wrong_numbers(table, where)
    return table


def _refuse_wrong_numbers(table: EocTable, where: str) -> None:
    """Compute the rows again from tau, m and q_star, so that numbers edited by hand do not pass.

    Fixed points are put into V and V': each must solve V(q) = q with a slope that fits its stability.  Whether one was
    left out is not looked for; that would take as long as making the table.
    """
    keys = [(row.family, row.sparsity, row.q_star, row.target) for row in table.rows]
    if len(set(keys)) < len(keys):
        raise TableFormatError(f"{where} has two rows with the same family, sparsity, q_star and target.")
    for entry in table.provenance.formulas:
        known = entry.family in family_names()
        if table.provenance.version == __version__ and known and entry.sha256 != derive(family(entry.family)).digest:
            raise TableFormatError(f"{where} names other formulas of {entry.family} than this version derives.")
    for name in dict.fromkeys(row.family for row in table.rows):
        chosen = [(index, row) for index, row in enumerate(table.rows) if row.family == name]
        try:
            with np.errstate(all="ignore"):
                wrong = _wrong_field(name, chosen)
        except VmapTheoryError as error:
            raise TableFormatError(f"{where} has rows of {name} that cannot be computed again: {error}") from None
        if wrong:
            raise TableFormatError(f"{where} is wrong at {wrong}: computed again, it does not agree.")


def _wrong_field(name: str, chosen: Sequence[tuple[int, EocRow]]) -> str | None:
    """The first field of a family's rows that does not agree with its tau, m and q_star."""
    act = family(name)
    threshold, _ = threshold_parameter(act)
    level = next((parameter.name for parameter in act.free_parameters if parameter.name != threshold), None)
    for index, row in chosen:
        if (row.m is None) != (level is None):
            return f"rows.{index}.m"
        # All rows' q_star and fixed points at once would be faster and read worse; a row takes a millisecond.
        parameters: dict[str, Any] = {threshold: row.tau} | ({level: row.m} if level else {})
        # Without a fixed point V(q) = q must hold around q_star too.
        at = np.array([row.q_star, *(row.fixed_points or (row.q_star / 10, row.q_star * 10))])
        moments = gaussian_moments(act, at, **parameters)
        residual = (row.sigma_w2 * moments.second_moment + row.sigma_b2) / at - 1
        slopes = row.sigma_w2 * moments.d_second_moment
        curvature = row.sigma_w2 * moments.d2_second_moment[0] * row.q_star
        checks = {
            "sparsity": abs(row.sparsity - moments.sparsity[0]),
            "sigma_w2": abs(row.sigma_w2 * moments.slope_moment[0] - 1),
            "sigma_b2": abs(residual[0]),
            "slope": abs(row.slope - slopes[0]),
            "curvature": abs(row.curvature * row.q_star - curvature) / max(1.0, abs(curvature)),
            "fixed_points": (max if row.fixed_points else min)(np.abs(residual[1:])),
        }
        for field, error in checks.items():
            if not error <= _RECOMPUTED:
                return f"rows.{index}.{field}"
        if not all(_fits(slope, how) for slope, how in zip(slopes[1:], row.stabilities, strict=False)):
            return f"rows.{index}.stabilities"
    return None


def _fits(slope: float, stability: str) -> bool:
    """Whether V' at a fixed point can have this stability; a margin, for near a tangency the slope is 1 to rounding."""
    if stability == "semi-stable":
        return abs(slope - 1) < 1e-3
    return slope < 1 + 1e-6 if stability == "stable" else slope > 1 - 1e-6


def require_suffix(path: str | os.PathLike[str]) -> str:
    """Return ``.json`` or ``.csv``, the end of `path`; raise `TableFormatError` for any other."""
    suffix = os.path.splitext(str(path))[1].lower()
    if suffix not in (".json", ".csv"):
        raise TableFormatError(f"{path} ends neither in .json nor in .csv: choose one of the two.")
    return suffix


def _json_object(text: str, path: object) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise TableFormatError(
            f"{path} is corrupt: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, endless nesting, keys given twice
        raise TableFormatError(f"{path} is corrupt: {error}.") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is given twice")
    return content


def _csv_object(text: str, path: object) -> Any:
    first, _, body = text.partition("\n")
    if not first.startswith("# {"):
        raise TableFormatError(
            f"{path} is no edge-of-chaos table: its first line is not the comment with the provenance."
        )
    content = _json_object(first[2:], path)
    reader = csv.DictReader(io.StringIO(body), strict=True)
    if reader.fieldnames != list(EocRow.model_fields):
        raise TableFormatError(f"{path} has the columns {reader.fieldnames}: expected {list(EocRow.model_fields)}.")
    try:
        rows = [dict(row) for row in reader]
    except csv.Error as error:
        raise TableFormatError(f"{path} is corrupt at line {reader.line_num + 1}: {error}.") from None
    if not isinstance(content, dict) or "rows" in content or content.pop("row_count", None) != len(rows):
        raise TableFormatError(f"{path} is corrupt: it has {len(rows)} rows, not as many as its first line says.")
    content["rows"] = [{key: _csv_value(key, cell) for key, cell in row.items()} for row in rows]
    return content


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)


def _csv_value(key: Any, cell: Any) -> Any:
    """A cell as JSON would hold it; what cannot be read is passed on for the schema to refuse by name."""
    if key == "family" or not isinstance(cell, str):
        return cell
    if key in _CSV_LISTS:
        parts = cell.split()
        return parts if key == "stabilities" else [_number_or_text(part) for part in parts]
    return None if cell == "" else _number_or_text(cell)


def _number_or_text(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
