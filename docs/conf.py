"""Configuration of the documentation build, ``sphinx-build -W -n -b html docs docs/_build/html``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import vmap_theory  # noqa: E402  (from the checkout, installed or not)

project = "vmap_theory"
author = "The vmap_theory developers"
copyright = author  # noqa: A001  (Sphinx asks for this name)
version = release = vmap_theory.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib.bibtex",
    "page_rendering",
    "benchmark_table",
    "catalogue_pages",
    "command_output",
    "quadrature_measurement",
    "vmap_docs",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "alpha"
bibtex_reference_style = "author_year"

html_math_renderer = "mathml"  # see page_rendering: no script, no network
html_theme = "furo"
html_title = f"vmap_theory {release}"
html_static_path = ["_static"]
html_css_files = ["formulas.css"]

# The docstrings say in words what types and shapes are meant; annotations would say it a second time.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]  # several names may share a line
default_role = "py:maybe"  # a link where the name is documented, plain code elsewhere; see page_rendering

smartquotes = False  # primes are derivatives: V'' is no closing quotation mark
nitpicky = True
