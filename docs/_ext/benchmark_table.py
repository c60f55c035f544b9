"""What the accuracy page shows of other methods: rows of the committed record of ``tests/benchmarks/side_by_side``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from docutils.parsers.rst import directives
from markdown_lines import MarkdownDirective, table
from sphinx.application import Sphinx

import vmap_theory as vt
from tests.benchmarks.side_by_side.record import COMMITTED, block, load
from tests.benchmarks.side_by_side.references import QUANTITIES
from tests.benchmarks.side_by_side.table import HEADINGS, NOTE, TIME_HEADINGS, cells


class BenchmarkTableDirective(MarkdownDirective):
    """``{benchmark-table} crelu second_moment``: a row a method; ``:errors-only:`` leaves times and memory out."""

    required_arguments = 2
    option_spec: ClassVar[dict[str, Any]] = {"errors-only": directives.flag}

    def markdown(self) -> Iterable[str]:
        """One table, and how many points it is made of."""
        family, quantity = self.arguments
        self.env.note_dependency(str(COMMITTED))
        found = block(load(COMMITTED), family, quantity)
        if not found:
            raise self.error(f"the record has no {quantity!r} of {family!r}")
        columns = len(HEADINGS) - len(TIME_HEADINGS) * ("errors-only" in self.options)
        yield from table(HEADINGS[:columns], [cells(row)[:columns] for row in found])
        points, moderate = found[0]["points"], found[0]["moderate_points"]
        yield f"`{QUANTITIES[quantity]}` of `{family}`: {points} points, {moderate} of them moderate."
        yield ""


class BenchmarkMethodsDirective(MarkdownDirective):
    """``{benchmark-methods}``: configuration, versions and date of each method, and what the columns mean."""

    def markdown(self) -> Iterable[str]:
        """A list, then a paragraph."""
        self.env.note_dependency(str(COMMITTED))
        record = load(COMMITTED)
        environments: dict[str, str] = {}
        for method in record["methods"]:
            yield f"- {method['name']}: {method['text']}."
            versions = ", ".join(f"{package} {version}" for package, version in method["versions"].items())
            environments[f"{method['date']}, {versions}"] = method["peer"] or "here"
        yield ""
        yield NOTE
        yield ""
        for environment, where in environments.items():
            yield f"Measured {'here' if where == 'here' else f'in the environment of {where}'}: {environment}."
        yield ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.add_directive("benchmark-table", BenchmarkTableDirective)
    app.add_directive("benchmark-methods", BenchmarkMethodsDirective)
    return {"version": vt.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
