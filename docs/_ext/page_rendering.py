"""How the pages are rendered: formulas without a script, docstrings as they were meant, no public name forgotten."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.util import logging

import vmap_theory as vt

logger = logging.getLogger(__name__)
MADE_BY_USERS = {"vmap_theory.Limit", "vmap_theory.Parameter", "vmap_theory.VarianceMap"}


class MaybeRole(PyXRefRole):
    """Single backticks in docstrings: a link if the name is documented, plain code if it is not."""

    def process_link(
        self, env: Any, refnode: Any, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """Mark the reference as one that may fail."""
        refnode["reftype"] = "obj"
        refnode["may_fail"] = True
        return super().process_link(env, refnode, has_explicit_title, title, target)


def visit_math(writer: Any, node: Any) -> None:
    """Write a formula as MathML, which browsers draw themselves: the pages need no network."""
    block = isinstance(node, nodes.math_block)
    mathml = convert(node.astext(), display="block" if block else "inline")
    writer.body.append(f'<div class="math">{mathml}</div>' if block else mathml)
    raise nodes.SkipNode


def let_fail(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """Show a reference that may fail, and did, as plain code."""
    return contnode if node.get("may_fail") else None


def hide_constructor(app: Sphinx, what: str, name: str, value: Any, *rest: Any) -> tuple[str, str] | None:
    """Show no signature for classes that functions of the package make and users only read."""
    return ("", "") if what == "class" and name not in MADE_BY_USERS else None


class PlainProperties:
    """Keeps napoleon from reading "Such a thing: as this" in a property's docstring as "type: description"."""

    def __init__(self) -> None:
        self._written: dict[str, list[str]] = {}

    def remember(self, app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
        """Before napoleon."""
        if what == "property":
            self._written[name] = list(lines)

    def restore(self, app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
        """After napoleon."""
        if what == "property":
            lines[:] = self._written.pop(name)


def trim_code(app: Sphinx, doctree: nodes.document) -> None:
    """Take away the empty line that ends an example's output before the fence: doctest needs it, readers do not."""
    for block in doctree.findall(nodes.literal_block):
        if block.rawsource == block.astext():
            block.rawsource = block.rawsource.rstrip()
            block.children = []
            block += nodes.Text(block.rawsource)


def check_public_names(app: Sphinx, env: Any) -> None:
    """Warn of every public name that no page documents."""
    documented = env.domains.python_domain.objects
    for name in dir(vt):
        home = getattr(getattr(vt, name), "__module__", vt.__name__)
        if not name.startswith("__") and not {f"{vt.__name__}.{name}", f"{home}.{name}"} & set(documented):
            logger.warning("vmap_theory.%s is public, and no page documents it", name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it."""
    app.add_role_to_domain("py", "maybe", MaybeRole())
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    properties = PlainProperties()
    app.connect("autodoc-process-signature", hide_constructor)
    app.connect("autodoc-process-docstring", properties.remember, priority=400)
    app.connect("autodoc-process-docstring", properties.restore, priority=600)
    app.connect("doctree-read", trim_code)
    app.connect("missing-reference", let_fail)
    app.connect("env-check-consistency", check_public_names)
    return {"version": vt.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
