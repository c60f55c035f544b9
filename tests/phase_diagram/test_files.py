"""Phase diagrams as tables and files."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import FileOutputError, TableFormatError
from vmap_theory.phase_diagram import PhaseDiagram, clipping_phase_diagram, variance_phase_diagram


@pytest.fixture(scope="module")
def diagram() -> PhaseDiagram:
    made = clipping_phase_diagram("crelu", [0.4, 0.7, 0.85], [0.5, 2.0])
    return made.with_scores(width=30, depth=4, chains=50, cells=(3, 1), workers=1)


def test_columns(diagram: PhaseDiagram) -> None:
    columns = diagram.to_columns()
    assert {values.shape for values in columns.values()} == {(6,)}
    assert columns["sparsity"].tolist() == [0.4, 0.4, 0.7, 0.7, 0.85, 0.85]
    assert columns["m"].tolist() == [0.5, 2.0] * 3
    assert columns["phase"].tolist() == ["infeasible"] * 2 + ["critical"] * 3 + ["several_stable"]
    assert columns["stable"].tolist() == [0, 0, 1, 1, 1, 2]
    assert np.isfinite(columns["score_30x4"]).tolist() == [False, False, True, False, True, False]
    assert np.isfinite(columns["small_noise_30x4"]).tolist() == [False] * 2 + [True] * 4
    assert list(columns)[:5] == ["sparsity", "m", "tau", "sigma_w2", "sigma_b2"]


def test_csv_keeps_every_bit(diagram: PhaseDiagram, tmp_path: Path) -> None:
    path = diagram.write(tmp_path / "diagram.csv")
    comment, *lines = path.read_text().splitlines()
    header = json.loads(comment.removeprefix("# "))
    assert header["schema"] == "vmap-theory/phase-diagram"
    assert (header["version"], header["activation"], header["shape"]) == (vt.__version__, "crelu", [3, 2])
    assert header["scores"] == [{"width": 30, "depth": 4, "level": 0.95, "chains": 50, "seed": 0}]
    rows = list(csv.DictReader(lines))
    for name, values in diagram.to_columns().items():
        texts = [row[name] for row in rows]
        if values.dtype.kind == "f":
            read = np.array([float(text) if text else np.nan for text in texts])
            assert read.tobytes() == np.where(np.isnan(values), np.nan, values).tobytes(), name
        else:
            assert texts == [str(int(v)) if isinstance(v, bool) else str(v) for v in values.tolist()]


def test_npz_keeps_every_bit(diagram: PhaseDiagram, tmp_path: Path) -> None:
    path = diagram.write(tmp_path / "diagram.npz")
    with np.load(path, allow_pickle=False) as file:
        assert json.loads(str(file["header"]))["q_star"] == 1.0
        for name, values in diagram.to_columns().items():
            np.testing.assert_array_equal(file[name], values)


def test_over_variances(tmp_path: Path) -> None:
    diagram = variance_phase_diagram("tanh", [1.0, 2.0], [0.1])
    lines = diagram.write(tmp_path / "diagram.csv").read_text().splitlines()
    assert lines[1].startswith("sigma_w,sigma_b,sigma_w2,sigma_b2,q,slope,chi_1,xi_q,xi_c,fixed_points,stable,")
    assert len(lines) == 4


def test_other_files(diagram: PhaseDiagram, tmp_path: Path) -> None:
    with pytest.raises(TableFormatError, match=r"ends neither in .csv nor in .npz"):
        diagram.write(tmp_path / "diagram.json")
    (tmp_path / "file").touch()
    with pytest.raises(FileOutputError, match="cannot write"):
        diagram.write(tmp_path / "file" / "diagram.csv")
