"""Commands about nets of finite width: ``trainability``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DomainError
from .options import (
    ChainsOption,
    DepthOption,
    JsonOption,
    NameArgument,
    QStarOrNone,
    SeedOption,
    SparsityOption,
    StartOption,
    WidthOption,
    WordsArgument,
    refuse_with,
    refuse_without,
)
from .printing import cell, finite, print_json, print_line, print_numbers, progress
from .reading import activation_from_words, map_on_edge

if TYPE_CHECKING:
    from ..activations import Activation
    from ..finite_width import Trainability
    from ..variance_map import VarianceMap

HYPOTHESIS = (
    "that scores below 2 to 3 tell nets that train is a hypothesis with first evidence only (docs/finite_width.md)"
)


def trainability(
    name: NameArgument,
    words: WordsArgument = None,
    *,
    width: WidthOption,
    depth: DepthOption,
    sparsity: SparsityOption = None,
    target: Annotated[
        float | None, typer.Option("--target", help="With --sparsity, for clipped families: the slope V'(q*). [0.5]")
    ] = None,
    q_star: QStarOrNone = None,
    sigma_w2: Annotated[
        float | None,
        typer.Option("--sigma-w2", help="In place of the edge of chaos: variance of the weights times fan-in."),
    ] = None,
    sigma_b2: Annotated[
        float | None, typer.Option("--sigma-b2", help="With --sigma-w2: variance of the biases. [0]")
    ] = None,
    q_0: StartOption = None,
    chains: ChainsOption = 2000,
    seed: SeedOption = 0,
    level: Annotated[float, typer.Option("--level", help="Which quantile is the score.")] = 0.95,
    library: Annotated[str, typer.Option("--library", help="numpy or torch.")] = "numpy",
    device: Annotated[
        str | None, typer.Option("--device", help="For torch: cpu or cuda; by default cuda if there is one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the trainability score of nets of finite width: a quantile of how gradients grow, before any training.

    The nets are on the edge of chaos at q*, or have the variances of --sigma-w2 and --sigma-b2.
    """
    from ..finite_width import trainability as score

    act = activation_from_words(name, words)
    if sigma_w2 is None:
        refuse_without("--sigma-w2", {"--sigma-b2": sigma_b2})
        vm = map_on_edge(act, 1.0 if q_star is None else q_star, sparsity, target)
    else:
        refuse_with("--sigma-w2", {"--sparsity": sparsity, "--target": target, "--q-star": q_star})
        vm = _given_map(act, sigma_w2, sigma_b2 or 0.0, q_0)
    with progress(f"simulating {chains} nets") as advance:
        found = score(
            vm,
            width=width,
            depth=depth,
            chains=chains,
            seed=seed,
            q_0=q_0,
            level=level,
            library=library,
            device=device,
            on_progress=advance,
        )
    numbers = {"activation": vm.activation.label, "sigma_w2": vm.sigma_w2, "sigma_b2": vm.sigma_b2}
    numbers |= {"q_star": vm.q_star, "q_0": vm.q_star if q_0 is None else q_0}
    if as_json:
        print_json(finite(numbers | _as_dict(found)) | {"note": HYPOTHESIS})
    else:
        print_numbers(numbers)
        _print_score(found)


def _given_map(act: Activation, sigma_w2: float, sigma_b2: float, q_0: float | None) -> VarianceMap:
    from ..variance_map import VarianceMap

    if q_0 is None:
        raise DomainError(
            "--sigma-w2 needs --q-0, the variance of the first layer: give one, for instance a q of vmap-theory "
            "fixed-points."
        )
    return VarianceMap(act, sigma_w2=sigma_w2, sigma_b2=sigma_b2)


def _as_dict(found: Trainability) -> dict[str, Any]:
    names = ("width", "depth", "chains", "seed", "level", "confidence", "score", "lower", "upper", "small_noise")
    left = found.probability_left
    return {name: getattr(found, name) for name in names} | {
        "probability_left": {"value": left.value, "lower": left.lower, "upper": left.upper},
        "basin": found.basin,
        "dead": found.dead,
        "diverged": found.diverged,
    }


def _print_score(found: Trainability) -> None:
    interval, left = f"{100 * found.confidence:g} % confidence", found.probability_left
    print_line(f"nets         {found.chains} of width {found.width} and depth {found.depth}, seed {found.seed}")
    print_line(
        f"score        {found.score:.4g}, {interval} {found.lower:.4g} to {found.upper:.4g}: the {found.level:g} "
        "quantile of the log10 gradient factor"
    )
    print_line(f"small noise  {found.small_noise:.4g}, the same by theory that knows one fixed point alone")
    print_line(
        f"leaving      {left.value:.4g}, {interval} {left.lower:.3g} to {left.upper:.3g}: the probability that the "
        f"variance is not between {cell(found.basin[0])} and {cell(found.basin[1])} all the way"
    )
    print_line(f"lost         {found.dead} nets lose all active units of a layer, {found.diverged} diverge")
    print_line(f"note         {HYPOTHESIS}")
