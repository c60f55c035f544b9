"""Sphinx directives whose content is computed by vmap_theory when the pages are built, so that nothing is typed twice.

Each directive writes Markdown and hands it to the parser of the page.  What fails a check, such as a closed form that
is not verified, becomes a warning, and warnings fail the build.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from accuracy_measurement import DIGITS, LEVEL, METHODS, QUANTITIES, RATIOS, relative_errors
from docutils import nodes
from docutils.parsers.rst import directives
from markdown_lines import MarkdownDirective, display, formulas_markdown, number, table
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import vmap_theory as vt
from vmap_theory.formulas import QUANTITIES as FORMULAS
from vmap_theory.latex import definition_latex
from vmap_theory.tables import EocTable, eoc_table

logger = logging.getLogger(__name__)
ROOT = Path(vt.__file__).parents[1]
VERIFIED_DIGITS = 50
VERIFIED_POINTS = 4


def words(argument: str) -> list[str]:
    """Read an option that lists words."""
    return argument.split()


COLUMN_MEANINGS = {
    "family": "name in the registry",
    "sparsity": r"$P(\phi = 0)$ at $q^*$, as asked for",
    "q_star": "the fixed point, a variance, as asked for",
    "target": "$V'(q^*)$ asked for; none for an unclipped family",
    "tau": "threshold",
    "m": "clipping level; none for an unclipped family",
    "sigma_w2": "variance of the weights times fan-in",
    "sigma_b2": "variance of the biases",
    "slope": "$V'(q^*)$ reached",
    "curvature": "$V''(q^*)$",
    "fixed_points": "all solutions of $V(q) = q$ found, ascending; empty where $V(q) = q$ to rounding over decades",
    "stabilities": "one for each fixed point",
}
"""One for each column of the schema: a column without a line here, or a line without a column, fails the build."""


def allowed(entry: dict[str, Any]) -> str:
    """What the JSON schema allows in a field, in words."""
    if "anyOf" in entry:
        return " or ".join(allowed(part) for part in entry["anyOf"])
    if "enum" in entry:
        return ", ".join(entry["enum"])
    if entry["type"] == "array":
        return f"list: {allowed(entry['items'])}"
    signs = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    bounds = " and ".join(f"{sign} {entry[key]:g}" for key, sign in signs.items() if key in entry)
    plain = {"null": "none", "string": "text"}.get(entry["type"], entry["type"])
    return f"{plain} {bounds}".strip()


def numbers(argument: str) -> list[float]:
    """Read an option that lists numbers."""
    return [float(word) for word in argument.split()]


class FormulasDirective(MarkdownDirective):
    """``{formulas} crelu``: phi and its closed forms."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"only": words}

    def markdown(self) -> Iterable[str]:
        """The definition, then one displayed formula a quantity."""
        act = vt.family(self.arguments[0])
        yield from display(definition_latex(act))
        yield from formulas_markdown(vt.derive(act), self.options.get("only", FORMULAS))


class VerifiedDirective(MarkdownDirective):
    """``{verified} crelu cst``: what `vt.verify` found."""

    required_arguments = 1
    final_argument_whitespace = True

    def markdown(self) -> Iterable[str]:
        """One table row a family."""
        rows = []
        for name in self.arguments[0].split():
            report = vt.verify(vt.family(name), VERIFIED_DIGITS, points=VERIFIED_POINTS)
            if not report.passed:
                logger.warning("closed forms not verified: %s", report.summary())
            rows.append([f"`{name}`", report.digits, len(report.rows), f"{report.max_relative_error:.1e}"])
        yield from table(["family", "digits asked for", "comparisons", "largest relative error"], rows)


class EocTableDirective(MarkdownDirective):
    """``{eoc-table}``: edges of chaos over families, sparsities and targets."""

    option_spec: ClassVar[dict[str, Any]] = {
        "families": words,
        "sparsities": numbers,
        "targets": numbers,
        "q-stars": numbers,
    }

    def markdown(self) -> Iterable[str]:
        """One row an edge of chaos."""
        found: EocTable = eoc_table(
            self.options["families"],
            self.options["sparsities"],
            self.options.get("targets", (0.5, 0.7, 0.9)),
            self.options.get("q-stars", (1.0,)),
            digits=VERIFIED_DIGITS,
        )
        heads = ["family", "$s$", r"$q^*$", r"$\tau$", "$m$", r"$\sigma_w^2$", r"$\sigma_b^2$", "$V'(q^*)$"]
        rows = [
            [
                f"`{row.family}`",
                *(number(x) for x in (row.sparsity, row.q_star, row.tau, row.m, row.sigma_w2, row.sigma_b2, row.slope)),
                ", ".join(f"{number(q)} {how}" for q, how in zip(row.fixed_points, row.stabilities, strict=True)),
            ]
            for row in found.rows
        ]
        yield from table([*heads, "all fixed points"], rows)


class AccuracyTableDirective(MarkdownDirective):
    """``{accuracy-table} second_moment``: measured relative errors, a row a method."""

    required_arguments = 1

    def markdown(self) -> Iterable[str]:
        """One table."""
        quantity = directives.choice(self.arguments[0], tuple(QUANTITIES))
        rows = [
            [method, *(f"{relative_errors(method, ratio)[quantity]:.0e}" for ratio in RATIOS)] for method in METHODS
        ]
        yield from table([r"method, at $\tau/\sqrt q =$", *(f"{ratio:g}" for ratio in RATIOS)], rows)
        yield f"`{QUANTITIES[quantity]}` of `crelu` at $m/\\sqrt q = {LEVEL:g}$; truth known to {DIGITS} digits."
        yield ""


class ClaimDirective(SphinxDirective):
    """``{claim} NAME``: the docstring of a file of ``validation/claims``, as it stands there."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Show its words as they are: they are the rule that was written down before the run."""
        path = ROOT / "validation" / "claims" / f"{self.arguments[0]}.py"
        self.env.note_dependency(str(path))
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        return self.parse_text_to_nodes(f"```{{eval-rst}}\n{text}\n```")


class TrainingRecordDirective(MarkdownDirective):
    """``{training-record} FILE``: prediction beside observation, from a committed record."""

    required_arguments = 1

    def markdown(self) -> Iterable[str]:
        """A table for each claim, and where the numbers were obtained."""
        path = Path(self.env.srcdir) / self.arguments[0]
        self.env.note_dependency(str(path))
        record = json.loads(path.read_text(encoding="utf-8"))
        for name, claim in record["claims"].items():
            rows = []
            for variant, predicted in claim["predictions"].items():
                seen = claim["observations"][variant]
                points = ", ".join(f"{p['q']:.3f} {p['stability']}" for p in predicted["fixed_points"])
                rows.append(
                    [
                        variant,
                        points,
                        "trains" if predicted["trains"] else "fails",
                        f"{seen['trained']} of {len(seen['nets'])}",
                        spread(seen["accuracy"]),
                        spread(seen["sparsity"]),
                    ]
                )
            yield from table(["variant", "fixed points", "predicted", "trained", "test accuracy", "zeros kept"], rows)
            versions = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
            yield f"`{name}`: **{claim['verdict']}**. Medians, with ranges over the seeds {claim['seeds']} in brackets."
            yield f"Obtained on {record['device']['kind']} in {record['wall_seconds']:.0f} s with {versions}."
            yield ""


def spread(found: dict[str, Any]) -> str:
    """Median and range of what was seen."""
    if not found["finite"]:
        return "no net finite"
    return f"{found['median']:.2f} ({found['min']:.2f} to {found['max']:.2f})"


class TableColumnsDirective(MarkdownDirective):
    """``{table-columns}``: the columns of an edge-of-chaos table, from its schema."""

    def markdown(self) -> Iterable[str]:
        """One row a column."""
        schema = EocTable.model_json_schema()["$defs"]["EocRow"]["properties"]
        if set(schema) != set(COLUMN_MEANINGS):
            logger.warning("COLUMN_MEANINGS and the schema of EocRow differ: %s", set(schema) ^ set(COLUMN_MEANINGS))
        rows = [[f"`{name}`", allowed(entry), COLUMN_MEANINGS.get(name, "")] for name, entry in schema.items()]
        yield from table(["column", "values", "meaning"], rows)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it."""
    app.add_directive("formulas", FormulasDirective)
    app.add_directive("verified", VerifiedDirective)
    app.add_directive("eoc-table", EocTableDirective)
    app.add_directive("accuracy-table", AccuracyTableDirective)
    app.add_directive("claim", ClaimDirective)
    app.add_directive("training-record", TrainingRecordDirective)
    app.add_directive("table-columns", TableColumnsDirective)
    return {"version": vt.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
