"""How long solves over arrays and columnar tables take.

Run from the root of the repository:

    python -m pytest tests/benchmarks/test_solves.py -n 0 --benchmark-only

Without a limit on any time: machines differ.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.tables import EocColumns


@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_clipping_levels(benchmark: Any, family: str) -> None:
    """100 000 levels: 400 sparsities by 250 targets."""
    sparsity, target = np.linspace(0.5, 0.9999, 400)[:, None], np.linspace(0.01, 0.99, 250)
    found = benchmark.pedantic(vt.clipping_levels, args=(family, sparsity), kwargs={"target": target}, rounds=3)
    assert found.feasible.all()
    np.testing.assert_allclose(found.slope, np.broadcast_to(target, found.slope.shape), rtol=1e-12)


def test_edges_of_chaos(benchmark: Any) -> None:
    """A million edges, nothing to search for."""
    tau = np.linspace(0, 3, 1_000_000)
    found = benchmark.pedantic(vt.edges_of_chaos, args=("crelu",), kwargs={"tau": tau, "m": 1.0}, rounds=3)
    assert found.feasible.all()


def test_thresholds(benchmark: Any) -> None:
    sparsity = np.linspace(0.5, 0.9999, 1_000_000)
    tau = benchmark.pedantic(vt.thresholds_for_sparsity, args=("cst", sparsity), rounds=3)
    assert np.all(np.diff(tau) > 0)


GRID = (["crelu"], np.linspace(0.5, 0.9999, 100), np.linspace(0.01, 0.99, 100), np.geomspace(0.01, 100, 100))


@pytest.fixture(scope="module")
def table() -> EocColumns:
    """A million rows."""
    return vt.eoc_grid(*GRID)


def test_grid_of_a_million_rows(benchmark: Any) -> None:
    """The closed forms verified to 50 digits, and a million levels."""
    found = benchmark.pedantic(vt.eoc_grid, args=GRID, rounds=2)
    assert found.row_count == 1_000_000
    assert found.feasible.all()


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".parquet"])
def test_write_a_million_rows(benchmark: Any, table: EocColumns, suffix: str, tmp_path: Path) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = benchmark.pedantic(table.write, args=(tmp_path / f"table{suffix}",), rounds=2)
    benchmark.extra_info["bytes"] = path.stat().st_size


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".parquet"])
def test_read_a_million_rows(benchmark: Any, table: EocColumns, suffix: str, tmp_path: Path) -> None:
    """With a thousand rows computed again."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = table.write(tmp_path / f"table{suffix}")
    again = benchmark.pedantic(vt.read_eoc_columns, args=(path,), rounds=2)
    assert again.row_count == table.row_count
