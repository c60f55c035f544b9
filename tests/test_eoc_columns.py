"""Columnar tables: what they hold, files that give back the same bits, interrupts, and files that are refused."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory import SolveStatus
from vmap_theory.errors import (
    DomainError,
    DtypeError,
    FileOutputError,
    InfeasibleError,
    MissingExtraError,
    TableFormatError,
    UnknownNameError,
)
from vmap_theory.tables import EocColumns

SUFFIXES = [".npz", ".csv", ".parquet"]
RESULTS = ["sigma_w2", "sigma_b2", "slope", "curvature"]
COLUMNS = ["family", "sparsity", "q_star", "target", "tau", "m", *RESULTS, "status"]


@pytest.fixture(scope="module")
def table() -> EocColumns:
    """Clipped and unclipped families, some rows without a threshold."""
    return vt.eoc_grid(["cst", "soft_threshold", "crelu"], [0.4, 0.85], [0.5, 0.9], [1.0, 0.3], digits=10)


def needs(suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")


def test_rows_are_those_of_the_table_with_fixed_points(table: EocColumns) -> None:
    rows = vt.eoc_table(["cst", "soft_threshold", "crelu"], [0.85], [0.5, 0.9], [1.0, 0.3], digits=10).rows
    here = np.flatnonzero(table["sparsity"] == 0.85)
    assert len(here) == len(rows)
    for index, row in zip(here, rows, strict=True):
        assert table["family"][index] == row.family
        for name in ("sparsity", "q_star", "target", "tau", "m", "sigma_w2", "sigma_b2", "slope", "curvature"):
            expected = getattr(row, name)
            expected = np.nan if expected is None else expected
            assert table[name][index] == pytest.approx(expected, rel=1e-13, abs=1e-14, nan_ok=True), (index, name)


def test_columns(table: EocColumns) -> None:
    assert list(table) == COLUMNS
    assert len(table) == 11
    assert table.row_count == 2 * 2 * 2 + 2 * 2 + 2 * 2 * 2
    assert all(values.shape == (table.row_count,) for values in table.values())
    assert table["status"].dtype == np.uint8
    unreachable = (table["family"] == "crelu") & (table["sparsity"] < 0.5)
    assert np.array_equal(table["status"] == SolveStatus.NO_THRESHOLD, unreachable)
    assert np.array_equal(table.feasible, ~unreachable)
    assert table.provenance.version == vt.__version__
    assert [entry.digits_verified for entry in table.provenance.formulas] == [10, 10, 10]
    with pytest.raises(ValueError, match="read-only"):
        table["m"][0] = 1
    with pytest.raises(KeyError):
        table["mu"]


def test_sequences_of_parameters() -> None:
    tau = np.linspace(0, 2, 5)
    table = vt.eoc_columns("crelu", [[1.0], [2.0]], tau=tau, m=[0.5, 0.6, 0.7, 0.8, np.nan], digits=10)
    edges = vt.edges_of_chaos("crelu", [[1.0], [2.0]], tau=tau, m=[0.5, 0.6, 0.7, 0.8, np.nan])
    assert list(table) == COLUMNS
    assert table["tau"].tolist() == [*tau, *tau]
    assert table["q_star"].tolist() == [1.0] * 5 + [2.0] * 5
    assert np.isnan(table["target"]).all()
    for name in ("sigma_w2", "sigma_b2", "slope", "curvature", "sparsity"):
        np.testing.assert_array_equal(table[name], getattr(edges, name).ravel())
    assert table["status"].tolist() == [0, 0, 0, 0, SolveStatus.MISSING] * 2


def test_no_parameter_is_called_as_a_column_is() -> None:
    columns = {*COLUMNS, "header", "file"} - {"tau", "m"}
    for name in vt.family_names():
        assert columns.isdisjoint(parameter.name for parameter in vt.family(name).parameters), name


def test_blocks_are_joined_and_progress_is_told(table: EocColumns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmap_theory.tables.make_columns._BLOCK", 3)
    told: list[tuple[int, int]] = []
    again = vt.eoc_grid(
        ["cst", "soft_threshold", "crelu"],
        [0.4, 0.85],
        [0.5, 0.9],
        [1.0, 0.3],
        digits=10,
        on_progress=lambda *step: told.append(step),
    )
    assert [done for done, _ in told] == [1, 2, 3, 6, 9, 11, 14, 15, 18, 21, 23]
    assert {total for _, total in told} == {23}
    for name, values in table.codes.items():
        np.testing.assert_allclose(again.codes[name], values, rtol=1e-12)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_give_back_the_same_bits(table: EocColumns, suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    path = table.write(tmp_path / f"table{suffix}")
    again = vt.read_eoc_columns(path, sample=None)
    assert again.provenance == table.provenance
    assert list(again) == list(table)
    for name, values in table.codes.items():
        assert again.codes[name].dtype == values.dtype
        known = ~np.isnan(values)
        assert np.array_equal(np.isnan(again.codes[name]), ~known)
        assert again.codes[name][known].tobytes() == values[known].tobytes()
    assert [file.name for file in tmp_path.iterdir()] == [f"table{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_extreme_numbers_survive(suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    q = np.array([1e-200, 0.1 + 0.2, 1e200, 5.0])
    table = vt.eoc_columns("crelu", q, tau=np.sqrt(q) / 3, m=np.sqrt(q), digits=10)
    again = vt.read_eoc_columns(table.write(tmp_path / f"table{suffix}"))
    for name in ("q_star", "tau", "m", "sigma_w2", "sigma_b2", "curvature", "sparsity"):
        assert again[name].tobytes() == table[name].tobytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_and_infinite_arguments_survive(suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    table = vt.eoc_columns("crelu", [np.nan, 1.0, 1.0, 1.0], tau=[1.0, np.nan, 1.0, 60.0], m=np.inf, digits=10)
    words = [SolveStatus(status).word for status in table["status"]]
    assert words == ["missing", "missing", "solved", "flat"]
    assert table["sigma_w2"][2] == pytest.approx(vt.edge_of_chaos(vt.activation("relu_tau", tau=1)).sigma_w2, rel=1e-14)
    again = vt.read_eoc_columns(table.write(tmp_path / f"table{suffix}"), sample=None)
    for name, values in table.codes.items():
        np.testing.assert_array_equal(again.codes[name], values)


def test_other_programs_can_read_the_files(table: EocColumns, tmp_path: Path) -> None:
    with np.load(table.write(tmp_path / "table.npz"), allow_pickle=False) as file:
        assert json.loads(str(file["header"]))["row_count"] == table.row_count
        np.testing.assert_array_equal(file["m"], table["m"])
    lines = table.write(tmp_path / "table.csv").read_text().splitlines()
    assert json.loads(lines[0][2:])["schema"] == "vmap-theory/eoc-columns"
    assert lines[1] == ",".join(table)
    assert lines[2].split(",")[:4] == ["cst", "0.4", "1.0", "0.5"]
    assert lines[2].split(",")[-1] == "solved"
    assert "crelu,0.4,1.0,0.5,,,,,,,no_threshold" in lines


def test_parquet_for_other_programs(table: EocColumns, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = parquet.read_table(table.write(tmp_path / "table.parquet")).to_pydict()
    assert columns["family"] == table["family"].tolist()
    assert columns["status"] == [SolveStatus(status).word for status in table["status"]]
    assert columns["m"] == [None if np.isnan(m) else m for m in table["m"].tolist()]


def test_parquet_without_pyarrow(table: EocColumns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"vmap-theory\[parquet\]"):
        table.write(tmp_path / "table.parquet")
    (tmp_path / "there.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtraError):
        vt.read_eoc_columns(tmp_path / "there.parquet")
    assert not (tmp_path / "table.parquet").exists()


def test_an_interrupt_leaves_nothing_behind(table: EocColumns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vt.eoc_grid(["crelu"], [0.85], digits=10, on_progress=interrupt)
    old = table.write(tmp_path / "table.csv").read_bytes()
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        table.write(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "remark"),
    [
        ({"sparsities": [0.5, 1.5]}, DomainError, r"sparsities\[1\]"),
        ({"sparsities": [np.nan]}, DomainError, "sparsities"),
        ({"sparsities": []}, DomainError, "sparsities"),
        ({"sparsities": 0.85}, DomainError, "sparsities"),
        ({"sparsities": [[0.85]]}, DomainError, "sparsities has the shape"),
        ({"sparsities": ["0.85"]}, DtypeError, "sparsities"),
        ({"targets": [1.0]}, DomainError, r"targets\[0\]"),
        ({"targets": [0.0]}, DomainError, r"targets\[0\]"),
        ({"q_stars": [-1.0]}, DomainError, r"q_stars\[0\]"),
        ({"families": "crelu"}, DomainError, "families"),
        ({"families": ["crelo"]}, UnknownNameError, "crelu"),
        ({"families": ["tanh"]}, InfeasibleError, "threshold"),
        ({"digits": 1}, vt.VmapTheoryError, "digits"),
    ],
)
def test_bad_grids(arguments: dict[str, Any], error: type[Exception], remark: str) -> None:
    with pytest.raises(error, match=remark):
        vt.eoc_grid(**{"families": ["crelu"], "sparsities": [0.85]} | arguments)


def test_bad_sequences() -> None:
    with pytest.raises(DomainError, match="no row"):
        vt.eoc_columns("crelu", [], tau=1.0, m=1.0)
    with pytest.raises(DomainError, match="broadcast"):
        vt.eoc_columns("crelu", [1.0, 2.0], tau=[1.0, 2.0, 3.0], m=1.0)
    with pytest.raises(vt.VmapTheoryError, match="tau"):
        vt.eoc_columns("crelu", [1.0], m=1.0, digits=10)


@pytest.mark.parametrize("name", ["table.json", "table", "table.npz.gz"])
def test_other_suffixes(table: EocColumns, name: str, tmp_path: Path) -> None:
    for call in (table.write, vt.read_eoc_columns):
        with pytest.raises(TableFormatError, match=r"\.npz, \.csv nor in \.parquet"):
            call(tmp_path / name)


def test_folders_that_cannot_be_written(table: EocColumns, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileOutputError):
        table.write(tmp_path / "file" / "table.npz")


def changed(column: str, row: int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content[column][row] = value

    return change


def header(alter: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        head = json.loads(str(content["header"]))
        alter(head)
        content["header"] = np.array(json.dumps(head))

    return change


def cast(column: str, kind: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update({column: content[column].astype(kind)})


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no header": (lambda c: c.pop("header"), "no header"),
    "header is no JSON": (lambda c: c.update(header=np.array("{")), "corrupt"),
    "another schema": (header(lambda h: h.update(schema="other")), "'other'"),
    "a later version": (header(lambda h: h.update(schema_version=2)), "version 2.*upgrade"),
    "version as text": (header(lambda h: h.update(schema_version="1")), "schema_version '1'"),
    "no provenance": (header(lambda h: h.pop("provenance")), "at provenance"),
    "unknown field": (header(lambda h: h.update(extra=1)), "at extra"),
    "other formulas": (
        header(lambda h: h["provenance"]["formulas"][0].update(sha256="0" * 64)),
        "other formulas of cst",
    ),
    "unknown family": (header(lambda h: h["provenance"]["formulas"][0].update(family="crelo")), "does not know.*crelo"),
    "wrong number of rows": (header(lambda h: h.update(row_count=19)), r"at family: uint16 of shape \(20,\)"),
    "missing column": (lambda c: c.pop("tau"), "columns.*expected"),
    "unknown column": (lambda c: c.update(mu=c["m"]), "columns.*mu"),
    "shorter column": (lambda c: c.update(m=c["m"][1:]), r"at m: float64 of shape \(19,\)"),
    "two-dimensional column": (lambda c: c.update(m=c["m"][:, None]), "at m"),
    "float32": (cast("m", np.float32), "at m: float32"),
    "text for numbers": (cast("slope", str), "at slope: <U"),
    "family beyond the list": (changed("family", 3, 3), r"rows\.3\.family"),
    "unknown status": (changed("status", 0, 99), r"rows\.0\.status"),
    "failed, and yet numbers": (changed("status", 0, 3), r"rows\.0\.sigma_w2"),
    "solved, and yet no number": (changed("sigma_w2", 1, np.nan), r"rows\.1\.sigma_w2"),
    "negative bias variance": (changed("sigma_b2", 1, -1e-3), r"rows\.1\.sigma_b2"),
    "infinite slope": (changed("slope", 1, np.inf), r"rows\.1\.slope"),
    "negative q": (changed("q_star", 2, -1.0), r"rows\.2\.q_star"),
    "sparsity above one": (changed("sparsity", 2, 1.5), r"rows\.2\.sparsity"),
    "target above one": (changed("target", 2, 1.5), r"rows\.2\.target"),
    "slope is not the target": (changed("target", 0, 0.51), r"rows\.0\.slope"),
    "no threshold": (changed("tau", 0, np.nan), r"rows\.0\.tau"),
    "a level where there is none": (changed("m", 9, 1.0), r"rows\.9\.m"),
    "other threshold": (changed("tau", 0, 1.1), r"wrong at rows\.0\.(sparsity|sigma_w2)"),
    "other weights": (changed("sigma_w2", 19, 8.0), r"wrong at rows\.19\.sigma_w2"),
    "other curvature": (changed("curvature", 9, 0.123), r"wrong at rows\.9\.curvature"),
    "negative threshold": (changed("tau", 0, -1.0), r"cst that cannot be computed again.*tau"),
    "no edge of chaos": (changed("tau", 0, 1e3), r"wrong at rows\.0\.status"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_files_that_do_not_fit(change: str, table: EocColumns, tmp_path: Path) -> None:
    path = table.write(tmp_path / "table.npz")
    with np.load(path) as file:
        content = {name: file[name] for name in file.files}
    alter, remark = CHANGES[change]
    alter(content)
    np.savez(path, **content)
    with pytest.raises(TableFormatError, match=remark) as caught:
        vt.read_eoc_columns(path)
    assert isinstance(caught.value, ValueError)


def test_a_table_that_does_not_fit_is_not_written(table: EocColumns, tmp_path: Path) -> None:
    wrong = EocColumns(table.provenance, {**table.codes, "m": table["m"][1:]})
    with pytest.raises(TableFormatError, match=r"to be written does not fit.* m"):
        wrong.write(tmp_path / "table.npz")
    assert not list(tmp_path.iterdir())


def test_the_sample_is_what_is_computed_again(tmp_path: Path) -> None:
    table = vt.eoc_grid(["crelu"], np.linspace(0.5, 0.9, 101), [0.5], digits=10)
    wrong = table["sigma_b2"].copy()
    wrong[51] *= 1 + 1e-6
    path = EocColumns(table.provenance, {**table.codes, "sigma_b2": wrong}).write(tmp_path / "table.npz")
    assert vt.read_eoc_columns(path, sample=3).row_count == 101  # rows 0, 50 and 100
    for sample in (None, 101, 1000):
        with pytest.raises(TableFormatError, match=r"rows\.51\.sigma_b2"):
            vt.read_eoc_columns(path, sample=sample)


TEXT_CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "first line is not the comment"),
    "no comment": (lambda text: text.partition("\n")[2], "first line is not the comment"),
    "broken comment": (lambda text: text.replace('"row_count"', "row_count", 1), "corrupt"),
    "a key twice": (lambda text: text.replace("# {", '# {"row_count": 20, ', 1), "given twice"),
    "cut at the end of a line": (lambda text: text[: text.rstrip().rindex("\n") + 1], "does not have 20 rows"),
    "cut within a line": (lambda text: text[:-5], "does not have 20 rows"),
    "a row twice": (lambda text: text + text.splitlines()[-1] + "\n", "does not have 20 rows"),
    "a cell too many": (lambda text: text.replace("cst,0.4", "cst,0.4,0.4", 1), r"rows\.0: it does not have 11 cells"),
    "a word for a number": (lambda text: text.replace("cst,0.4", "cst,much", 1), "column sparsity.*much"),
    "an unsolved row out of its domain": (
        lambda text: text.replace("crelu,0.4,1.0,", "crelu,17,1.0,", 1),
        r"sparsity: outside its domain",
    ),
    "unknown status": (lambda text: text.replace("no_threshold", "lost", 1), "column status.*lost"),
    "unknown family": (lambda text: text.replace("\ncrelu,", "\ncrelo,", 1), "column family.*crelo"),
    "columns in another order": (lambda text: text.replace("tau,m,", "m,tau,", 1), "columns.*expected"),
    "a column name twice": (lambda text: text.replace("tau,m,", "tau,tau,", 1), "does not have 10 cells"),
}


@pytest.mark.parametrize("change", TEXT_CHANGES)
def test_text_that_does_not_fit(change: str, table: EocColumns, tmp_path: Path) -> None:
    path = table.write(tmp_path / "table.csv")
    alter, remark = TEXT_CHANGES[change]
    path.write_text(alter(path.read_text()))
    with pytest.raises(TableFormatError, match=remark):
        vt.read_eoc_columns(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_no_tables(suffix: str, table: EocColumns, tmp_path: Path) -> None:
    needs(suffix)
    path = tmp_path / f"table{suffix}"
    with pytest.raises(TableFormatError, match=re.escape(str(path))):
        vt.read_eoc_columns(path)
    whole = table.write(path).read_bytes()
    for content in (b"", b"\x00\xff\xfe", b"PK\x03\x04", whole[: len(whole) // 2], whole[:-9]):
        path.write_bytes(content)
        with pytest.raises(TableFormatError, match=re.escape(str(path))):
            vt.read_eoc_columns(path)


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "table.npz", header=np.array([{}], dtype=object))
    with pytest.raises(TableFormatError, match="allow_pickle"):
        vt.read_eoc_columns(tmp_path / "table.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(TableFormatError):
        vt.read_eoc_columns(tmp_path / "one.npz")


def test_the_other_kind_of_table_is_told_apart(table: EocColumns, tmp_path: Path) -> None:
    with pytest.raises(TableFormatError, match="its schema is 'vmap-theory/eoc-columns'"):
        vt.read_eoc_table(table.write(tmp_path / "columns.csv"))
    rows = vt.eoc_table(["crelu"], [0.85], [0.5], digits=10)
    with pytest.raises(TableFormatError, match="its schema is 'vmap-theory/eoc-table'"):
        vt.read_eoc_columns(rows.write(tmp_path / "rows.csv"))
