"""Edges of chaos over arrays: the scalar solver, the defining equations, elements without an edge, refusals."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmap_theory as vt
from vmap_theory import SolveStatus
from vmap_theory.errors import DomainError, DtypeError, SymbolicParameterError, UnknownNameError

RESULTS = ("sigma_w2", "sigma_b2", "slope", "curvature", "sparsity")


@pytest.mark.parametrize("name", vt.family_names())
def test_elements_are_those_of_the_scalar_solver(name: str, rng: np.random.Generator) -> None:
    family = vt.family(name)
    sets = [{p.name: float(p.draw(rng)) for p in family.parameters} for _ in range(2)]
    q = np.array([0.7, 1.9])
    found = vt.edges_of_chaos(family, q, **{p.name: np.array([s[p.name] for s in sets]) for p in family.parameters})
    for i, values in enumerate(sets):
        try:
            one = vt.edge_of_chaos(family.bind(**values), q[i])
        except vt.errors.NoEdgeOfChaosError:
            assert found.status[i] in (SolveStatus.INFINITE_SLOPE, SolveStatus.FLAT)
        except vt.errors.InfeasibleError:
            assert found.status[i] == SolveStatus.NEGATIVE_BIAS
            assert found.shortfall[i] > 0
        else:
            assert found.status[i] == SolveStatus.SOLVED
            assert found.shortfall[i] == 0
            for field in RESULTS:
                assert getattr(found, field)[i] == pytest.approx(getattr(one, field), rel=1e-13, abs=1e-14), field
        if found.status[i] != SolveStatus.SOLVED:
            assert all(np.isnan(getattr(found, field)[i]) for field in RESULTS[:-1])


def test_hard_tanh_against_the_error_function() -> None:
    # E[phi'^2] = erf(1 / sqrt(2 q)) and E[phi^2] = q (erf(b / sqrt 2) - 2 b n(b)) + erfc(b / sqrt 2), b = 1 / sqrt(q).
    variances = [0.05, 1.0, 40.0]
    found = vt.edges_of_chaos("hardtanh", variances)
    for i, q in enumerate(variances):
        with mpmath.workdps(30):
            b = 1 / mpmath.sqrt(mpmath.mpf(q))
            inside = mpmath.erf(b / mpmath.sqrt(2))
            square = q * (inside - 2 * b * mpmath.npdf(b)) + 1 - inside
            assert found.sigma_w2[i] == pytest.approx(float(1 / inside), rel=1e-14)
            assert found.sigma_b2[i] == pytest.approx(float(q - square / inside), rel=1e-13, abs=1e-15 * q)


@given(
    q=st.lists(st.floats(1e-100, 1e100), min_size=1, max_size=5),
    ratio=st.floats(0, 30),
    width=st.floats(1e-6, 100),
)
def test_defining_equations(q: list[float], ratio: float, width: float) -> None:
    root = np.sqrt(q)
    found = vt.edges_of_chaos("cst", q, tau=ratio * root, m=width * root)
    assert found.feasible.all()
    moments = vt.gaussian_moments("cst", q, tau=ratio * root, m=width * root)
    np.testing.assert_allclose(found.sigma_w2 * moments.slope_moment, 1, rtol=1e-14)
    np.testing.assert_allclose(found.sigma_w2 * moments.second_moment + found.sigma_b2, q, rtol=1e-14)


def test_all_kinds_of_failure_side_by_side() -> None:
    tau = [1.0, 60.0, np.nan, 1.0]
    found = vt.edges_of_chaos("crelu", [1.0, 1.0, 1.0, np.nan], tau=tau, m=1.0)
    assert [SolveStatus(status).word for status in found.status] == ["solved", "flat", "missing", "missing"]
    assert found.feasible.tolist() == [True, False, False, False]
    jumps = vt.edges_of_chaos("hard_threshold", 1.0, tau=[1.0, 0.0])  # without a threshold it is the identity
    assert jumps.status.tolist() == [SolveStatus.INFINITE_SLOPE, SolveStatus.SOLVED]
    assert jumps.sigma_w2[1] == 1
    shifted = vt.edges_of_chaos(vt.parse_activation("x + shift"), 1.0, shift=[1e-300, 2.0])
    assert shifted.status.tolist() == [SolveStatus.SOLVED, SolveStatus.NEGATIVE_BIAS]
    assert shifted.shortfall.tolist() == [0.0, 4.0]  # E[phi^2] = q + 4, E[phi'^2] = 1


def test_shapes_and_parameters() -> None:
    found = vt.edges_of_chaos("crelu", [[1.0], [2.0]], tau=[0.5, 1.0, 1.5], m=1)
    for field in (*RESULTS, "q_star", "status", "shortfall", "feasible"):
        assert getattr(found, field).shape == (2, 3), field
    assert {name: values.shape for name, values in found.parameters.items()} == {"tau": (2, 3), "m": (2, 3)}
    assert found.parameters["tau"][1].tolist() == [0.5, 1.0, 1.5]
    assert isinstance(vt.edges_of_chaos("relu").sigma_w2, np.float64)
    assert vt.edges_of_chaos("relu", []).sigma_w2.shape == (0,)


@pytest.mark.parametrize(
    ("act", "q", "parameters", "error", "remark"),
    [
        ("relu", [1.0, 0.0], {}, DomainError, r"q_star\[1\] = 0"),
        ("relu", [[1.0, -2.0]], {}, DomainError, r"q_star\[0, 1\] = -2"),
        ("relu", [np.inf], {}, DomainError, "q_star"),
        ("relu", ["1"], {}, DtypeError, "q_star"),
        ("relu", [1j], {}, DtypeError, "q_star"),
        ("crelu", [1.0], {"tau": [-1.0], "m": 1.0}, DomainError, "tau"),
        ("crelu", [1.0], {"tau": [1.0], "m": 0.0}, DomainError, "m = 0"),
        ("crelu", [1.0], {"tau": ["1"], "m": 1.0}, DtypeError, "tau"),
        ("crelu", [1.0], {"tau": [1.0]}, SymbolicParameterError, "m"),
        ("crelu", [1.0], {"tau": 1.0, "m": 1.0, "width": 1.0}, UnknownNameError, "width"),
        ("crelu", [1.0, 2.0], {"tau": [1.0, 2.0, 3.0], "m": 1.0}, DomainError, r"do not broadcast.*tau: \(3,\)"),
        ("crelo", [1.0], {}, UnknownNameError, "crelu"),
        (None, [1.0], {}, DtypeError, "None"),
    ],
)
def test_bad_arguments(act: Any, q: Any, parameters: dict[str, Any], error: type[Exception], remark: str) -> None:
    with pytest.raises(error, match=remark) as caught:
        vt.edges_of_chaos(act, q, **parameters)
    assert isinstance(caught.value, vt.VmapTheoryError)
