"""`stream_gaussian_moments`: the same bits as one call, in constant memory; and the memory of one call."""

import tracemalloc
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from vmap_theory.errors import DomainError, DtypeError, UnknownNameError, VmapTheoryError

MILLION = 10**6
ARRAY = 8 * MILLION


@pytest.fixture(scope="module")
def points() -> dict[str, Any]:
    rng = np.random.default_rng(20240607)
    q = 10 ** rng.uniform(-3, 3, 50_000)
    return {"q": q, "tau": rng.uniform(0, 36, q.size) * np.sqrt(q), "m": 10 ** rng.uniform(-6, 2, q.size) * np.sqrt(q)}


def names(bounds: bool) -> list[str]:
    return [field.name for field in fields(vt.GaussianMoments) if bounds or not field.name.endswith("_error")]


def collected(stream: Any, size: int, bounds: bool) -> dict[str, Any]:
    """The chunks put together; every point must come exactly once, in order."""
    out = {name: np.full(size, np.nan) for name in names(bounds)}
    end = 0
    for here, chunk in stream:
        assert here.start == end
        assert here.step in (None, 1)
        end = here.stop
        for name in out:
            value = getattr(chunk, name)
            assert value.shape == (here.stop - here.start,)
            assert value.dtype == np.float64
            out[name][here] = value
    assert end == size
    return out


# Bits and order.


@pytest.mark.parametrize("bounds", [False, True])
@pytest.mark.parametrize("chunk_size", [997, 16384, 2**18])
def test_same_bits_as_one_call(points: dict[str, Any], chunk_size: int, bounds: bool) -> None:
    whole = vt.gaussian_moments("crelu", points["q"], bounds=bounds, tau=points["tau"], m=points["m"])
    stream = vt.stream_gaussian_moments(
        "crelu", points["q"], chunk_size=chunk_size, bounds=bounds, tau=points["tau"], m=points["m"]
    )
    found = collected(stream, points["q"].size, bounds)
    for name, value in found.items():
        np.testing.assert_array_equal(value, getattr(whole, name), err_msg=name)
    if not bounds:
        assert whole.second_moment_error is None


def test_chunks_of_one_and_larger_than_all() -> None:
    q = np.array([0.3, 1.0, 2.0])
    whole = vt.gaussian_moments("crelu", q, tau=1.0, m=2.0)
    one = list(vt.stream_gaussian_moments("crelu", q, chunk_size=1, tau=1.0, m=2.0))
    assert [here for here, _ in one] == [slice(0, 1), slice(1, 2), slice(2, 3)]
    ((here, chunk),) = vt.stream_gaussian_moments("crelu", q, chunk_size=2**40, tau=1.0, m=2.0)
    assert here == slice(0, 3)
    for name in names(False):
        np.testing.assert_array_equal(getattr(chunk, name), getattr(whole, name))
        np.testing.assert_array_equal([float(getattr(part, name)[0]) for _, part in one], getattr(whole, name))


@pytest.mark.parametrize("shapes", [((1000, 1), (1000,)), ((4, 1, 250), (3, 1)), ((), (5000,)), ((5000,), ())])
def test_shapes_are_flattened_in_c_order(shapes: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> None:
    q, tau = (rng.uniform(0.5, 2.0, shape) for shape in shapes)
    whole = vt.gaussian_moments("relu_tau", q, tau=tau)
    size = whole.second_moment.size
    found = collected(vt.stream_gaussian_moments("relu_tau", q, chunk_size=777, tau=tau), size, False)
    for name, value in found.items():
        np.testing.assert_array_equal(value, np.ravel(getattr(whole, name)))


def test_strided_and_fortran_input(rng: np.random.Generator) -> None:
    q = rng.uniform(0.5, 2.0, (60, 50))
    for array in (q.T, np.asfortranarray(q), q[::2, ::-3]):
        whole = np.ravel(vt.gaussian_moments("crelu", array, tau=1.0, m=0.5).second_moment)
        found = collected(vt.stream_gaussian_moments("crelu", array, chunk_size=101, tau=1.0, m=0.5), whole.size, False)
        np.testing.assert_array_equal(found["second_moment"], whole)


def test_nothing_at_all() -> None:
    assert list(vt.stream_gaussian_moments("crelu", np.empty((0, 3)), tau=1.0, m=1.0)) == []


def test_nan_stays_where_it_is() -> None:
    q = np.array([1.0, np.nan, 2.0, 3.0])
    found = collected(
        vt.stream_gaussian_moments("crelu", q, chunk_size=3, tau=[1.0, 1.0, np.nan, 1.0], m=1.0), 4, False
    )
    for value in found.values():
        np.testing.assert_array_equal(np.isnan(value), [False, True, True, False])


def test_smooth_activations_stream_too(rng: np.random.Generator) -> None:
    q = rng.uniform(0.5, 2.0, 300)
    found = collected(vt.stream_gaussian_moments("tanh", q, chunk_size=100, bounds=True), q.size, True)
    whole = vt.gaussian_moments("tanh", q, bounds=True)
    for name, value in found.items():  # sums over panels in another order: to rounding, within both bounds
        if not name.endswith("_error"):
            bound = found[f"{name}_error"] + getattr(whole, f"{name}_error")
            assert np.all(np.abs(value - getattr(whole, name)) <= bound), name


def test_arrays_on_disk(tmp_path: Path, points: dict[str, Any]) -> None:
    file = np.memmap(tmp_path / "q.bin", dtype=np.float64, mode="w+", shape=points["q"].shape)
    file[:] = points["q"]
    file.flush()
    read = np.memmap(tmp_path / "q.bin", dtype=np.float64, mode="r", shape=points["q"].shape)
    found = collected(vt.stream_gaussian_moments("cst", read, tau=1.0, m=2.0, chunk_size=4096), read.size, False)
    whole = vt.gaussian_moments("cst", points["q"], tau=1.0, m=2.0)
    np.testing.assert_array_equal(found["second_moment"], whole.second_moment)


# Bad input: all of it is found before the first chunk.


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, "many", None, True, 2**41, np.nan])
def test_bad_chunk_size(chunk_size: Any) -> None:
    with pytest.raises(VmapTheoryError, match="chunk_size"):
        vt.stream_gaussian_moments("crelu", [1.0], chunk_size=chunk_size, tau=1.0, m=1.0)


def test_bad_values_are_found_at_once() -> None:
    good = np.ones(100_000)
    bad = good.copy()
    bad[-1] = -1.0
    with pytest.raises(DomainError, match="q"):
        vt.stream_gaussian_moments("crelu", bad, tau=1.0, m=1.0, chunk_size=10)
    with pytest.raises(DomainError, match="m"):
        vt.stream_gaussian_moments("crelu", good, tau=1.0, m=bad, chunk_size=10)
    with pytest.raises(DomainError, match="broadcast"):
        vt.stream_gaussian_moments("crelu", good, tau=good[:7], m=1.0)
    with pytest.raises(DtypeError):
        vt.stream_gaussian_moments("crelu", good + 1j, tau=1.0, m=1.0)
    with pytest.raises(UnknownNameError):
        vt.stream_gaussian_moments("crelu", good, tau=1.0, m=1.0, width=2.0)


# Memory, in arrays of a million float64 numbers.


def peak(run: Callable[[], Any]) -> float:
    """Beyond what was there before; what is returned counts.  A first call has made tables that last."""
    run()
    tracemalloc.start()
    try:
        kept = run()
        found = tracemalloc.get_traced_memory()[1] / ARRAY
        del kept
    finally:
        tracemalloc.stop()
    return found


def inputs(kind: str) -> tuple[str, Any, dict[str, Any]]:
    q = np.geomspace(1e-3, 1e3, MILLION)
    if kind == "one shape":
        return "crelu", q, {"tau": np.sqrt(q), "m": 2 * np.sqrt(q)}
    if kind == "a column and a row":
        return "crelu", q[::1000, None].copy(), {"tau": np.linspace(0, 3, 1000), "m": 1.0}
    if kind == "one half of a grid":
        return "cst", q.reshape(1000, 1000), {"tau": np.linspace(0, 3, 1000)[:, None], "m": 1.0}
    if kind == "not contiguous":
        return "relu_tau", q.reshape(1000, 1000).T, {"tau": 1.0}
    if kind == "with NaN":
        q[::7] = np.nan
        return "crelu", q, {"tau": 1.0, "m": 1.0}
    if kind == "with ends":
        return "hard_threshold", q, {"tau": np.where(np.arange(MILLION) % 2, 1.0, 0.0)}
    return "relu", q, {}


KINDS = ["one shape", "a column and a row", "one half of a grid", "not contiguous", "with NaN", "with ends", "q alone"]


@pytest.mark.parametrize("kind", KINDS)
def test_one_call_needs_six_arrays(kind: str) -> None:
    """Five of them are what it returns."""
    family, q, parameters = inputs(kind)
    found = peak(lambda: vt.gaussian_moments(family, q, **parameters))
    assert 5 <= found <= 6


@pytest.mark.parametrize("kind", ["one shape", "a column and a row"])
def test_with_bounds_eleven(kind: str) -> None:
    family, q, parameters = inputs(kind)
    found = peak(lambda: vt.gaussian_moments(family, q, bounds=True, **parameters))
    assert 10 <= found <= 11


@pytest.mark.parametrize("kind", ["one shape", "a column and a row", "one half of a grid", "not contiguous"])
def test_a_stream_needs_its_chunks_only(kind: str) -> None:
    family, q, parameters = inputs(kind)

    def run() -> float:
        stream = vt.stream_gaussian_moments(family, q, chunk_size=2**15, **parameters)
        return max(float(chunk.second_moment.max()) for _, chunk in stream)

    assert peak(run) <= 2  # two chunks' results, and what one call of any size takes beside its results


def test_a_stream_needs_no_more_for_more_points() -> None:
    few, many = (np.broadcast_to(np.float64(1.5), (size,)) for size in (MILLION // 4, MILLION))

    def run(q: Any) -> Callable[[], float]:
        return lambda: sum(
            float(chunk.sparsity[0])
            for _, chunk in vt.stream_gaussian_moments("crelu", q, chunk_size=2**15, tau=1.0, m=1.0)
        )

    assert peak(run(many)) <= peak(run(few)) * 1.1 + 0.02
