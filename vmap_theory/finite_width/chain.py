"""The exact Markov chain of a net of finite width, without its weight matrices."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ..checks import integer_between
from ..errors import DomainError, DtypeError, UnknownNameError
from ..sweeps.pools import available_processors
from ..variance_map import VarianceMap
from .arguments import (
    checked_chains,
    checked_depth,
    checked_map,
    checked_width,
    require_slopes,
    starting_variance,
)
from .blocks import GRADIENTS, ChainBlock, Net, block_size, simulate_block
from .sample import ChainSample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LIBRARIES = ("numpy", "torch")
"""The array libraries that chains run on."""

_MOST_SEED = 2**63 - 1


def simulate_chain(
    vm: VarianceMap,
    *,
    width: int,
    depth: int,
    chains: int = 2000,
    q_0: float | None = None,
    seed: int = 0,
    gradient: str = "mean",
    library: str = "numpy",
    device: str | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ChainSample:
    r"""Simulate variances and gradients of random nets of one width, layer by layer, exactly.

    Given layer l, the pre-activations of layer l + 1 are independent and normal, so that the variance is
    a Markov chain:

    .. math:: Q_{l+1} = \sigma_b^2 + \frac{\sigma_w^2}{n} \sum_{i=1}^n \phi(\sqrt{Q_l} z_i)^2.

    Parameters
    ----------
    vm : VarianceMap
        The map of a layer of infinite width; it gives phi, sigma_w2 and sigma_b2.
    width, depth : int
        Units per layer n >= 2, and layers L >= 1.
    chains : int
        How many independent nets, >= 2.
    q_0 : float, optional
        Pre-activation variance (not standard deviation) of the first layer, > 0; by default the q* of the map.
    seed : int
        The same seed gives the same numbers whatever the executor; with NumPy, chain k does not depend on how many
        there are.  Other maps see the same standard normals: differences between maps are less noisy than the maps.
        Other widths see the same stream too, block by block: give widths that are compared different seeds.
    gradient : str
        What ``log10_gradient`` accumulates: ``"mean"``, the factor ``sigma_w2 / n sum phi'(sqrt(Q_l) z_i)^2``;
        ``"tangent"``, the squared length of a directional derivative, exactly; ``"none"``, nothing.
    library : str
        ``"numpy"`` or ``"torch"``, which has other random numbers.
    device : str, optional
        For torch: ``"cpu"`` or ``"cuda"``; by default cuda if there is one.
    executor : concurrent.futures.Executor, optional
        For NumPy: runs the blocks of chains; by default threads, one a core.
    on_progress : callable, optional
        Called with the chains done and the chains wanted.

    Returns
    -------
    ChainSample
        Float64 arrays of shape (chains, depth + 1).

    Raises
    ------
    DomainError, DtypeError
        A number is outside its domain, `q_0` is left out and the map has no q*, or `executor` was shut down.
    UnknownNameError
        `gradient`, `library` or `device` is not known.
    NoEdgeOfChaosError
        phi jumps, so that gradients are undefined; ``gradient="none"`` still works.
    MissingExtraError
        PyTorch is wanted and not installed.

    Notes
    -----
    A layer without an active unit has gradient 0 and logarithm -inf, from there on; a variance that leaves float64 is
    inf from there on and its gradient nan.  Neither is a warning or an error.

    Examples
    --------
    >>> from vmap_theory import clipping_level
    >>> clip = clipping_level("crelu", sparsity=0.85, target=0.7)
    >>> sample = simulate_chain(clip.variance_map, width=300, depth=100, chains=400)
    >>> sample.q.shape, bool(0.9 < sample.q[:, -1].mean() < 1.1)
    ((400, 101), True)
    >>> 0.7 < sample.gradient_quantile(0.95).value < 1.1
    True
    """
    net = Net(checked_map(vm), checked_width(width), checked_depth(depth), starting_variance(vm, q_0), gradient)
    wanted = checked_chains(chains)
    start = integer_between("seed", seed, 0, _MOST_SEED)
    if gradient not in GRADIENTS:
        raise UnknownNameError.among("kind of gradient", gradient, GRADIENTS)
    if gradient != "none":
        require_slopes(net.vm.activation, "the gradient of a net", ", or simulate variances alone with gradient='none'")
    if library not in LIBRARIES:
        raise UnknownNameError.among("library for chains", library, LIBRARIES)
    if library == "torch":
        from .torch_chain import torch_blocks

        if executor is not None:
            raise DomainError("executor is for library='numpy' alone: leave it out, PyTorch has threads of its own.")
        blocks = torch_blocks(net, wanted, start, device)
    else:
        if device is not None:
            raise DomainError(f"device = {device!r} is for library='torch' alone: leave it out, or change the library.")
        blocks = _numpy_blocks(net, wanted, start, executor)
    return _collected(net, wanted, start, library, blocks, on_progress)


def _collected(
    net: Net,
    chains: int,
    seed: int,
    library: str,
    blocks: Iterator[ChainBlock],
    on_progress: Callable[[int, int], None] | None,
) -> ChainSample:
    """Put blocks together, in order; the last may hold more chains than are wanted."""
    q = np.empty((chains, net.depth + 1))
    gradient = np.empty((chains, net.depth + 1)) if net.gradient != "none" else None
    done = 0
    for block in blocks:
        count = min(block.q.shape[0], chains - done)
        q[done : done + count] = block.q[:count]
        if gradient is not None and block.log10_gradient is not None:
            gradient[done : done + count] = block.log10_gradient[:count]
        done += count
        if on_progress is not None:
            on_progress(done, chains)
    return ChainSample(net.vm, net.width, net.depth, net.q_0, seed, net.gradient, library, q, gradient)


def _numpy_blocks(net: Net, chains: int, seed: int, executor: Executor | None) -> Iterator[ChainBlock]:
    """All blocks in order, simulated by the workers of an executor."""
    size = block_size(net.width)
    numbers = range(-(-chains // size))
    with _workers(executor, len(numbers)) as workers:
        futures: list[Future[ChainBlock]] = []
        try:
            futures.extend(_submitted(workers, net, seed, number) for number in numbers)
            for future in futures:
                yield future.result()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            if not _is_unpicklable(net):
                raise
            raise DtypeError(
                f"{net.vm.activation.label} cannot be sent to other processes ({error}): define its Python function "
                "at the top of a module, or use threads (executor=None)."
            ) from error
        finally:
            for future in futures:
                future.cancel()


def _submitted(workers: Executor, net: Net, seed: int, number: int) -> Future[ChainBlock]:
    try:
        return workers.submit(simulate_block, net, seed, number)
    except BrokenExecutor:
        raise
    except RuntimeError as error:  # what concurrent.futures raises after shutdown
        raise DomainError(
            f"executor = {workers!r} takes no work ({error}): give one that was not shut down, or None for threads."
        ) from error


def _is_unpicklable(net: Net) -> bool:
    try:
        pickle.dumps(net)
    except (pickle.PicklingError, AttributeError, TypeError):
        return True
    return False


@contextmanager
def _workers(executor: Executor | None, most: int) -> Iterator[Executor]:
    """The executor given, which stays open, or threads for the time being."""
    if executor is not None:
        if not isinstance(executor, Executor):
            raise DtypeError(f"{executor!r} is no executor: give a concurrent.futures.Executor, or None for threads.")
        yield executor
        return
    with ThreadPoolExecutor(max(1, min(available_processors(), most))) as threads:
        yield threads
