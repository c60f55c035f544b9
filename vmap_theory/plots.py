"""Pictures: activations, variance maps with their fixed points, slope against clipping level, edge-of-chaos curves.

Each function returns a Matplotlib figure and touches no global state, so it works without a display; `save_figure`
writes one by rename.  Matplotlib is an extra, loaded when a figure is made.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .activations import Activation, as_activation
from .checks import positive
from .errors import (
    DegenerateMapError,
    DomainError,
    FileOutputError,
    InfeasibleError,
    MissingExtraError,
    NoEdgeOfChaosError,
    PrecisionError,
)
from .files import write_atomically
from .kernels import gaussian_moments
from .solve import FixedPoint, edge_of_chaos, fixed_points, threshold_for_sparsity
from .solve.clipping import level_parameter
from .solve.threshold import threshold_parameter
from .variance_map import VarianceMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by people with any kind of colour vision.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = {"stable": "o", "unstable": "o", "semi-stable": "D"}
_LOG_RATIO = 20.0  # of the largest to the smallest fixed point, beyond which variance maps get logarithmic axes
_OVERVIEW = 4.0  # standard deviations of the pre-activations that are shown
_MARKED_VARIANCES = (0.1, 1.0, 10.0)
_FORMATS = (".png", ".svg", ".pdf")


def plot_activations(activations: Sequence[Activation], *, half_width: float | None = None) -> Figure:
    """Draw activations over one axis.

    Parameters
    ----------
    activations : sequence of Activation
        With numbers for all parameters.
    half_width : float, optional
        x runs over (-half_width, half_width); by default half as far again as the outermost break point.
    """
    _require_some("activations", activations)
    for act in activations:
        act.require_numbers("a picture")
    breaks = [abs(float(point.at)) for act in activations for point in act.breaks]
    reach = positive("half_width", half_width) if half_width is not None else max(1.5 * max(breaks, default=1.0), 2.0)
    figure: Figure
    figure, axes = _figure("x", r"$\phi(x)$")
    _axes_lines(axes)
    for act, colour in zip(activations, colour_cycle(len(activations)), strict=True):
        _draw_activation(axes, act, reach, colour)
    axes.legend(frameon=False)
    axes.set_title("Activations")
    return figure


def plot_variance_maps(
    maps: Sequence[VarianceMap], *, labels: Sequence[str] | None = None, q_max: float | None = None
) -> Figure:
    """Draw variance maps with the identity and every fixed point, marked by its stability.

    Parameters
    ----------
    maps : sequence of VarianceMap
        The maps.
    labels : sequence of str, optional
        One a map; by default the activation's name and parameters.
    q_max : float, optional
        Right end of the axis; by default it shows every fixed point, on logarithmic axes if they
        lie far apart.
    """
    _require_some("maps", maps)
    names = list(labels) if labels is not None else [vm.activation.label for vm in maps]
    if len(names) != len(maps):
        raise DomainError(f"{len(names)} labels for {len(maps)} maps: give one label a map, or none at all.")
    found = [fixed_points(vm) for vm in maps]
    figure: Figure
    figure, axes = _figure("variance $q$ of the pre-activations", "variance $V(q)$ in the next layer")
    _draw_variance_maps(axes, maps, found, names, q_max)
    axes.set_title("Variance maps")
    return figure


def plot_overview(act: Activation, q_star: float = 1.0) -> Figure:
    """Draw an activation, and beside it its variance map on the edge of chaos.

    Where it has no edge of chaos at `q_star`, E[phi^2] stands in place of the variance map.

    Parameters
    ----------
    act : Activation
        With numbers for all parameters.
    q_star : float
        Variance that is to be the fixed point, > 0.
    """
    act.require_numbers("a picture")
    q = positive("q_star", q_star)
    try:
        eoc = edge_of_chaos(act, q)
    except (InfeasibleError, NoEdgeOfChaosError):
        eoc = None
    figure: Figure
    figure, (left, right) = _figure("x", r"$\phi(x)$", columns=2)
    _axes_lines(left)
    breaks = [abs(float(point.at)) for point in act.breaks]
    _draw_activation(left, act, max(1.5 * max(breaks, default=0.0), _OVERVIEW * math.sqrt(q)), _COLOURS[0])
    left.set_title(act.label, fontsize="medium")
    if eoc is None:
        variances = np.linspace(0, 3 * q, 200)[1:]
        right.plot(variances, gaussian_moments(act, variances).second_moment, color=_COLOURS[0])
        right.set_title(f"no edge of chaos at $q^* = {q:g}$", fontsize="medium")
        right.set_ylim(0, None)
    else:
        try:
            found: Sequence[FixedPoint] = fixed_points(eoc.variance_map)
        except (DegenerateMapError, PrecisionError):  # every q is a fixed point, or far ones cannot be told
            found = ()
        _draw_variance_maps(right, [eoc.variance_map], [found], ["$V$"], None if found else 3 * q)
        right.set_title(f"edge of chaos at $q^* = {q:g}$", fontsize="medium")
    right.set_xlabel("variance $q$")
    right.set_ylabel(r"$E[\phi^2]$" if eoc is None else "$V(q)$")
    return figure


def plot_slope_against_level(
    act: str | Activation, sparsities: Sequence[float] = (0.5, 0.7, 0.85, 0.9), q_star: float = 1.0
) -> Figure:
    """Draw V'(q*) and V''(q*) on the edge of chaos against the clipping level m, a curve for each sparsity.

    Parameters
    ----------
    act : str or Activation
        A clipped family (``crelu``, ``cst``).
    sparsities : sequence of float
        P(phi = 0) at q_star.
    q_star : float
        Variance, > 0.
    """
    _require_some("sparsities", sparsities)
    unbound = as_activation(act)
    threshold, _ = threshold_parameter(unbound)
    level = level_parameter(unbound, threshold)
    q = positive("q_star", q_star)
    m = np.linspace(0.02, 4.0, 400) * np.sqrt(q)
    figure: Figure
    figure, (above, below) = _figure("clipping level $m$", r"$V'(q^*)$", rows=2)
    above.axhline(1.0, color="0.55", linestyle="--", linewidth=1)
    below.axhline(0.0, color="0.55", linestyle="--", linewidth=1)
    for sparsity, colour in zip(sparsities, colour_cycle(len(sparsities)), strict=True):
        tau = threshold_for_sparsity(unbound, sparsity, q)
        moments = gaussian_moments(unbound, q, **{threshold: tau, level: m})
        above.plot(m, moments.d_second_moment / moments.slope_moment, color=colour, label=f"sparsity {sparsity:g}")
        below.plot(m, moments.d2_second_moment / moments.slope_moment, color=colour)
    above.set_ylim(0, 1.08)
    above.legend(frameon=False, fontsize="small")
    below.set_ylabel(r"$V''(q^*)$")
    below.set_xlabel("clipping level $m$")
    above.set_xlabel("")
    above.set_xlim(0, m[-1])
    above.set_title(f"{unbound.name} on its edge of chaos, $q^* = {q:g}$")
    return figure


def plot_edge_of_chaos(
    activations: Sequence[Activation], *, q_min: float = 0.05, q_max: float = 20.0, points: int = 200
) -> Figure:
    """Draw the edge of chaos in the plane of standard deviations (sigma_b, sigma_w), a curve traced by q*.

    Parameters
    ----------
    activations : sequence of Activation
        With numbers for all parameters; without jumps.
    q_min, q_max : float
        Range of q*, variances; parts where no edge of chaos exists are left out.
    points : int
        Points on each curve, spaced evenly in log q*.

    Raises
    ------
    InfeasibleError
        An activation has no edge of chaos anywhere in the range.
    """
    _require_some("activations", activations)
    low, high = positive("q_min", q_min), positive("q_max", q_max)
    if not low < high:
        raise DomainError(f"q_min = {low:g} is not below q_max = {high:g}: give an ascending range.")
    figure: Figure
    figure, axes = _figure(
        r"$\sigma_b$ (standard deviation of the biases)", r"$\sigma_w$ (of the weights, times $\sqrt{n}$)"
    )
    for index, (act, colour) in enumerate(zip(activations, colour_cycle(len(activations)), strict=True)):
        curve = _edge_points(act, np.geomspace(low, high, points))
        if not curve:
            raise InfeasibleError(f"{act.label} has no edge of chaos for q* from {low:g} to {high:g}: widen the range.")
        sigma_b, sigma_w, _ = np.array(curve).T
        axes.plot(sigma_b, sigma_w, color=colour, label=act.label)
        if np.ptp(sigma_b) > 0:
            marked = [q for q in _MARKED_VARIANCES if low <= q <= high]
            _mark_variances(axes, _edge_points(act, marked), colour, above=index % 2 == 0)
        else:  # homogeneous: one point serves every q*
            axes.plot(sigma_b[0], sigma_w[0], marker="o", color=colour)
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize="small")
    written = ", ".join(f"{q:g}" for q in _MARKED_VARIANCES if low <= q <= high)
    axes.set_title(f"Edge of chaos; dots at $q^* = {written}$" if written else "Edge of chaos")
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to ``*.png``, ``*.svg`` or ``*.pdf``, by rename.

    Raises
    ------
    FileOutputError
        Another suffix, or the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise FileOutputError(f"{path} does not end in {', '.join(_FORMATS)}: choose one of these formats.")
    return write_atomically(path, figure_bytes(figure, suffix[1:]))


def figure_bytes(figure: Figure, file_format: str) -> bytes:
    """A figure as the bytes of a file, without a date in it, so that equal figures give equal bytes."""
    stream = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(file_format, {})
    figure.savefig(stream, format=file_format, dpi=160, metadata=metadata)
    return stream.getvalue()


def _draw_activation(axes: Axes, act: Activation, reach: float, colour: str) -> None:
    """Draw phi on (-reach, reach)."""
    for index, (low, high) in enumerate(_smooth_stretches(act, reach)):
        x = np.linspace(low, high, 200)
        inside = np.clip(x, np.nextafter(low, high), np.nextafter(high, low))
        axes.plot(x, act(inside), color=colour, label=act.label if index == 0 else None)


def _draw_variance_maps(
    axes: Axes,
    maps: Sequence[VarianceMap],
    found: Sequence[Sequence[FixedPoint]],
    names: Sequence[str],
    q_max: float | None,
) -> None:
    """Draw maps, the identity and fixed points, with a legend."""
    largest = max((point.q for points in found for point in points), default=1.0)
    end = positive("q_max", q_max) if q_max is not None else max(1.25 * largest, 2.0 * min(largest, 1.0))
    smallest = min((point.q for points in found for point in points), default=end)
    logarithmic = q_max is None and largest > _LOG_RATIO * smallest  # linear axes would squeeze the small ones together
    q = np.geomspace(smallest / 5, 3 * largest, 1000) if logarithmic else np.linspace(end / 2000, end, 1000)
    axes.plot(q, q, color="0.55", linestyle="--", linewidth=1, label="identity")
    for index, (vm, points, name, colour) in enumerate(zip(maps, found, names, colour_cycle(len(maps)), strict=True)):
        axes.plot(q, vm(q), color=colour, label=name)
        for point in points:
            filled = point.stability == "stable"
            axes.plot(
                point.q,
                point.q,
                marker=_MARKERS[point.stability],
                markersize=max(12 - 3 * index, 4),  # maps that share q* show one ring each
                color=colour,
                markerfacecolor=colour if filled else "white",
                linestyle="none",
                zorder=3 + index,
                clip_on=False,
            )
    for stability, marker in _MARKERS.items():
        if any(point.stability == stability for points in found for point in points):
            face = "0.3" if stability == "stable" else "white"
            axes.plot(
                [],
                [],
                marker=marker,
                color="0.3",
                markerfacecolor=face,
                linestyle="none",
                label=f"{stability} fixed point",
            )
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(q[0], q[-1])
    else:
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1.15 * end)
    axes.legend(frameon=False, fontsize="small")


def _figure(x_label: str, y_label: str, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure as NewFigure
    except ImportError:
        raise MissingExtraError.needing("a picture", "plot") from None
    size = (6.4 if columns == 1 else 9.0, (4.2 if rows == 1 else 6.0) if columns == 1 else 3.6)
    figure = NewFigure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, sharex=columns == 1)
    first = np.atleast_1d(axes)[0]
    first.set_xlabel(x_label)
    first.set_ylabel(y_label)
    for one in np.atleast_1d(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _axes_lines(axes: Axes) -> None:
    axes.axhline(0, color="0.85", linewidth=1, zorder=0)
    axes.axvline(0, color="0.85", linewidth=1, zorder=0)


def _smooth_stretches(act: Activation, reach: float) -> list[tuple[float, float]]:
    """Intervals between jumps, so that no line is drawn across one."""
    cuts = [float(point.at) for point in act.jumps if abs(float(point.at)) < reach]
    ends = [-reach, *cuts, reach]
    return list(pairwise(ends))


def _edge_points(act: Activation, variances: Iterable[float]) -> list[tuple[float, float, float]]:
    """(sigma_b, sigma_w, q*) on the edge of chaos, for those variances at which it exists."""
    found = []
    for q in variances:
        try:
            eoc = edge_of_chaos(act, q)
        except (InfeasibleError, NoEdgeOfChaosError):
            if act.jumps:  # then there is none anywhere, and the error says why
                raise
            continue
        found.append((math.sqrt(eoc.sigma_b2), math.sqrt(eoc.sigma_w2), float(q)))
    return found


def _mark_variances(axes: Axes, marks: Sequence[tuple[float, float, float]], colour: str, above: bool) -> None:
    offset = (3, 5) if above else (-3, -11)  # neighbouring curves write on different sides
    for sigma_b, sigma_w, q in marks:
        axes.plot(sigma_b, sigma_w, marker="o", markersize=5, color=colour)
        axes.annotate(f"{q:g}", (sigma_b, sigma_w), xytext=offset, textcoords="offset points", fontsize=8)


def colour_cycle(count: int) -> list[str]:
    """Colours for `count` curves; they start again after seven."""
    return [_COLOURS[i % len(_COLOURS)] for i in range(count)]


def _require_some(name: str, values: Sequence[Any]) -> None:
    if not len(values):
        raise DomainError(f"{name} is empty: give at least one.")
