"""Activations from modules of PyTorch: the same values, and clear refusals."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import vmap_theory as vt

torch = pytest.importorskip("torch")
nn = torch.nn

EPS = 2.0**-52

MODULES: list[tuple[Callable[[], Any], str]] = [
    (nn.CELU, "celu"),
    (lambda: nn.CELU(alpha=0.3), "celu"),
    (nn.ELU, "elu"),
    (lambda: nn.ELU(alpha=1.7), "elu"),
    (nn.GELU, "gelu"),
    (lambda: nn.GELU(approximate="tanh"), "gelu_tanh"),
    (nn.Hardshrink, "hardshrink"),
    (lambda: nn.Hardshrink(1.3), "hardshrink"),
    (nn.Hardsigmoid, "hardsigmoid"),
    (nn.Hardswish, "hardswish"),
    (nn.Hardtanh, "hardtanh"),
    (lambda: nn.Hardtanh(-0.25, 3.0), "hardtanh"),
    (nn.Identity, "linear"),
    (nn.LeakyReLU, "leaky_relu"),
    (lambda: nn.LeakyReLU(0.3, inplace=True), "leaky_relu"),
    (nn.LogSigmoid, "logsigmoid"),
    (nn.Mish, "mish"),
    (nn.PReLU, "leaky_relu"),
    (lambda: nn.PReLU(init=0.1), "leaky_relu"),
    (nn.ReLU, "relu"),
    (nn.ReLU6, "relu6"),
    (nn.SELU, "selu"),
    (nn.Sigmoid, "sigmoid"),
    (nn.SiLU, "silu"),
    (nn.Softplus, "softplus"),
    (lambda: nn.Softplus(beta=2.5, threshold=50.0), "softplus"),
    (nn.Softshrink, "softshrink"),
    (lambda: nn.Softshrink(0.7), "softshrink"),
    (nn.Softsign, "softsign"),
    (nn.Tanh, "tanh"),
    (nn.Tanhshrink, "tanhshrink"),
    (lambda: nn.Threshold(0.1, -2.0), "threshold"),
]
"""Every elementwise activation of torch.nn, with customary and with other parameters."""

REFUSED: list[tuple[Callable[[], Any], str]] = [
    (nn.GLU, "no elementwise function"),
    (nn.LogSoftmax, "no elementwise function"),
    (lambda: nn.MultiheadAttention(2, 1), "no elementwise function"),
    (nn.RReLU, "random"),
    (nn.Softmax, "no elementwise function"),
    (nn.Softmax2d, "no elementwise function"),
    (nn.Softmin, "no elementwise function"),
]
"""What torch.nn counts among its activations and is no elementwise function."""


def points(rng: np.random.Generator) -> np.ndarray:
    scales = np.geomspace(1e-12, 1e12, 97)
    return np.concatenate([rng.normal(scale=3, size=1000), scales, -scales, [0.0, -0.0, 1e-300, -1e-300, 1e100]])


def float_errors(module: Any, name: str, x: np.ndarray) -> np.ndarray:
    """What a module of PyTorch loses by itself: digits that cancel, and the shortcut of softplus."""
    if name in ("gelu", "gelu_tanh", "tanhshrink"):  # x (1 + erf) and x (1 + tanh) for x < 0; x - tanh(x)
        return 4 * EPS * np.abs(x)
    if name == "softplus":
        beyond = module.beta * x > module.threshold
        return np.where(beyond, np.exp(-module.beta * np.where(beyond, x, 0.0)) / module.beta, 0.0)
    if name in ("celu", "elu", "selu"):  # alpha (exp(x) - 1): here it is ours that subtracts
        return np.full_like(x, 4 * EPS * 2)
    return np.zeros_like(x)


@pytest.mark.parametrize(("make", "name"), MODULES)
def test_values_are_those_of_the_module(make: Callable[[], Any], name: str, rng: np.random.Generator) -> None:
    module = make().double()
    act = vt.activation_from_torch(module)
    assert act.name == name
    assert act.free_parameters == ()
    x = points(rng)
    with torch.no_grad():
        expected = module(torch.from_numpy(x.copy())).numpy()
    # Roundings of the value, and as much as roundings of the argument move it.
    moved = sum(np.abs(act(x * (1 + 4 * side * EPS)) - act(x)) for side in (-1, 1))
    allowed = 4 * EPS * np.abs(expected) + moved + float_errors(module, name, x) + 1e-300
    wrong = ~(np.abs(act(x) - expected) <= allowed)
    assert not wrong.any(), (x[wrong][:5], act(x)[wrong][:5], expected[wrong][:5])


def test_every_activation_of_torch_is_supported_or_listed() -> None:
    exported = {getattr(nn.modules.activation, name) for name in nn.modules.activation.__all__}
    supported = {type(make()) for make, _ in MODULES}
    listed = {type(make()) for make, _ in REFUSED}
    assert not supported & listed
    assert exported == (supported | listed) - {nn.Identity}


def test_every_module_that_a_family_names_is_tested() -> None:
    named = {(name, entry.name) for name in vt.family_names() for entry in vt.family(name).torch}
    assert named == {(name, type(make()).__name__) for make, name in MODULES}
    assert all(hasattr(nn, module) for _, module in named)


@pytest.mark.parametrize(("make", "reason"), REFUSED)
def test_what_is_no_elementwise_function_is_refused(make: Callable[[], Any], reason: str) -> None:
    with pytest.raises(vt.VmapTheoryError, match=reason) as caught:
        vt.activation_from_torch(make())
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda: nn.LeakyReLU(), {"negative_slope": sp.Rational(1, 100)}),
        (lambda: nn.LeakyReLU(0.3), {"negative_slope": sp.Rational(0.3)}),
        (lambda: nn.PReLU(), {"negative_slope": sp.Rational(1, 4)}),
        (lambda: nn.PReLU(init=0.01), {"negative_slope": sp.Rational(float(np.float32(0.01)))}),
        (lambda: nn.Softplus(), {"beta": sp.Integer(1)}),
        (lambda: nn.Hardshrink(0.5), {"lambd": sp.Rational(1, 2)}),
        (lambda: nn.Hardshrink(0), {"lambd": sp.Integer(0)}),
        (lambda: nn.Threshold(1, 2.5), {"threshold": sp.Integer(1), "value": sp.Rational(5, 2)}),
        (lambda: nn.ReLU(), {}),
    ],
)
def test_parameters_are_exact(make: Callable[[], Any], values: dict[str, sp.Expr]) -> None:
    assert dict(vt.activation_from_torch(make()).values) == values


def test_rrelu_names_what_it_is_in_evaluation(rng: np.random.Generator) -> None:
    module = nn.RReLU(0.1, 0.4)
    with pytest.raises(vt.VmapTheoryError) as caught:
        vt.activation_from_torch(module)
    slope = float(re.search(r"LeakyReLU\(([0-9.]+)\)", str(caught.value))[1])
    x = torch.from_numpy(rng.normal(size=50))
    torch.testing.assert_close(module.eval()(x), nn.LeakyReLU(slope)(x), rtol=1e-15, atol=0)


@pytest.mark.parametrize("threshold", [14.0, 20.0, 1e6])
def test_softplus_whose_shortcut_is_below_rounding(threshold: float) -> None:
    assert np.log1p(np.exp(-threshold)) / threshold <= 2.0**-24
    assert vt.activation_from_torch(nn.Softplus(2.0, threshold)).values == (("beta", 2),)


@pytest.mark.parametrize("threshold", [13.99, 5.0, 0.0, -1.0, float("nan")])
def test_softplus_whose_shortcut_shows(threshold: float) -> None:
    assert not (threshold > 0 and np.log1p(np.exp(-threshold)) / threshold <= 2.0**-24)
    with pytest.raises(vt.VmapTheoryError, match="threshold of 14 or more") as caught:
        vt.activation_from_torch(nn.Softplus(threshold=threshold))
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Threshold(float("nan"), 0.0), "threshold = nan"),
        (lambda: nn.Threshold(0.0, float("inf")), "value = inf"),
        (lambda: nn.Softplus(beta=-1.0), "outside its domain"),
        (lambda: nn.ELU(alpha=-1.0), "outside its domain"),
        (lambda: nn.PReLU(3), "3 values of weight"),
    ],
)
def test_numbers_without_a_family(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(vt.VmapTheoryError, match=message) as caught:
        vt.activation_from_torch(make())
    assert isinstance(caught.value, ValueError)


class Renamed(nn.ReLU):
    """Computes what its base computes."""


class Changed(nn.ReLU):
    """Computes something else."""

    def forward(self, x: Any) -> Any:
        return super().forward(x) + 1


class Own(nn.Module):
    """Computes anything."""

    def forward(self, x: Any) -> Any:
        return x


def test_subclasses() -> None:
    assert vt.activation_from_torch(Renamed()) == vt.activation("relu")
    for module in (Changed(), Own()):
        with pytest.raises(vt.VmapTheoryError, match="forward of its own") as caught:
            vt.activation_from_torch(module)
        assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (nn.ReLU, r"class: give an instance, such as ReLU\(\)"),
        (nn.Sequential(nn.ReLU(), nn.Tanh()), "one at a time"),
        (nn.ModuleList([nn.ReLU()]), "one at a time"),
        ("relu", "no module"),
        (None, "no module"),
        (nn.functional.relu, "no module"),
        (torch.ones(3), "no module"),
    ],
)
def test_what_is_no_module_is_refused(wrong: object, message: str) -> None:
    with pytest.raises(vt.VmapTheoryError, match=message) as caught:
        vt.activation_from_torch(wrong)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("make", [lambda: nn.Linear(2, 2), nn.Dropout, lambda: nn.GELU(approximate="none2")])
def test_modules_that_are_not_known(make: Callable[[], Any]) -> None:
    with pytest.raises(LookupError, match=r"torch\.nn"):
        vt.activation_from_torch(make())


def test_torch_is_never_imported() -> None:
    script = """
import sys, vmap_theory as vt
Tanh = type("Tanh", (), {"__module__": "torch.nn.modules.activation"})
assert vt.activation_from_torch(Tanh()) == vt.activation("tanh")
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(vt.__file__).parents[1])
