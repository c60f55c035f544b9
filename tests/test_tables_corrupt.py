"""Table files that are wrong in one way each: every one is refused, with the field or the place named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmap_theory as vt
from vmap_theory.errors import TableFormatError


@pytest.fixture(scope="module")
def table() -> vt.EocTable:
    return vt.eoc_table(["crelu", "relu_tau"], [0.85], [0.5, 0.7], digits=10)


def set_in_row(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content["rows"][0][key] = value

    return change


def set_at_top(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content[key] = value

    return change


def set_in_provenance(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content["provenance"][key] = value

    return change


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another schema": (set_at_top("schema", "other/table"), "other/table"),
    "no schema": (lambda c: c.pop("schema"), "no edge-of-chaos table"),
    "a later version": (set_at_top("schema_version", 2), "version 2.*upgrade"),
    "version as text": (set_at_top("schema_version", "1"), "schema_version"),
    "version 0": (set_at_top("schema_version", 0), "schema_version"),
    "unknown field": (set_at_top("extra", 1), "extra"),
    "no provenance": (lambda c: c.pop("provenance"), "provenance"),
    "another package": (set_in_provenance("package", "other"), r"provenance\.package"),
    "no rows": (lambda c: c.pop("rows"), "rows"),
    "rows as object": (set_at_top("rows", {}), "rows"),
    "missing column": (lambda c: c["rows"][0].pop("tau"), r"rows\.0\.tau"),
    "unknown column": (set_in_row("mu", 1.0), r"rows\.0\.mu"),
    "negative variance": (set_in_row("sigma_w2", -1.0), r"rows\.0\.sigma_w2"),
    "negative bias variance": (set_in_row("sigma_b2", -1e-9), r"rows\.0\.sigma_b2"),
    "sparsity above one": (set_in_row("sparsity", 1.5), r"rows\.0\.sparsity"),
    "number as text": (set_in_row("tau", "1.0"), r"rows\.0\.tau"),
    "truth value for a number": (set_in_row("tau", True), r"rows\.0\.tau"),
    "unknown stability": (set_in_row("stabilities", ["metastable"]), r"rows\.0\.stabilities"),
    "one stability too many": (set_in_row("stabilities", ["stable", "stable"]), r"rows\.0.*one stability"),
    "a level without a target": (set_in_row("target", None), r"rows\.0.*both a target and a level"),
    "slope far from the target": (set_in_row("target", 0.51), r"rows\.0.*is not the target"),
    "digest cut": (lambda c: c["provenance"]["formulas"][0].update(sha256="abc"), r"formulas\.0\.sha256"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_json_that_does_not_fit(change: str, table: vt.EocTable, tmp_path: Path) -> None:
    content = json.loads(table.to_json())
    alter, remark = CHANGES[change]
    alter(content)
    path = tmp_path / "t.json"
    path.write_text(json.dumps(content))
    with pytest.raises(TableFormatError, match=remark) as caught:
        vt.read_eoc_table(path)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, vt.VmapTheoryError)


@pytest.mark.parametrize("text", ["", "[]", "1", '"text"', "null", "{", '{"schema": ', "\x00", "{}", '{"schema": NaN}'])
@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_text_that_is_no_table(text: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_text(text)
    with pytest.raises(TableFormatError, match=r"t\.(json|csv)"):
        vt.read_eoc_table(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none(number: str, table: vt.EocTable, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(table.to_json().replace(f'"q_star": {table.rows[0].q_star!r}', f'"q_star": {number}', 1))
    with pytest.raises(TableFormatError):
        vt.read_eoc_table(path)


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_a_file_cut_anywhere_is_refused(suffix: str, table: vt.EocTable, tmp_path: Path) -> None:
    whole = table.write(tmp_path / f"whole{suffix}").read_text()
    path = tmp_path / f"t{suffix}"
    # A cut inside the last cell may leave a shorter word, never a valid one: the last column holds stabilities.
    for length in range(0, len(whole.rstrip("\n")), 7):
        path.write_text(whole[:length])
        with pytest.raises(TableFormatError):
            vt.read_eoc_table(path)


def test_csv_with_a_line_missing_or_doubled(table: vt.EocTable, tmp_path: Path) -> None:
    lines = table.to_csv().splitlines(keepends=True)
    path = tmp_path / "t.csv"
    for changed in (lines[:-1], lines[:2] + lines[3:], [*lines, lines[-1]], lines[1:], [lines[0], *lines[2:]]):
        path.write_text("".join(changed))
        with pytest.raises(TableFormatError):
            vt.read_eoc_table(path)


def test_csv_with_columns_changed(table: vt.EocTable, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table.to_csv().replace("sigma_w2,sigma_b2", "sigma_b2,sigma_w2"))
    with pytest.raises(TableFormatError, match="columns"):
        vt.read_eoc_table(path)


def test_csv_with_a_cell_too_many_or_too_few(table: vt.EocTable, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = table.to_csv().splitlines()
    for last in (lines[-1] + ",1.0", lines[-1].rsplit(",", 1)[0], lines[-1].replace("0.85", "0,85")):
        path.write_text("\n".join([*lines[:-1], last]) + "\n")
        with pytest.raises(TableFormatError):
            vt.read_eoc_table(path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableFormatError, match="cannot read"):
        vt.read_eoc_table(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path / "folder.csv"):
        (tmp_path / "folder.csv").mkdir(exist_ok=True)
        with pytest.raises(TableFormatError, match="cannot read"):
            vt.read_eoc_table(path)


def test_suffixes(table: vt.EocTable, tmp_path: Path) -> None:
    for name in ("t.txt", "t", "json"):
        with pytest.raises(TableFormatError, match=r"\.json nor in \.csv"):
            table.write(tmp_path / name)
        with pytest.raises(TableFormatError, match=r"\.json nor in \.csv"):
            vt.read_eoc_table(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_table_made_wrong_is_not_written(table: vt.EocTable, tmp_path: Path) -> None:
    row = table.rows[0].model_copy(update={"sigma_w2": float("nan")})
    for suffix in (".json", ".csv"):
        with pytest.raises(TableFormatError, match="sigma_w2"):
            table.model_copy(update={"rows": (row,)}).write(tmp_path / f"t{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 1, "schema": 2}', "given twice"),
        ("1" * 5000, "corrupt"),
        ("[" * 100000, "corrupt"),
    ],
    ids=["keys twice", "endless number", "endless nesting"],
)
def test_odd_json_is_one_clear_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(TableFormatError, match=message):
        vt.read_eoc_table(path)


def test_paths_that_are_none() -> None:
    for path in ("a\0b.json", None, 3):
        with pytest.raises(TableFormatError):
            vt.read_eoc_table(path)  # type: ignore[arg-type]
