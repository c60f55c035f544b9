"""Small pieces of Markdown that several directives write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import vmap_theory as vt


class MarkdownDirective(SphinxDirective, ABC):
    """A directive that writes Markdown."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Parse what `markdown` returns as part of the page."""
        return self.parse_text_to_nodes("\n".join(self.markdown()), allow_section_headings=True)

    @abstractmethod
    def markdown(self) -> Iterable[str]:
        """The lines."""


def formulas_markdown(formulas: vt.Formulas, quantities: Sequence[str]) -> Iterable[str]:
    """One displayed formula a quantity."""
    for quantity in quantities:
        yield from display(formulas.latex(quantity))


def display(latex: str) -> Iterable[str]:
    """A displayed formula."""
    return ("$$", latex, "$$", "")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterable[str]:
    """A Markdown table."""
    for cells in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def number(value: float | None) -> str:
    """Six significant digits; a dash where there is none, zero where it is one to rounding."""
    if value is None:
        return "-"
    return "0" if abs(value) < 1e-15 else f"{value:.6g}"
