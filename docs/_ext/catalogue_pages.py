"""The catalogue: a page and a picture for each family, written before Sphinx reads its sources, and the list of all.

Nothing of it is kept under version control.  A page is written anew only if it changed, so that Sphinx reads only that.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import sympy as sp
from markdown_lines import MarkdownDirective, display, formulas_markdown, number, table
from sphinx.application import Sphinx

import vmap_theory as vt
from vmap_theory.errors import DegenerateMapError
from vmap_theory.latex import definition_latex, to_latex
from vmap_theory.plots import figure_bytes, plot_overview

FOLDER = "catalogue"
Q_STAR = 1.0
SHOWN = ("second_moment", "slope_moment", "sparsity", "dV", "d2V")
"""Closed forms of a page; V and chi_1 follow from the first two."""
NO_CLOSED_FORM = "No closed form is known to this package; numbers come from certified quadrature with an error bound."
MOMENTS = {
    "second_moment": r"$\mathbb E[\phi^2]$",
    "d_second_moment": r"$d\,\mathbb E[\phi^2]/dq$",
    "d2_second_moment": r"$d^2\,\mathbb E[\phi^2]/dq^2$",
    "slope_moment": r"$\mathbb E[\phi'^2]$",
    "sparsity": r"$P(\phi = 0)$",
}
_ROUNDING = 1e-14


def page(name: str) -> list[str]:
    """The lines of a family's page."""
    act = vt.family(name)
    return [
        f"(family-{name})=",
        f"# {name}",
        "",
        f"{act.title}.",
        "",
        *display(definition_latex(act)),
        *parameters_markdown(act),
        f"```{{image}} {name}.png",
        f":alt: {name}, and its variance map or second moment.",
        "```",
        "",
        *closed_forms_markdown(act),
        *numbers_markdown(act),
        *edge_of_chaos_markdown(act),
        *limits_markdown(act),
        *penalty_markdown(act),
        *torch_markdown(act),
        "## Source",
        "",
        act.source,
        "",
    ]


def with_usual_numbers(act: vt.Activation, *, integers_alone: bool = False) -> vt.Activation:
    """The family at customary values, or else in the middle of its typical ranges."""
    chosen = {p.name: usual_number(p) for p in act.parameters if p.integer or not integers_alone}
    return act.bind(**chosen)


def usual_number(parameter: vt.Parameter) -> Any:
    """Its customary value, or else the middle of its typical range, exactly."""
    if parameter.default is not None:
        return parameter.default
    low, high = (sp.Rational(str(end)) for end in parameter.typical)
    return sp.floor((low + high) / 2) if parameter.integer else (low + high) / 2


def parameters_markdown(act: vt.Activation) -> Iterable[str]:
    """A table of the parameters."""
    if not act.parameters:
        return
    heads = ["parameter", "", "meaning", "domain", "typical range", "customary value"]
    rows = [
        [
            f"`{p.name}`",
            f"${to_latex(p.symbol)}$",
            p.meaning,
            f"`{p.domain_text}`{', integers' if p.integer else ''}",
            f"{p.typical[0]:g} to {p.typical[1]:g}",
            "none" if p.default is None else f"{float(p.default):.6g}",
        ]
        for p in act.parameters
    ]
    yield from table(heads, rows)


def closed_forms_markdown(act: vt.Activation) -> Iterable[str]:
    """What is known in closed form, or plainly that it is not."""
    usual = with_usual_numbers(act, integers_alone=True)
    formulas = vt.derive(usual)
    known = [name for name in SHOWN if not getattr(formulas, name).has(sp.Integral)]
    yield from ("## Closed forms", "")
    if len(known) < len(SHOWN):
        yield NO_CLOSED_FORM
        yield "What is known exactly:" if known else ""
    else:
        where = f", for {values_text(usual)}" if usual.values else ""
        yield (
            r"With $V = \sigma_w^2\, \mathbb E[\phi^2] + \sigma_b^2$ and $\chi_1 = \sigma_w^2\, \mathbb E[\phi'^2]$"
            + where
            + ":"
        )
    if formulas.exceptions:
        yield f"Not for {', '.join(f'`{exception}`' for exception in formulas.exceptions)}: put such a value in first."
    yield ""
    yield from formulas_markdown(formulas, known)


def numbers_markdown(act: vt.Activation) -> Iterable[str]:
    """The moments at one variance with their error bounds."""
    usual = with_usual_numbers(act)
    moments = vt.gaussian_moments(usual, Q_STAR, bounds=True)
    yield from ("## Numbers", "")
    yield f"By `gaussian_moments` at $q = {Q_STAR:g}${with_text(usual)}:"
    yield ""
    rows = [
        [heading, f"{float(getattr(moments, name)):.15g}", f"{float(getattr(moments, f'{name}_error')):.1e}"]
        for name, heading in MOMENTS.items()
    ]
    yield from table(["", "value", "bound of its error"], rows)


def edge_of_chaos_markdown(act: vt.Activation) -> Iterable[str]:
    """The edge of chaos with the bend of V and all fixed points, or why there is none."""
    usual = with_usual_numbers(act)
    yield from ("## Edge of chaos", "")
    try:
        eoc = vt.edge_of_chaos(usual, q_star=Q_STAR)
    except vt.VmapTheoryError as error:
        yield f"There is none at $q^* = {Q_STAR:g}${with_text(usual)}. The error says: {error}"
        yield ""
        moments = vt.gaussian_moments(usual, Q_STAR, bounds=True)
        bend = sign_beyond(float(moments.d2_second_moment), float(moments.d2_second_moment_error))
        yield f"Whatever the variances are, $V$ is {SHAPES[bend]} at $q = {Q_STAR:g}$."
        yield ""
        return
    yield (
        rf"At $q^* = {Q_STAR:g}${with_text(usual)}: $\sigma_w^2 = {number(eoc.sigma_w2)}$, "
        rf"$\sigma_b^2 = {number(eoc.sigma_b2)}$; $V'(q^*) = {number(eoc.slope)}$, "
        rf"$V''(q^*) = {number(eoc.curvature)}$, sparsity {number(eoc.sparsity)}."
    )
    try:
        found = vt.fixed_points(eoc.variance_map)
    except DegenerateMapError:
        yield "There $V(q) = q$ to rounding for every $q$ over many decades: no fixed point is isolated."
        yield ""
        return
    except vt.VmapTheoryError as error:
        yield f"{bend_in_words(eoc)} The fixed points cannot be listed. The error says: {error}"
        yield ""
        return
    yield bend_in_words(eoc)
    yield ""
    low, high = found.searched
    yield f"All fixed points found between {low:.3g} and {high:.3g}:"
    yield ""
    rows = [
        [number(p.q), p.stability, number(p.slope), number(p.chi_1), f"{p.error_bound:.1e}"]  #
        for p in found
    ]
    yield from table(["$q$", "stability", "$V'(q)$", r"$\chi_1(q)$", "bound of the error of $q$"], rows)


SHAPES = {1: "convex", -1: "concave", 0: "straight, to rounding,"}
"""What the sign of V'' means."""


def bend_in_words(eoc: vt.EdgeOfChaos) -> str:
    """The sign of V'' at q*, and what it means together with the slope."""
    moments = eoc.variance_map.moments(eoc.q_star)
    steepness = sign_beyond(eoc.slope - 1, eoc.sigma_w2 * float(moments.d_second_moment_error))
    bend = sign_beyond(eoc.curvature, eoc.sigma_w2 * float(moments.d2_second_moment_error))
    shape = f"$V$ is {SHAPES[bend]} there"
    if steepness < 0:
        return f"{shape}; the slope is below 1, and the fixed point attracts."
    if steepness > 0:
        return f"{shape}; the slope is above 1, and the fixed point repels."
    meaning = {
        1: "with slope 1 the fixed point attracts from below and repels from above",
        -1: "with slope 1 the fixed point attracts from above and repels from below",
        0: "with slope 1 only higher derivatives could tell whether the fixed point attracts",
    }[bend]
    return f"{shape}; {meaning}."


def sign_beyond(value: float, error: float) -> int:
    """The sign, or 0 if rounding may decide it."""
    return 0 if abs(value) <= error + _ROUNDING else 1 if value > 0 else -1


def limits_markdown(act: vt.Activation) -> Iterable[str]:
    """What the family becomes in limits, and what becomes the family."""
    lines = [f"- As {limit_text(limit)} it becomes {link(limit.family)}{at_text(limit)}." for limit in act.limits]
    for name in vt.family_names():
        lines += [
            f"- It is the limit of {link(name)} as {limit_text(limit)}{at_text(limit, ', at ')}."
            for limit in vt.family(name).limits
            if limit.family == act.name and name != act.name
        ]
    if lines:
        yield from ("## Limits", "", *lines, "")


def limit_text(limit: vt.Limit) -> str:
    r"""``m`` -> infinity."""
    return rf"`{limit.parameter}` $\to {to_latex(limit.value)}$"


def at_text(limit: vt.Limit, before: str = " with ") -> str:
    """The values of the other family's parameters."""
    values = ", ".join(f"`{name}` = ${to_latex(sp.sympify(value))}$" for name, value in limit.family_values)
    return before + values if values else ""


def penalty_markdown(act: vt.Activation) -> Iterable[str]:
    """The penalty of a thresholding rule."""
    if act.penalty is not None:
        yield from (
            "## Penalty",
            "",
            r"It is the proximal operator $\phi(u) = \operatorname{argmin}_x\, (x - u)^2/2 + g(x)$ of",
            "",
        )
        yield from display(f"g(x) = {to_latex(act.penalty)}")


def torch_markdown(act: vt.Activation) -> Iterable[str]:
    """The module of PyTorch."""
    for entry in act.torch:
        options = ", ".join(f"{name}={value!r}" for name, value in entry.options)
        names = ", ".join(f"`{theirs}` is `{ours}` here" for ours, theirs in entry.parameters)
        yield from ("## In PyTorch", "", f"`torch.nn.{entry.name}({options})`{f'; its {names}' if names else ''}.")
        yield "`activation_from_torch` reads the module."
        yield ""


def values_text(act: vt.Activation) -> str:
    """The values that the parameters have."""
    return ", ".join(f"`{name}` = {float(value):g}" for name, value in act.values)


def with_text(act: vt.Activation) -> str:
    """The same, to be put behind a phrase."""
    return f", with {values_text(act)}" if act.values else ""


def link(name: str) -> str:
    """A link to a page from another."""
    return f"[{name}]({name}.md)"


class CatalogueDirective(MarkdownDirective):
    """``{catalogue}``: a table of all families with links to their pages."""

    def markdown(self) -> Iterable[str]:
        """One row a family."""
        rows = []
        for name in vt.family_names():
            act = vt.family(name)
            exact = vt.derive(with_usual_numbers(act, integers_alone=True)).is_exact
            described = act.title.split(", ", 1)[-1] if act.parameters or "," in act.title else act.title
            rows.append(
                [f"[{name}]({FOLDER}/{name}.md)", described, "yes" if exact else "no", source_in_short(act.source)]
            )
        yield from table(["name", "what it is", "closed form", "from"], rows)


def source_in_short(source: str) -> str:
    """Authors and year: "Gao and Bruce (1997)"."""
    found = re.match(r"(.*?\((?:19|20)\d\d\))", source)
    short = found.group(1) if found else source
    names = short.rsplit(" (", 1)
    authors = re.split(r", | and ", names[0])
    return short if len(authors) < 4 else f"{authors[0]} and others ({names[1]}"


def write_family(name: str, folder: str) -> None:
    """Write the page and the picture of one family, where they changed."""
    text = "\n".join(page(name)).encode()
    picture = figure_bytes(plot_overview(with_usual_numbers(vt.family(name)), Q_STAR), "png")
    for path, content in ((Path(folder) / f"{name}.md", text), (Path(folder) / f"{name}.png", picture)):
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def write_catalogue(app: Sphinx) -> None:
    """Write all pages, several families at a time."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    names = vt.family_names()
    for path in folder.iterdir():
        if path.stem not in names:
            path.unlink()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(write_family, names, [str(folder)] * len(names)))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it."""
    app.add_directive("catalogue", CatalogueDirective)
    app.connect("builder-inited", write_catalogue)
    return {"version": vt.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
