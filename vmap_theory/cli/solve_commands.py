"""Commands that solve: ``eoc``, ``fixed-points``, ``clip``, ``q-star``."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import (
    FamilyArgument,
    JsonOption,
    NameArgument,
    QStarOption,
    QStarOrNone,
    SparsityOption,
    WordsArgument,
    refuse_with,
)
from .printing import cell, finite, print_json, print_line, print_numbers, print_table, progress
from .reading import activation_and_values, activation_from_words, with_threshold

if TYPE_CHECKING:
    from ..fixed_point_search import FixedPoint, FixedPoints
    from ..solve import QStarEffects

_VARIED = (0.25, 0.5, 1.0, 2.0, 4.0)
_EFFECTS = (
    "q_star",
    "tau",
    "m",
    "sigma_w2",
    "sigma_b2",
    "sparsity",
    "slope",
    "relative_curvature",
    "relative_sensitivity",
    "asymmetry",
    "drift",
    "noise",
    "stationary_variance",
    "mean_shift",
    "gradient_variance",
)
"""What is printed of `QStarEffects`."""


def eoc(
    name: NameArgument,
    words: WordsArgument = None,
    sparsity: SparsityOption = None,
    q_star: QStarOrNone = None,
    sigma_b: Annotated[
        float | None,
        typer.Option(
            "--sigma-b", help="In place of --q-star: standard deviation of the biases, from which q* follows."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the edge of chaos at q*, or with a bias: weight and bias variance, slope, fixed points."""
    from ..solve import edge_at_bias, edge_of_chaos

    act = activation_from_words(name, words)
    if sigma_b is not None:
        refuse_with("--sigma-b, from which q* follows", {"--q-star": q_star, "--sparsity": sparsity})
        result = edge_at_bias(act, sigma_b)
    else:
        variance = 1.0 if q_star is None else q_star
        result = edge_of_chaos(act if sparsity is None else with_threshold(act, sparsity, variance), variance)
    act = result.variance_map.activation
    numbers = {
        "activation": act.label,
        "parameters": {key: float(value) for key, value in act.values},
        "q_star": result.q_star,
        "sigma_w2": result.sigma_w2,
        "sigma_b2": result.sigma_b2,
        "slope": result.slope,
        "curvature": result.curvature,
        "sparsity": result.sparsity,
    }
    _show_solution(numbers, result.variance_map, as_json)


def fixed_points(
    name: NameArgument,
    words: WordsArgument = None,
    *,
    sigma_w2: Annotated[float, typer.Option("--sigma-w2", help="Variance of the weights times fan-in.")],
    sigma_b2: Annotated[float, typer.Option("--sigma-b2", help="Variance of the biases.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Give all fixed points of a variance map, with basins, and the proof that there are no others."""
    from ..variance_map import VarianceMap

    act = activation_from_words(name, words)
    numbers = {"activation": act.label, "sigma_w2": sigma_w2, "sigma_b2": sigma_b2}
    _show_solution(numbers, VarianceMap(act, sigma_w2=sigma_w2, sigma_b2=sigma_b2), as_json)


def clip(
    name: FamilyArgument,
    words: WordsArgument = None,
    *,
    sparsity: Annotated[float, typer.Option("--sparsity", help="Fraction of zero outputs at q*.")],
    criterion: Annotated[
        str,
        typer.Option("--criterion", help="How the level is chosen: slope, inflection, saddle-node or finite-width."),
    ] = "slope",
    target: Annotated[float | None, typer.Option("--target", help="For slope: the slope V'(q*) wanted. [0.5]")] = None,
    q_star: QStarOption = 1.0,
    width: Annotated[int | None, typer.Option("--width", help="For finite-width: units per layer.")] = None,
    depth: Annotated[int | None, typer.Option("--depth", help="For finite-width: layers.")] = None,
    risk: Annotated[
        float | None,
        typer.Option("--risk", help="For finite-width: the probability of leaving the range that is accepted."),
    ] = None,
    variance_range: Annotated[
        float | None,
        typer.Option("--variance-range", help="For finite-width: variances stay within this factor of q*. [10]"),
    ] = None,
    gradient_range: Annotated[
        float | None,
        typer.Option("--gradient-range", help="For finite-width: gradients stay within so many decades. [3]"),
    ] = None,
    chains: Annotated[
        int | None, typer.Option("--chains", help="For finite-width: how many nets are simulated. [2000]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="For finite-width: what their random numbers come from. [0]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the clipping level for a sparsity by one of four criteria, with the edge of chaos that belongs to it."""
    from ..solve import clipping_level

    act = activation_from_words(name, words)
    with progress("simulating nets") if criterion == "finite-width" else nullcontext():
        result = clipping_level(
            act,
            sparsity,
            q_star,
            criterion=criterion,
            target=target,
            width=width,
            depth=depth,
            risk=risk,
            variance_range=variance_range,
            gradient_range=gradient_range,
            chains=chains,
            seed=seed,
        )
    always = ("q_star", "sparsity", "tau", "m", "sigma_w2", "sigma_b2", "slope", "curvature")
    numbers = {"family": name, "criterion": result.criterion, "target": result.target}
    numbers |= {key: getattr(result, key) for key in always}
    extra = {key: getattr(result, key) for key in ("tangency", "m_interval", "m_least", "probability")}
    numbers |= {key: value for key, value in extra.items() if value is not None}
    _show_solution(numbers, result.variance_map, as_json)


def q_star_effects(
    name: NameArgument,
    words: WordsArgument = None,
    q_star: Annotated[
        list[float] | None, typer.Option("--q-star", help="A variance; repeat for more. [0.25 0.5 1 2 4]")
    ] = None,
    hold: Annotated[
        str,
        typer.Option(
            "--hold",
            help="What stays as it is: parameters, threshold-and-slope, level-and-sparsity or sparsity-and-slope.",
        ),
    ] = "parameters",
    sparsity: Annotated[
        float | None, typer.Option("--sparsity", help="Where it is held: fraction of zero outputs at q*.")
    ] = None,
    slope: Annotated[float | None, typer.Option("--slope", help="Where it is held: V'(q*).")] = None,
    distance: Annotated[
        float, typer.Option("--distance", help="Relative distance from q* at which the symmetry of V is taken.")
    ] = 0.5,
    as_json: JsonOption = False,
) -> None:
    """Tabulate what changes with q* on the edge of chaos while this or that is held fixed."""
    from ..solve import vary_q_star

    act, held = activation_and_values(name, words)
    if hold == "parameters":
        act, held = activation_from_words(name, words), {}
    result = vary_q_star(act, q_star or _VARIED, hold=hold, sparsity=sparsity, slope=slope, distance=distance, **held)
    rows = _rows_of(result)
    if as_json:
        print_json({"activation": act.label, "hold": result.hold, "distance": result.distance, "rows": finite(rows)})
        return
    print_table(tuple(rows[0]), [tuple(f"{v:.7g}" if isinstance(v, float) else v for v in r.values()) for r in rows])


def _rows_of(result: QStarEffects) -> list[dict[str, Any]]:
    """A row for each q*."""
    from ..solve import SolveStatus

    columns = {name: getattr(result, name).tolist() for name in _EFFECTS}
    columns["status"] = [SolveStatus(number).word for number in result.status.tolist()]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _show_solution(numbers: dict[str, Any], variance_map: Any, as_json: bool) -> None:
    """Print the numbers of an edge of chaos and the fixed points of its map."""
    from ..errors import DegenerateMapError
    from ..fixed_point_search import fixed_points as all_fixed_points

    points: FixedPoints | tuple[()] = ()
    try:
        points = all_fixed_points(variance_map)
        told: dict[str, Any] = {
            "is_complete": points.is_complete,
            "diverges": points.diverges,
            "collapses": points.collapses,
            "near_misses": list(points.near_misses),
            "note": points.proof,
        }
    except DegenerateMapError as error:
        told = {"is_complete": False, "note": str(error)}
    if as_json:
        print_json(finite(numbers) | {"fixed_points": [_point(p) for p in points]} | told)
        return
    print_numbers({key: value for key, value in numbers.items() if key != "parameters"})
    for p in points:
        reach = "" if p.basin is None else f", basin ({p.basin[0]:.6g}, {p.basin[1]:.6g})"
        print_line(
            f"fixed point  q = {p.q:.10g} +- {p.error_bound:.1g}, {p.stability}, "
            f"V' = {p.slope:.6g}, chi_1 = {p.chi_1:.6g}{reach}"
        )
    for variance in told.get("near_misses", ()):
        print_line(f"near miss    V(q) nearly meets q at {cell(variance)}")
    if told.get("diverges"):
        print_line("divergence   V(q) > q for all large q")
    if told.get("collapses"):
        print_line("collapse     V(q) < q for all small q")
    print_line(f"no others    {told['note']}" if told["is_complete"] else f"fixed points {told['note']}")


def _point(p: FixedPoint) -> dict[str, Any]:
    """A fixed point as JSON; infinite ends of a basin are null."""
    names = ("q", "lower", "upper", "slope", "chi_1", "stability", "attracts_from", "basin", "error_bound")
    point: dict[str, Any] = finite({name: getattr(p, name) for name in names})
    return point
