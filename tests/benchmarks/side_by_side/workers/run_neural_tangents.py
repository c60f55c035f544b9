"""Worker for neural-tangents (https://github.com/google/neural-tangents): stax.ElementwiseNumerical, Gauss-Hermite.

A net of one input sqrt(q), Dense with unit weight variance and no bias, and the activation: its NNGP kernel is
E[phi^2] by deg^2 nodes, its NTK q E[phi'^2], and cov1 is E[phi^2] by deg nodes.  Its documentation starts from deg = 25
for smooth activations, and recommends Monte Carlo for those with kinks.  ``--float64`` switches JAX's default
float32 to float64.  Points are evaluated by jax.vmap under jax.jit, a block at a time.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from neural_tangents import stax
from protocol import Evaluate, measure, read_request, write_result

EVALUATIONS = 10_000_000
"""Of the activation, in one block."""


def activation(family: str, tau: Any, m: Any) -> Callable[[Any], Any]:
    """phi."""
    return {
        "crelu": lambda x: jnp.clip(x - tau, 0.0, m),
        "cst": lambda x: jnp.sign(x) * jnp.clip(jnp.abs(x) - tau, 0.0, m),
        "relu_tau": lambda x: jnp.maximum(x - tau, 0.0),
        "relu": lambda x: jnp.maximum(x, 0.0),
    }[family]


@cache
def compiled(family: str, quantities: tuple[str, ...], nodes: int, diagonal: bool) -> Callable[..., Any]:
    """The quantities at one point, vectorised."""

    def at_point(q: Any, tau: Any, m: Any) -> dict[str, Any]:
        layer = stax.ElementwiseNumerical(activation(family, tau, m), deg=nodes)
        kernel_fn = stax.serial(stax.Dense(1), layer)[2]
        x = jnp.sqrt(q).reshape(1, 1)
        if diagonal:
            cov1 = kernel_fn(x, None, "cov1", diagonal_batch=True, diagonal_spatial=True)
            return {"second_moment": cov1.reshape(())}
        kernel = kernel_fn(x, None, ("nngp", "ntk"))
        both = {"second_moment": kernel.nngp.reshape(()), "slope_moment": kernel.ntk.reshape(()) / q}
        return {name: both[name] for name in quantities}

    return jax.jit(jax.vmap(at_point))


def evaluator(nodes: int, diagonal: bool) -> Evaluate:
    """Evaluate in blocks of one size, so that each is compiled once."""
    block = EVALUATIONS // (nodes if diagonal else nodes**2)

    def evaluate(family: str, quantities: Sequence[str], *columns: Any) -> dict[str, Any]:
        function = compiled(family, tuple(quantities), nodes, diagonal)
        size = min(block, len(columns[0]))
        found: dict[str, list[Any]] = {name: [] for name in quantities}
        for start in range(0, len(columns[0]), size):
            parts = [column[start : start + size] for column in columns]
            count = len(parts[0])
            padded = [jnp.asarray(np.pad(part, (0, size - count), mode="edge")) for part in parts]
            for name, values in function(*padded).items():
                found[name].append(np.asarray(values)[:count])
        return {name: np.concatenate(values) for name, values in found.items()}

    return evaluate


def main() -> None:
    """Run."""
    request = read_request(sys.argv[1])
    float64 = "--float64" in sys.argv[3:]
    jax.config.update("jax_enable_x64", float64)
    kind = "float64" if float64 else "float32"
    warnings.simplefilter("ignore")  # it warns at every use that errors depend on the number of nodes
    methods = []
    for nodes, diagonal in ((100, False), (1000, True)) if float64 else ((25, False), (100, False)):
        text = (
            f"stax.ElementwiseNumerical(deg={nodes}), {kind}, "
            f"{'cov1: one-dimensional rule' if diagonal else 'NNGP and NTK'}, jax.jit and jax.vmap"
        )
        quantities = ("second_moment",) if diagonal else ("second_moment", "slope_moment")
        methods.append(
            measure(f"neural-tangents, {nodes} nodes, {kind}", text, quantities, evaluator(nodes, diagonal), request)
        )
    write_result(sys.argv[2], ("neural-tangents", "jax", "jaxlib", "numpy", "scipy"), methods)


if __name__ == "__main__":
    main()
