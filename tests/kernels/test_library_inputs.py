"""What NumPy, PyTorch and JAX accept and refuse: the same for all of them."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from tests.kernels.backends import Backend, backend
from vmap_theory.errors import DomainError, DtypeError, ExpressionError, SymbolicParameterError, UnknownNameError

NAN, INF = float("nan"), float("inf")
FUNCTIONS: list[Callable[..., Any]] = [vt.gaussian_moments, vt.log_gaussian_moments]


@pytest.fixture(params=["numpy", "torch", "jax"])
def library(request: pytest.FixtureRequest) -> Backend:
    return backend(request.param)


@pytest.fixture(params=FUNCTIONS, ids=["values", "logarithms"])
def function(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return request.param


def one(library: Backend, value: float = 1.0) -> Any:
    return library.array([value], "float32")


@pytest.mark.parametrize("q", [0.0, -1.0, INF, -INF])
def test_variances_outside_their_domain(library: Backend, function: Callable[..., Any], q: float) -> None:
    with pytest.raises(DomainError, match=r"q = (0|-1|inf|-inf)"):
        function("relu", library.array([1.0, q, NAN], "float32"))


@pytest.mark.parametrize(
    ("family", "parameters"),
    [
        ("relu_tau", {"tau": -0.1}),
        ("relu_tau", {"tau": INF}),
        ("crelu", {"tau": 1.0, "m": 0.0}),
        ("hardtanh", {"min_val": 0.5, "max_val": 1.0}),
        ("cel0", {"lambd": 1.0, "a": 1.0}),
        ("leaky_relu", {"negative_slope": -INF}),
    ],
)
def test_parameters_outside_their_domain(library: Backend, family: str, parameters: dict[str, float]) -> None:
    act = vt.family(family)
    with pytest.raises(DomainError):
        vt.gaussian_moments(act, one(library), **{name: library.array(v, "float32") for name, v in parameters.items()})
    with pytest.raises(DomainError):
        vt.gaussian_moments(act, one(library), **parameters)


def test_shapes_that_do_not_broadcast(library: Backend, function: Callable[..., Any]) -> None:
    with pytest.raises(DomainError, match=r"broadcast \(q: \(2,\), tau: \(3,\)\)"):
        function("relu_tau", library.array([1.0, 2.0], "float32"), tau=library.array([1.0, 2.0, 3.0], "float32"))


def test_shapes_that_broadcast(library: Backend) -> None:
    q, tau = library.array([1.0, 2.0], "float32"), library.array([[0.5], [1.0], [1.5]], "float32")
    found = np.asarray(vt.gaussian_moments("relu_tau", q, tau=tau).second_moment)
    assert found.shape == (3, 2)
    assert found[2, 1] == np.asarray(vt.gaussian_moments("relu_tau", q[1], tau=tau[2, 0]).second_moment)
    assert np.asarray(vt.gaussian_moments("relu", library.array(np.zeros((0, 2)), "float32")).sparsity).shape == (0, 2)


@pytest.mark.parametrize("dtype", ["complex64", "bool"])
def test_arrays_of_the_wrong_type(library: Backend, function: Callable[..., Any], dtype: str) -> None:
    with pytest.raises(DtypeError, match=f"q has dtype .*{dtype}"):
        function("relu", library.array([1.0], dtype))
    with pytest.raises(DtypeError, match=f"tau has dtype .*{dtype}"):
        function("relu_tau", one(library), tau=library.array([1.0], dtype))


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_half_precision_is_refused_where_results_would_have_it(name: str) -> None:
    for q, tau in [("float16", "float32"), ("float32", "float16")]:
        with pytest.raises(DtypeError, match="float16"):
            vt.gaussian_moments("relu_tau", backend(name).array([1.0], q), tau=backend(name).array([1.0], tau))


@pytest.mark.parametrize(
    "tau",
    [
        *("1", ["1"], np.array(["1"]), b"1", 1j, [1j], np.array([1j]), None, object(), {"a": 1}),
        *(True, [True], np.array([True]), np.True_, [[1.0], [1.0, 2.0]]),
    ],
)
def test_parameters_that_are_no_real_numbers(library: Backend, function: Callable[..., Any], tau: Any) -> None:
    with pytest.raises(DtypeError, match="tau"):
        function("relu_tau", one(library), tau=tau)


def test_numbers_beyond_float64(library: Backend) -> None:
    with pytest.raises(DomainError, match="tau"):
        vt.gaussian_moments("relu_tau", one(library), tau=10**400)


def test_nan_stays_where_it_is(library: Backend, function: Callable[..., Any]) -> None:
    q, tau = [1.0, NAN, 1.0, 2.0, NAN], [1.0, 1.0, NAN, 0.5, NAN]
    found = function("crelu", library.array(q, "float32"), tau=library.array(tau, "float32"), m=1.0)
    for name, value in vars(found).items():
        if value is not None:
            np.testing.assert_array_equal(np.isnan(np.asarray(value)), [False, True, True, False, True], name)


def test_parameters_that_are_missing_or_unknown(library: Backend, function: Callable[..., Any]) -> None:
    with pytest.raises(SymbolicParameterError, match="m, tau"):
        function(vt.family("crelu"), one(library))
    with pytest.raises(UnknownNameError, match="tau"):
        function("crelu", one(library), tao=1.0, m=1.0)
    with pytest.raises(UnknownNameError, match="tau"):
        function("relu", one(library), tau=1.0)
    with pytest.raises(UnknownNameError, match="rleu"):
        function("rleu", one(library))


@pytest.mark.parametrize("name", ["torch", "jax"])
@pytest.mark.parametrize(("family", "given"), [("tanh", {}), ("gelu", {}), ("hermite", {"degree": 3})])
def test_what_numpy_alone_computes(name: str, family: str, given: dict[str, int], function: Callable[..., Any]) -> None:
    with pytest.raises(ExpressionError, match=f"{family}.*NumPy"):
        function(vt.family(family), one(backend(name)), **given)


def test_integers_are_widened(library: Backend) -> None:
    found = np.asarray(vt.gaussian_moments("relu", library.array([1, 200], "uint8")).second_moment)
    np.testing.assert_array_equal(found, [0.5, 100.0])
    jax_without_64_bits = library is backend("jax")
    assert found.dtype == ("float32" if jax_without_64_bits else "float64")
    with library.precise():
        assert np.asarray(vt.gaussian_moments("relu", library.array([3], "int64")).sparsity).dtype == "float64"
        mixed = vt.gaussian_moments("relu_tau", library.array([3], "int32"), tau=one(library)).sparsity
        assert np.asarray(mixed).dtype == "float64"


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_numbers_and_lists_take_the_type_of_the_arrays(name: str) -> None:
    library = backend(name)
    with library.precise():
        for tau in (1, 1.0, [1.0], np.float64(1.0)):
            single = vt.gaussian_moments("relu_tau", one(library), tau=tau).second_moment
            double = vt.gaussian_moments("relu_tau", library.array([1.0], "float64"), tau=tau).second_moment
            assert (np.asarray(single).dtype, np.asarray(double).dtype) == (np.dtype("float32"), np.dtype("float64"))
        widened = vt.gaussian_moments("relu_tau", one(library), tau=np.array([1.0])).second_moment
        assert np.asarray(widened).dtype == "float64"


@pytest.mark.parametrize("function_name", ["gaussian_moments", "log_gaussian_moments"])
def test_libraries_do_not_mix(function_name: str) -> None:
    torch_one, jax_one = one(backend("torch")), one(backend("jax"))
    for q, tau in [(torch_one, jax_one), (jax_one, torch_one)]:
        with pytest.raises(DtypeError, match="mix"):
            getattr(vt, function_name)("relu_tau", q, tau=tau)


def test_nothing_is_loaded_unless_asked_for() -> None:
    code = """
        import sys
        import numpy as np
        import vmap_theory as vt
        vt.gaussian_moments("crelu", np.ones(3), tau=1.0, m=1.0, bounds=True)
        vt.log_gaussian_moments("crelu", 1.0, tau=1.0, m=1.0)
        assert not {"torch", "jax", "jaxlib"} & set(sys.modules), "loaded without an array of theirs"
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)
