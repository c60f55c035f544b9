"""The public names: all there, all documented, and errors that fit."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import vmap_theory as vt
from vmap_theory import errors

STUB = Path(vt.__file__).with_suffix(".pyi")
PUBLIC = sorted(
    alias.asname or alias.name
    for node in ast.parse(STUB.read_text()).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
)

# What outside code may rely on, typed here so that a name cannot vanish unnoticed.
PROMISED = {
    "Activation",
    "Limit",
    "Parameter",
    "VarianceMap",
    "VmapTheoryError",
    "activation",
    "clipping_level",
    "derive",
    "edge_of_chaos",
    "family",
    "family_names",
    "fixed_points",
    "gaussian_moments",
    "parse_activation",
    "threshold_for_sparsity",
    "verify",
}

ATTRIBUTES: dict[str, tuple[Any, str]] = {
    "Formulas": (
        lambda: vt.derive(vt.activation("crelu")),
        "second_moment slope_moment V dV d2V chi_1 sparsity is_exact",
    ),
    "VerificationReport": (
        lambda: vt.verify(vt.activation("relu"), 10, points=1),
        "passed max_relative_error digits rows",
    ),
    "VarianceMap": (
        lambda: vt.VarianceMap(vt.activation("relu"), sigma_w2=1, sigma_b2=0),
        "derivative second_derivative chi_1",
    ),
    "GaussianMoments": (
        lambda: vt.gaussian_moments(vt.activation("relu"), 1.0),
        "second_moment d_second_moment d2_second_moment slope_moment sparsity",
    ),
    "EdgeOfChaos": (
        lambda: vt.edge_of_chaos(vt.activation("relu"), q_star=1.0),
        "sigma_w2 sigma_b2 q_star variance_map",
    ),
    "ClippingLevel": (
        lambda: vt.clipping_level("crelu", sparsity=0.85, q_star=1.0, criterion="slope", target=0.5),
        "m tau sigma_w2 sigma_b2 variance_map criterion",
    ),
    "FixedPoint": (
        lambda: vt.fixed_points(vt.clipping_level("crelu", 0.85).variance_map)[0],
        "q slope chi_1 stability error_bound",
    ),
}

ERRORS = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, Exception)]
LEAVES = [e for e in ERRORS if e is not errors.VmapTheoryError]


def test_promised_names_are_public() -> None:
    assert set(PUBLIC) >= PROMISED


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_can_be_imported(name: str) -> None:
    assert getattr(vt, name) is not None
    assert name in dir(vt)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_objects_are_documented(name: str) -> None:
    thing = getattr(vt, name)
    assert len(inspect.getdoc(thing) or "") > 20
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if not member.startswith("_") and (callable(value) or isinstance(value, (property, classmethod))):
                assert inspect.getdoc(getattr(value, "__func__", value)), f"{name}.{member}"


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_results_have_the_promised_attributes(kind: str) -> None:
    make, attributes = ATTRIBUTES[kind]
    result = make()
    assert type(result).__name__ == kind
    for attribute in attributes.split():
        assert getattr(result, attribute) is not None


def test_unknown_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vt.nothing  # noqa: B018
    with pytest.raises(AttributeError):
        vt._homes_of  # noqa: B018
    assert not hasattr(vt, "vmap"), "the word belongs to JAX and torch"


def test_version() -> None:
    assert vt.__version__.count(".") == 2


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_errors_derive_from_the_base_and_from_a_builtin(error: type[Exception]) -> None:
    assert issubclass(error, vt.VmapTheoryError)
    builtins = (ValueError, TypeError, LookupError, ArithmeticError, OSError, ImportError, RuntimeError)
    assert sum(issubclass(error, builtin) for builtin in builtins) == 1
    assert inspect.getdoc(error) != inspect.getdoc(vt.VmapTheoryError)
    assert str(error("what and why")) == "what and why"


def test_every_error_raised_on_purpose_is_one_of_ours() -> None:
    # AttributeError is what __getattr__ must raise; the rest of the package raises its own errors alone.
    known = {error.__name__ for error in ERRORS} | {"AttributeError", "Exit"}
    for path in Path(vt.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                function = node.exc.func
                if isinstance(function, ast.Name) and function.id[0].isupper():
                    assert function.id in known or path.parent.name == "tables", f"{path.name}:{node.lineno}"


def test_unknown_names_without_a_near_one() -> None:
    message = str(errors.UnknownNameError.among("thing", "zzz", ["alpha", "beta"]))
    assert message == "unknown thing 'zzz'. Known: alpha, beta."
    assert "none" in str(errors.UnknownNameError.among("thing", "a", []))


def test_names_of_the_registry_stand_for_activations() -> None:
    assert vt.derive("relu").V == vt.derive(vt.activation("relu")).V
    assert vt.gaussian_moments("relu", 1.0).second_moment == 0.5
    assert vt.edge_of_chaos("hardtanh").sigma_w2 == vt.edge_of_chaos(vt.activation("hardtanh")).sigma_w2
    assert vt.VarianceMap("relu", sigma_w2=2, sigma_b2=0)(1.0) == 1.0
    assert vt.verify("relu", 10, points=1).passed


@pytest.mark.parametrize("wrong", [3, None, ["crelu"], 1.5])
def test_what_is_no_activation_is_refused(wrong: object) -> None:
    for call in (vt.derive, vt.verify, vt.edge_of_chaos, vt.activation, vt.family):
        with pytest.raises(vt.VmapTheoryError) as caught:
            call(wrong)
        assert isinstance(caught.value, TypeError)


def test_star_import_brings_the_public_names() -> None:
    names: dict[str, Any] = {}
    exec("from vmap_theory import *", names)  # noqa: S102 (our own line)
    assert names["derive"] is vt.derive
    assert set(names) - {"__builtins__"} == set(vt.__all__)
