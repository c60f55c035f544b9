"""How long phase diagrams take, and how much less than one map at a time.

Run from the root of the repository:

    python -m pytest tests/benchmarks/test_phase_diagram.py -n 0 --benchmark-only

Without a limit on any time, for machines differ; the ratio to a loop over `fixed_points` is recorded with the time.
"""

import time
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.phase_diagram import PhaseDiagram, clipping_phase_diagram, variance_phase_diagram

SPARSITIES, LEVELS = np.linspace(0.5, 0.95, 100), np.linspace(0.05, 4.0, 100)
SIGMA_W, SIGMA_B = np.linspace(0.5, 4.0, 100), np.linspace(0.01, 2.0, 100)
SAMPLE = 20  # cells of the loop


def loop_over_cells(diagram: PhaseDiagram) -> float:
    """Processor seconds a cell of `fixed_points` on a sample of the feasible cells, each with a map of its own."""
    feasible = np.argwhere(np.isfinite(diagram.sigma_w2))
    cells = feasible[np.linspace(0, len(feasible) - 1, SAMPLE).astype(int)]
    begin = time.process_time()
    for i, j in cells:
        act = diagram.activation.bind(**{name: float(values[i, j]) for name, values in diagram.parameters.items()})
        found = vt.fixed_points(vt.VarianceMap(act, sigma_w2=diagram.sigma_w2[i, j], sigma_b2=diagram.sigma_b2[i, j]))
        assert len(found) == diagram.count[i, j]
    return (time.process_time() - begin) / SAMPLE


def record_ratio(benchmark: Any, diagram: PhaseDiagram, seconds: float) -> None:
    benchmark.extra_info["processor seconds"] = seconds
    benchmark.extra_info["loop over fixed_points / diagram"] = loop_over_cells(diagram) * diagram.phase.size / seconds


@pytest.mark.parametrize("family", ["crelu", "cst"])
def test_sparsities_and_levels(benchmark: Any, family: str) -> None:
    begin = time.process_time()
    diagram = benchmark.pedantic(clipping_phase_diagram, args=(family, SPARSITIES, LEVELS), rounds=1)
    record_ratio(benchmark, diagram, time.process_time() - begin)
    assert benchmark.extra_info["loop over fixed_points / diagram"] > 20


@pytest.mark.parametrize("act", [vt.activation("crelu", tau=0.5, m=2.0), "tanh"], ids=["crelu", "tanh"])
def test_standard_deviations(benchmark: Any, act: Any) -> None:
    begin = time.process_time()
    diagram = benchmark.pedantic(variance_phase_diagram, args=(act, SIGMA_W, SIGMA_B), rounds=1)
    record_ratio(benchmark, diagram, time.process_time() - begin)
    assert benchmark.extra_info["loop over fixed_points / diagram"] > 2


def test_scores_of_every_cell_by_small_noise(benchmark: Any) -> None:
    diagram = clipping_phase_diagram("cst", SPARSITIES, LEVELS)
    found = benchmark.pedantic(diagram.with_scores, kwargs={"width": 100, "depth": 20, "cells": (0, 0)}, rounds=1)
    assert np.isfinite(found.scores[0].small_noise).all()


def test_scores_by_the_exact_chain(benchmark: Any) -> None:
    """400 cells, 500 nets of width 100 and depth 20 each, with two processes."""
    diagram = clipping_phase_diagram("cst", SPARSITIES, LEVELS)
    found = benchmark.pedantic(diagram.with_scores, kwargs={"width": 100, "depth": 20, "workers": 2}, rounds=1)
    assert not np.isnan(found.scores[0].score).any()
