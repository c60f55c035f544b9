"""Chains in PyTorch: the same law as in NumPy, the same functions on tensors, named errors."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

import vmap_theory as vt
from tests.activations.test_slope import member
from tests.finite_width.scores import z_of_means, z_of_variances
from vmap_theory.activations.evaluation import slope_on
from vmap_theory.errors import DomainError, DtypeError, UnknownNameError
from vmap_theory.finite_width import simulate_chain, trainability

torch = pytest.importorskip("torch")

from vmap_theory.finite_width.torch_chain import TorchUnits  # noqa: E402

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
MAPS = {
    "crelu": vt.clipping_level("crelu", sparsity=0.85, target=0.7).variance_map,
    "cst": vt.clipping_level("cst", sparsity=0.85, target=0.7).variance_map,
    "tanh": vt.edge_of_chaos("tanh").variance_map,
    "elu": vt.edge_of_chaos("elu").variance_map,
}


@pytest.mark.parametrize("name", [n for n in vt.family_names() if not member(n).slope_is_infinite])
def test_functions_on_tensors(name: str) -> None:
    act = member(name)
    x = np.random.default_rng(2).standard_normal((10, 200)) * 2
    units, tensor = TorchUnits(act), torch.from_numpy(x)
    np.testing.assert_allclose(units.values(tensor).numpy(), act(x), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(units.slopes(tensor).numpy(), slope_on(act, x), rtol=1e-12, atol=1e-13)
    mean = (slope_on(act, x) ** 2).mean(axis=1)
    np.testing.assert_allclose(units.log_mean_squared_slope(tensor).exp().numpy(), mean, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("gradient", ["mean", "tangent"])
@pytest.mark.parametrize("name", MAPS)
def test_same_law(name: str, gradient: str, device: str) -> None:
    arguments = {"width": 60, "depth": 12, "chains": 3000, "gradient": gradient}
    ours = simulate_chain(MAPS[name], **arguments)
    theirs = simulate_chain(MAPS[name], library="torch", device=device, **arguments)
    assert theirs.q.dtype == np.float64
    for left, right in ((ours.q, theirs.q), (ours.log10_gradient, theirs.log10_gradient)):
        for layer in (1, 12):
            a, b = (side[np.isfinite(side[:, layer]), layer] for side in (left, right))
            assert abs(z_of_means(a, b)) < 4.5
            assert abs(z_of_variances(a, b)) < 4.5
            assert stats.ks_2samp(a.round(9), b.round(9)).pvalue > 1e-4


def test_seeds() -> None:
    first, again, other = (
        simulate_chain(MAPS["tanh"], width=20, depth=3, chains=50, seed=seed, library="torch", device="cpu").q
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert np.intersect1d(first[:, 1], other[:, 1]).size == 0


def test_ends_of_numbers() -> None:
    """As in NumPy: -inf where no unit is active, inf and nan where the variance leaves float64."""
    vm = vt.VarianceMap(vt.activation("relu_tau", tau=2.0), 5.0, 0.5)
    sample = simulate_chain(vm, width=5, depth=10, chains=500, q_0=1.0, library="torch")
    assert 0 < sample.dead < 501
    assert not np.isnan(sample.log10_gradient).any()
    square = vt.VarianceMap("squared_relu", 3.0, 1.0)
    sample = simulate_chain(square, width=30, depth=40, chains=20, q_0=1.0, library="torch")
    assert sample.diverged == 20
    assert np.all(np.isnan(sample.log10_gradient[:, -1]))


def test_trainability() -> None:
    found = trainability(MAPS["cst"], width=100, depth=20, library="torch")
    numpy = trainability(MAPS["cst"], width=100, depth=20)
    assert found.lower < numpy.upper
    assert numpy.lower < found.upper


def test_refusals() -> None:
    arguments = {"width": 10, "depth": 2, "chains": 10, "library": "torch"}
    with pytest.raises(UnknownNameError, match=r"Did you mean 'cuda'\?"):
        simulate_chain(MAPS["tanh"], device="cude", **arguments)
    with ThreadPoolExecutor(1) as pool, pytest.raises(DomainError, match="executor"):
        simulate_chain(MAPS["tanh"], executor=pool, **arguments)
    function = vt.Activation.from_function(np.tanh)
    with pytest.raises(DtypeError, match="library='numpy'"):
        simulate_chain(vt.VarianceMap(function, 1.0, 0.1), q_0=1.0, **arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu() -> None:
    with pytest.raises(DomainError, match=r"sees no CUDA device.*device='cpu'"):
        simulate_chain(MAPS["tanh"], width=10, depth=2, library="torch", device="cuda")
