"""Tables: what they hold, and that a file gives back the same bits."""

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

import vmap_theory as vt
from vmap_theory.errors import DomainError, FileOutputError, InfeasibleError, TableFormatError, UnknownNameError


@pytest.fixture(scope="module")
def table() -> vt.EocTable:
    """Clipped and unclipped families, three fixed points among the rows."""
    return vt.eoc_table(["cst", "soft_threshold", "crelu"], [0.85, 0.7], [0.5, 0.9], [1.0, 0.3], digits=20)


def floats(table: vt.EocTable) -> list[str]:
    """Every float as hexadecimal text, which shows all bits."""
    found: list[str] = []
    for row in table.rows:
        for value in row.model_dump().values():
            found += [v.hex() for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, float)]
    return found


def test_grid(table: vt.EocTable) -> None:
    assert len(table.rows) == 2 * 2 * 2 + 2 * 2 + 2 * 2 * 2  # an unclipped family has no targets
    assert [row.family for row in table.rows] == ["cst"] * 8 + ["soft_threshold"] * 4 + ["crelu"] * 8
    assert all((row.m is None) == (row.family == "soft_threshold") == (row.target is None) for row in table.rows)


def test_rows_agree_with_the_solvers(table: vt.EocTable) -> None:
    row = next(r for r in table.rows if (r.family, r.sparsity, r.q_star, r.target) == ("cst", 0.85, 1.0, 0.9))
    clip = vt.clipping_level("cst", 0.85, target=0.9)
    assert (row.m, row.tau, row.sigma_w2, row.sigma_b2) == (clip.m, clip.tau, clip.sigma_w2, clip.sigma_b2)
    assert row.stabilities == ("stable", "unstable", "stable")
    assert row.fixed_points == tuple(p.q for p in vt.fixed_points(clip.variance_map))


def test_published_row() -> None:
    (row,) = vt.eoc_table(["crelu"], [0.85], [0.5], digits=10).rows
    assert (row.tau, row.m, row.sigma_w2, row.sigma_b2) == pytest.approx((1.0364, 0.8095, 8.5069, 0.6605), abs=5e-5)


def test_unclipped_rows_have_slope_one(table: vt.EocTable) -> None:
    for row in table.rows:
        if row.m is None:
            assert row.slope == pytest.approx(1, rel=1e-12)
            assert row.curvature > 0


def test_provenance(table: vt.EocTable) -> None:
    provenance = table.provenance
    assert provenance.package == "vmap-theory"
    assert provenance.version == vt.__version__
    created = datetime.fromisoformat(provenance.created)
    assert created.tzinfo is not None
    assert timedelta(0) <= datetime.now(UTC) - created + timedelta(seconds=1) < timedelta(hours=1)
    assert [entry.family for entry in provenance.formulas] == ["cst", "soft_threshold", "crelu"]
    for entry in provenance.formulas:
        assert entry.sha256 == vt.derive(vt.family(entry.family)).digest
        assert entry.digits_verified == 20
        assert 0 <= entry.max_relative_error < 1e-20


@pytest.mark.parametrize("suffix", [".json", ".csv", ".JSON"])
def test_round_trip_is_lossless(table: vt.EocTable, suffix: str, tmp_path: Path) -> None:
    path = table.write(tmp_path / f"table{suffix}")
    again = vt.read_eoc_table(path)
    assert again == table
    assert floats(again) == floats(table)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_awkward_floats_survive(suffix: str, tmp_path: Path) -> None:
    table = vt.eoc_table(["cst", "relu_tau"], [0.1 + 0.2 + 0.4, 2 / 3], [1 / 3], [1e-250, 1 / 3e7, 1e250], digits=10)
    assert floats(vt.read_eoc_table(table.write(tmp_path / f"t{suffix}"))) == floats(table)


def test_a_table_whose_formulas_are_not_verified_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dataclasses.replace(vt.derive(vt.family("crelu")), sparsity=sp.Rational(1, 2))
    monkeypatch.setattr("vmap_theory.verification.check.derive", lambda act: wrong)
    with pytest.raises(DomainError, match="failed verification"):
        vt.eoc_table(["crelu"], [0.85], [0.5], digits=10)


@pytest.mark.parametrize("suffix", [".json", ".csv"])
@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("sparsity", lambda v: v + 1e-4),
        ("sigma_w2", lambda v: v * (1 + 1e-5)),
        ("sigma_b2", lambda v: v + 1e-5),
        ("tau", lambda v: v + 1e-4),
        ("m", lambda v: v * 1.001),
        ("q_star", lambda v: v * 1.01),
        ("curvature", lambda v: v + 1e-3),
        ("fixed_points", lambda v: (2 * v[0],)),
        ("fixed_points", lambda v: ()),
    ],
)
def test_edited_numbers_are_found_out(table: vt.EocTable, suffix: str, field: str, change: Any, tmp_path: Path) -> None:
    row = next(r for r in table.rows if r.family == "cst" and len(r.fixed_points) == 1)
    edited = {field: change(getattr(row, field))}
    if field == "fixed_points":
        edited["stabilities"] = ("stable",) * len(edited["fixed_points"])
    changed = table.model_copy(update={"rows": (row.model_copy(update=edited),)})
    with pytest.raises(TableFormatError, match=r"rows\.0"):
        changed.write(tmp_path / f"t{suffix}")


def test_json_is_for_others_too(table: vt.EocTable) -> None:
    content = json.loads(table.to_json())
    assert set(content) == {"schema", "schema_version", "provenance", "rows"}
    assert content["schema"] == "vmap-theory/eoc-table"
    assert content["schema_version"] == 1
    assert {"family", "sparsity", "q_star", "target", "tau", "m", "sigma_w2", "sigma_b2"} <= set(content["rows"][0])


def test_csv_is_for_others_too(table: vt.EocTable) -> None:
    comment, header, *lines = table.to_csv().splitlines()
    assert json.loads(comment.removeprefix("# "))["row_count"] == len(table.rows) == len(lines)
    assert header.startswith("family,sparsity,q_star,target,tau,m,")
    assert re.match(r"cst,0\.85,1\.0,0\.5,1\.43953", lines[0])


def test_tables_are_frozen(table: vt.EocTable) -> None:
    with pytest.raises(Exception, match="frozen"):
        table.rows[0].tau = 2.0


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_a_failed_write_leaves_nothing_half_written(
    table: vt.EocTable, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table.write(tmp_path / f"t{suffix}")
    before = path.read_bytes()

    def refuse(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vmap_theory.files.os.replace", refuse)
    smaller = table.model_copy(update={"rows": table.rows[:1]})
    with pytest.raises(FileOutputError, match="No space left"):
        smaller.write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_progress_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    vt.eoc_table(["crelu"], [0.8], [0.5, 0.7], digits=10, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("arguments", "error", "remark"),
    [
        ({"families": []}, DomainError, "families"),
        ({"families": "crelu"}, DomainError, "list"),
        ({"sparsities": []}, DomainError, "sparsities"),
        ({"targets": []}, DomainError, "targets"),
        ({"q_stars": []}, DomainError, "q_stars"),
        ({"sparsities": [0.85, 1.5]}, DomainError, "sparsity"),
        ({"targets": [0]}, DomainError, "target"),
        ({"q_stars": [-1.0]}, DomainError, "q_star"),
        ({"families": ["crelo"]}, UnknownNameError, "crelu"),
        ({"families": ["relu"]}, InfeasibleError, "threshold"),
        ({"sparsities": [0.3]}, InfeasibleError, r"crelu, sparsity 0\.3"),
        ({"digits": 2}, DomainError, "digits"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], remark: str) -> None:
    with pytest.raises(error, match=remark):
        vt.eoc_table(**{"families": ["crelu"], "sparsities": [0.85], "digits": 10} | arguments)


@pytest.mark.parametrize(
    ("stabilities", "points"),
    [(("unstable", "stable", "unstable"), None), (None, 77.0)],
    ids=["stabilities exchanged", "a point moved"],
)
def test_edited_fixed_points_are_found_out(
    table: vt.EocTable, stabilities: Any, points: float | None, tmp_path: Path
) -> None:
    row = next(r for r in table.rows if len(r.fixed_points) == 3)
    edited = {"stabilities": stabilities} if stabilities else {"fixed_points": (*row.fixed_points[:2], points)}
    changed = table.model_copy(update={"rows": (row.model_copy(update=edited),)})
    with pytest.raises(TableFormatError, match=r"rows\.0\.(stabilities|fixed_points)"):
        changed.write(tmp_path / "t.json")


def test_a_row_twice_and_a_false_hash_are_refused(table: vt.EocTable, tmp_path: Path) -> None:
    with pytest.raises(TableFormatError, match="two rows"):
        table.model_copy(update={"rows": (table.rows[0], table.rows[0])}).write(tmp_path / "t.json")
    entries = (table.provenance.formulas[0].model_copy(update={"sha256": "0" * 64}), *table.provenance.formulas[1:])
    false = table.model_copy(update={"provenance": table.provenance.model_copy(update={"formulas": entries})})
    with pytest.raises(TableFormatError, match="other formulas"):
        false.write(tmp_path / "t.json")


def test_a_row_where_every_variance_is_kept(tmp_path: Path) -> None:
    table = vt.eoc_table(["relu_tau"], [0.5], digits=10)  # tau = 0: ReLU on its edge of chaos
    assert table.rows[0].fixed_points == ()
    assert vt.read_eoc_table(table.write(tmp_path / "t.csv")) == table
