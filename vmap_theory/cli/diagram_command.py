"""The command ``phase-diagram``, and the diagram that ``plot phase-diagram`` draws too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DomainError, FileOutputError
from .net_commands import HYPOTHESIS
from .options import (
    BiasRange,
    JsonOption,
    LevelRange,
    Range,
    ScoreDepthOption,
    ScoreWidthOption,
    SparsityRange,
    VariancesOption,
    WeightRange,
    WordsArgument,
    refuse_with,
    refuse_without,
)
from .printing import finite, print_json, print_line, print_table, progress, say
from .reading import activation_from_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..activations import Activation
    from ..phase_diagram import PhaseDiagram

_TABLES, _PICTURES = (".csv", ".npz"), (".png", ".svg", ".pdf")
_MOST_CELLS = 2000  # along an axis
_SPARSITIES, _LEVELS = (0.5, 0.95, 100), (0.1, 3.0, 100)
_WEIGHTS, _BIASES = (0.5, 4.0, 100), (0.0, 1.0, 100)


def phase_diagram(
    name: Annotated[
        str,
        typer.Argument(metavar="FAMILY", help="A clipped family (crelu, cst); with --variances any activation."),
    ],
    words: WordsArgument = None,
    sparsity: SparsityRange = None,
    m: LevelRange = None,
    q_star: Annotated[
        float | None, typer.Option("--q-star", help="The fixed point q*, a variance; not with --variances. [1]")
    ] = None,
    variances: VariancesOption = False,
    sigma_w: WeightRange = None,
    sigma_b: BiasRange = None,
    width: ScoreWidthOption = None,
    depth: ScoreDepthOption = None,
    level: Annotated[
        float | None, typer.Option("--level", help="With --width: which quantile is the score. [0.95]")
    ] = None,
    exact_scores: Annotated[
        bool, typer.Option("--exact-scores", help="Scores by simulated nets too, not by small-noise theory alone.")
    ] = False,
    cells: Annotated[
        tuple[int, int] | None,
        typer.Option("--cells", metavar="COUNT COUNT", help="With --exact-scores: in how many cells. [20 20]"),
    ] = None,
    chains: Annotated[
        int | None, typer.Option("--chains", help="With --exact-scores: nets simulated in each. [500]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="With --exact-scores: what their random numbers come from. [0]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="With --exact-scores: how many processes; by default one a core.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="With --exact-scores: a file that keeps finished cells; it is resumed."),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out", "-o", help="Write a table (.csv, .npz) or a picture (.png, .svg, .pdf); repeat for more."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the phases over a plane, with trainability scores at a width and depth laid over it.

    Without --out the cells of each phase are counted; with --json all columns are printed then.
    """
    ranges = {"--sparsity": sparsity, "--m": m, "--sigma-w": sigma_w, "--sigma-b": sigma_b}
    simulated = {"--cells": cells, "--chains": chains, "--seed": seed, "--workers": workers, "--checkpoint": checkpoint}
    if width is None or depth is None:
        refuse_without("--width and --depth", {"--level": level, "--exact-scores": exact_scores})
    if not exact_scores:
        refuse_without("--exact-scores", simulated)
    options = {option.removeprefix("--"): value for option, value in simulated.items()} | {"level": level}
    with _interruptible(checkpoint):
        paths = _checked_paths(out or [])
        diagram = computed_diagram(activation_from_words(name, words), ranges, q_star, variances, _draws(paths))
        diagram = scored_diagram(diagram, width, depth, options if exact_scores else options | {"cells": (0, 0)})
        for path in paths:
            _write(diagram, path)
    _show(diagram, paths, as_json)


def computed_diagram(
    act: Activation, ranges: dict[str, Range | None], q_star: float | None, variances: bool, is_drawn: bool
) -> PhaseDiagram:
    """Compute a diagram from the ranges of its axes, by option; `is_drawn`: it has to have an area."""
    from ..checks import positive
    from ..phase_diagram import clipping_phase_diagram, variance_phase_diagram

    q = 1.0 if q_star is None else positive("q_star", q_star)
    levels = (_LEVELS[0] * q**0.5, _LEVELS[1] * q**0.5, _LEVELS[2])
    planes = {"--sparsity": _SPARSITIES, "--m": levels}, {"--sigma-w": _WEIGHTS, "--sigma-b": _BIASES}
    own, others = planes[::-1] if variances else planes
    foreign = {option: ranges[option] for option in others}
    if variances:
        refuse_with("--variances", foreign | {"--q-star": q_star})
    else:
        refuse_without("--variances", foreign)
    least = 2 if is_drawn else 1
    x, y = (range_of_axis(option, ranges[option] or customary, least) for option, customary in own.items())
    with progress(f"computing {len(x)} x {len(y)} cells"):
        if variances:
            return variance_phase_diagram(act, x, y)
        return clipping_phase_diagram(act, x, y, q)


def scored_diagram(diagram: PhaseDiagram, width: int | None, depth: int | None, given: dict[str, Any]) -> PhaseDiagram:
    """Add scores if a width and a depth are given; of `given` only what is not None is passed on."""
    if width is None or depth is None:
        refuse_without("--depth" if depth is None else "--width", {"--width": width, "--depth": depth})
        return diagram
    options = {key: value for key, value in given.items() if value is not None}
    with progress("computing scores") as advance:
        return diagram.with_scores(width=width, depth=depth, on_progress=advance, **options)


def range_of_axis(option: str, values: Range, least: int) -> list[float]:
    """Evenly spaced values, at least so many."""
    import numpy as np

    from ..checks import integer_between, real_number

    low, high = real_number(f"LOW of {option}", values[0]), real_number(f"HIGH of {option}", values[1])
    count = integer_between(f"COUNT of {option}", values[2], least, _MOST_CELLS)
    if not (low < high or (count == 1 and low == high)):
        raise DomainError(f"LOW = {low:g} of {option} is not below its HIGH = {high:g}: give an ascending range.")
    axis: list[float] = np.linspace(low, high, count).tolist()
    return axis


def _checked_paths(paths: list[Path]) -> list[Path]:
    """See that everything can be written, before the work."""
    from ..files import require_writable_folder

    for path in paths:
        if path.suffix.lower() not in _TABLES + _PICTURES:
            raise FileOutputError(
                f"{path} does not end in {', '.join(_TABLES + _PICTURES)}: choose one of these formats."
            )
        require_writable_folder(path.parent)
    if _draws(paths):
        from ..plots.style import new_figure

        new_figure("", "")  # it needs Matplotlib
    return paths


def _draws(paths: list[Path]) -> bool:
    return any(path.suffix.lower() in _PICTURES for path in paths)


def _write(diagram: PhaseDiagram, path: Path) -> None:
    if path.suffix.lower() in _TABLES:
        diagram.write(path)
        return
    from ..plots import plot_phase_diagram, save_figure

    save_figure(plot_phase_diagram(diagram), path)


@contextmanager
def _interruptible(checkpoint: Path | None) -> Iterator[None]:
    """Make Ctrl-C one line that says what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        kept = ""
        if checkpoint is not None and checkpoint.exists():
            kept = f": finished cells are kept in {checkpoint}, and the same command goes on from there"
        say(f"stopped{kept}")
        raise typer.Exit(130) from None


def _show(diagram: PhaseDiagram, paths: list[Path], as_json: bool) -> None:
    """Print how many cells are in which phase, and the files."""
    from ..phase_diagram import Phase

    counts = {phase: int((diagram.phase == phase).sum()) for phase in Phase if phase in diagram.phase}
    if as_json:
        columns = {} if paths else diagram.to_columns()
        print_json(_as_dict(diagram, {phase.word: count for phase, count in counts.items()}, paths, columns))
        return
    for path in paths:
        print_line(f"wrote {path}")
    axes = f"{diagram.x.size} x {diagram.y.size} cells over {diagram.x_name} and {diagram.y_name}"
    print_line(f"{diagram.activation.label}: {axes}")
    print_table(("cells", "phase", "what it is"), [(str(n), p.word, p.meaning) for p, n in counts.items()])
    for one in diagram.scores:
        print_line(f"scores at width {one.width}, depth {one.depth}, the {one.level:g} quantile of log10 gradients:")
        print_line(f"  {_spread(one.small_noise)} by small-noise theory, which knows one fixed point alone")
        if one.score.size:
            print_line(f"  {_spread(one.score)} by {one.chains} simulated nets each")
        print_line(f"  {HYPOTHESIS}")


def _spread(scores: NDArray[Any]) -> str:
    """From which value to which, in how many cells."""
    known = scores[scores == scores]  # not NaN
    return f"{known.min():.4g} to {known.max():.4g} in {known.size} cells" if known.size else "in no cell"


def _as_dict(diagram: PhaseDiagram, phases: dict[str, int], paths: list[Path], columns: dict[str, Any]) -> Any:
    """For JSON: everything, but no columns where they are in files."""
    content: dict[str, Any] = {"activation": diagram.activation.label, "x": diagram.x_name, "y": diagram.y_name}
    content |= {"shape": diagram.shape, "q_star": diagram.q_star, "phases": phases}
    content["scores"] = []
    for one in diagram.scores:
        asked = ("width", "depth", "level", *(("chains", "seed") if one.score.size else ()))
        content["scores"].append({name: getattr(one, name) for name in asked} | {"simulated_cells": one.score.size})
    content["files"] = [str(path) for path in paths]
    if columns:
        content["columns"] = {name: values.tolist() for name, values in columns.items()}
    if diagram.scores:
        content["note"] = HYPOTHESIS
    return finite(content)
