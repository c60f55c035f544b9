"""Derivatives, transforms and compilation of the moments of PyTorch tensors."""

import itertools
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

import vmap_theory as vt
from tests.kernels.backends import MOMENTS, POLYNOMIAL_FAMILIES, domain_points, exact_derivative

torch = pytest.importorskip("torch")

# PyTorch's own code for forward mode warns of a function that it uses itself.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

TAIL = (1.3, 20 * 1.3**0.5, 0.4)  # q, tau, m: tau/sqrt(q) = 20
CHECKED = ("crelu", "cst", "hard_threshold", "hardtanh", "hardswish", "leaky_relu", "abrelu", "trapezoid", "scad")
TWICE = ("crelu", "cst", "hard_threshold", "hardtanh", "leaky_relu")
Q_ULP = 8  # of the size of the terms; measured: 2


def tensor(value: Any, **kind: Any) -> Any:
    return torch.tensor(value, dtype=torch.float64, **kind)


def problem(family: str, rng: np.random.Generator) -> tuple[Any, list[Any]]:
    """A function of q and the parameters that returns the moments that are finite, and arguments for it."""
    act = vt.family(family)
    names = [p.name for p in act.free_parameters]
    ranges = [(0.5, 2.0), *(map(float, p.typical) for p in act.free_parameters)]
    arguments = [tensor(rng.uniform(*ends, 2), requires_grad=True) for ends in ranges]
    finite = vt.gaussian_moments(act, arguments[0], **dict(zip(names, arguments[1:], strict=True)))
    kept = [m for m in MOMENTS if getattr(finite, m).requires_grad and torch.isfinite(getattr(finite, m)).all()]

    def function(q: Any, *parameters: Any) -> tuple[Any, ...]:
        result = vt.gaussian_moments(act, q, **dict(zip(names, parameters, strict=True)))
        return tuple(getattr(result, moment) for moment in kept)

    return function, arguments


@pytest.mark.parametrize("family", CHECKED)
def test_first_derivatives_against_differences(family: str, rng: np.random.Generator) -> None:
    function, arguments = problem(family, rng)
    assert torch.autograd.gradcheck(function, arguments, check_forward_ad=True)


@pytest.mark.parametrize("family", TWICE)
def test_second_derivatives_against_differences(family: str, rng: np.random.Generator) -> None:
    assert torch.autograd.gradgradcheck(*problem(family, rng))


@pytest.mark.parametrize("moment", ["second_moment", "slope_moment", "sparsity"])
def test_derivatives_in_the_sparse_tail(moment: str) -> None:
    def function(point: Any) -> Any:
        return getattr(vt.gaussian_moments("crelu", point[0], tau=point[1], m=point[2]), moment)

    point = tensor(TAIL)
    slopes, hessian = torch.func.jacrev(function)(point), torch.func.hessian(function)(point)
    for i in range(3):
        orders = tuple(int(i == k) for k in range(3))
        assert float(slopes[i]) == pytest.approx(exact_derivative(moment, orders, TAIL), rel=1e-12, abs=0), orders
    for i, j in itertools.product(range(3), repeat=2):
        orders = tuple(int(i == k) + int(j == k) for k in range(3))
        assert float(hessian[i, j]) == pytest.approx(exact_derivative(moment, orders, TAIL), rel=1e-12, abs=0), orders


def test_a_third_derivative_in_the_sparse_tail() -> None:
    q, tau, m = (tensor(value, requires_grad=True) for value in TAIL)
    value = vt.gaussian_moments("crelu", q, tau=tau, m=m).second_moment
    for argument in (tau, m, tau):
        (value,) = torch.autograd.grad(value, argument, create_graph=True)
    assert value.item() == pytest.approx(exact_derivative("second_moment", (0, 2, 1), TAIL), rel=1e-12, abs=0)


def test_transforms_agree_with_one_another() -> None:
    def function(q: Any, tau: Any) -> Any:
        return vt.gaussian_moments("cst", q, tau=tau, m=1.0).d_second_moment

    q, tau = tensor([0.5, 1.0, 2.0]), tensor([0.3, 1.0, 2.5])
    expected = torch.func.jacrev(function, (0, 1))(q, tau)
    for found, wanted in zip(torch.func.jacfwd(function, (0, 1))(q, tau), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-14, atol=0)
    mapped = torch.func.vmap(torch.func.grad(function, (0, 1)))(q, tau)
    for found, wanted in zip(mapped, expected, strict=True):
        torch.testing.assert_close(found, wanted.diagonal(), rtol=1e-14, atol=0)
    _, along = torch.func.jvp(function, (q, tau), (torch.ones_like(q), 2 * torch.ones_like(q)))
    torch.testing.assert_close(along, (expected[0] + 2 * expected[1]).diagonal(), rtol=1e-14, atol=1e-16)
    table = torch.func.vmap(torch.func.vmap(function, (0, None)), (None, 0))(q, tau)
    torch.testing.assert_close(table, function(q, tau[:, None]), rtol=0, atol=0)


@pytest.mark.parametrize("family", POLYNOMIAL_FAMILIES)
def test_gradients_over_the_whole_domain(family: str) -> None:
    """The derivatives in q are the next moments; no derivative is NaN where the value is finite."""
    for points in domain_points(family):
        q = tensor(points.q, requires_grad=True)
        given = {name: tensor(value, requires_grad=True) for name, value in points.parameters.items()}
        moments = vt.gaussian_moments(points.act, q, **given)
        for moment, following in itertools.pairwise(MOMENTS[:3]):
            (slope,) = torch.autograd.grad(getattr(moments, moment).sum(), q, retain_graph=True)
            expected, size = getattr(moments, following).detach(), tensor(points.size(following))
            error = torch.where(slope == expected, 0.0, (slope - expected).abs())
            assert bool((error <= Q_ULP * 2.0**-52 * size + 1e-307).all()), following
        logarithms = vt.log_gaussian_moments(points.act, q, **given)
        values = {name: value for part in (moments, logarithms) for name, value in vars(part).items()}
        for name, value in values.items():
            # The third derivative in q leaves the range of float64 where q is 1e-250.
            if value is None or not value.requires_grad or name == "d2_second_moment":
                continue
            finite = torch.isfinite(value.detach())
            for slope in torch.autograd.grad(value.sum(), [q, *given.values()], retain_graph=True, allow_unused=True):
                assert slope is None or not bool((torch.isnan(slope) & finite).any()), name


def test_an_infinite_level_has_finite_derivatives() -> None:
    q, tau, m = (tensor(value, requires_grad=True) for value in (1.0, 1.0, float("inf")))
    found = vt.gaussian_moments("crelu", q, tau=tau, m=m)
    slopes = torch.autograd.grad(found.second_moment, (q, tau, m))
    unclipped = vt.gaussian_moments("relu_tau", q, tau=tau)
    expected = torch.autograd.grad(unclipped.second_moment, (q, tau))
    torch.testing.assert_close(slopes[:2], expected, rtol=1e-14, atol=0)
    assert slopes[2].item() == 0.0


def test_float32_gradients() -> None:
    q, tau = torch.tensor([0.5, 1.0, 2.0], requires_grad=True), torch.tensor(2.5, requires_grad=True)
    slopes = torch.autograd.grad(vt.gaussian_moments("crelu", q, tau=tau, m=1.0).second_moment.sum(), (q, tau))
    wide = [value.detach().double().requires_grad_() for value in (q, tau)]
    exact = torch.autograd.grad(vt.gaussian_moments("crelu", wide[0], tau=wide[1], m=1.0).second_moment.sum(), wide)
    assert {slope.dtype for slope in slopes} == {torch.float32}
    torch.testing.assert_close(slopes, tuple(value.float() for value in exact), rtol=2.0**-22, atol=0)


def test_bad_values_are_nan_inside_vmap() -> None:
    found = torch.func.vmap(lambda q, tau: vt.gaussian_moments("relu_tau", q, tau=tau).sparsity)
    q, tau = tensor([1.0, -1.0, 0.0, float("inf"), 1.0]), tensor([1.0, 1.0, 1.0, 1.0, -1.0])
    assert torch.isnan(found(q, tau)).tolist() == [False, True, True, True, True]


def test_compiled_without_graph_breaks() -> None:
    act = vt.activation("relu_tau", tau=1.5)

    def function(q: Any, tau: Any) -> Any:
        free = vt.gaussian_moments("relu_tau", q, tau=tau, bounds=True)
        bound, logarithms = vt.gaussian_moments(act, q), vt.log_gaussian_moments("relu", q)
        return free.second_moment + free.sparsity_error + bound.d_second_moment + logarithms.log_second_moment

    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    q, tau = tensor([0.5, 1.0, 2.0], requires_grad=True), tensor(1.0, requires_grad=True)
    found, expected = compiled(q, tau), function(q, tau)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    slopes = [torch.autograd.grad(value.sum(), (q, tau)) for value in (found, expected)]
    torch.testing.assert_close(slopes[0], slopes[1], rtol=0, atol=0)
    assert torch.isnan(compiled(tensor([1.0, -1.0, 2.0], requires_grad=True), tau)).tolist() == [False, True, False]


def test_compiled_before_any_other_call() -> None:
    code = """
        import torch
        import vmap_theory as vt

        @torch.compile(fullgraph=True, backend="aot_eager")
        def excess(q, tau):
            return vt.gaussian_moments("relu_tau", q, tau=tau).second_moment - q

        q = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
        found = excess(q, 1.0)
        torch.autograd.grad(found.sum(), q)
        assert torch.equal(found, vt.gaussian_moments("relu_tau", q, tau=1.0).second_moment - q)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
