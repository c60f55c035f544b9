"""Commands about formulas: ``list``, ``derive``, ``verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UnknownNameError
from .options import DigitsOption, JsonOption, NameArgument, WordsArgument
from .printing import print_json, print_line, print_table, progress, say
from .reading import activation_from_words

if TYPE_CHECKING:
    from ..activations import Activation
    from ..formulas import Formulas


def list_families(as_json: JsonOption = False) -> None:
    """List the activations of the registry, and which of them have closed forms."""
    from ..activations import family, family_names
    from ..formulas import has_closed_form

    families = [family(name) for name in family_names()]
    exact = [has_closed_form(name) for name in family_names()]
    if as_json:
        print_json(
            {
                "activations": [
                    _described(act) | _related(act) | {"is_exact": known}
                    for act, known in zip(families, exact, strict=True)
                ]
            }
        )
        return
    rows = [
        (
            act.name,
            act.title,
            "yes" if known else "no",
            ", ".join(f"{p.name} in {p.domain_text}" for p in act.parameters) or "-",
        )
        for act, known in zip(families, exact, strict=True)
    ]
    print_table(("name", "what it is", "closed form", "parameters"), rows)


def derive(
    name: NameArgument,
    words: WordsArgument = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX, the body of an align*.")] = False,
    python: Annotated[bool, typer.Option("--python", help="Print a module of functions for NumPy and SciPy.")] = False,
    symbolic: Annotated[bool, typer.Option("--symbolic", help="Put in no customary values, such as slopes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Derive the moments, the sparsity, V, V', V'' and chi_1 in closed form, or as integrals where none is known."""
    from ..formulas import QUANTITIES
    from ..formulas import derive as derive_formulas

    if latex + python + as_json > 1:
        raise UnknownNameError("give one of --latex, --python and --json, not more.")
    formulas = derive_formulas(activation_from_words(name, words, symbolic=symbolic))
    if as_json:
        print_json(
            {
                "activation": _described(formulas.activation),
                "formulas": {quantity: str(getattr(formulas, quantity)) for quantity in QUANTITIES},
                "latex": {quantity: formulas.latex(quantity) for quantity in QUANTITIES},
                "is_exact": formulas.is_exact,
                "sha256": formulas.digest,
            }
        )
    elif python:
        print_line(formulas.python().rstrip())
    else:
        if not latex:
            print_line(_header(formulas))
        print_line(formulas.latex() if latex else formulas.text())
        if not formulas.is_exact:
            say("no closed form is known: integrals are left as they are; vmap_theory.gaussian_moments evaluates them")


def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A name or an expression; not with --all.")
    ] = None,
    words: WordsArgument = None,
    every: Annotated[bool, typer.Option("--all", help="Verify every activation of the registry.")] = False,
    digits: DigitsOption = 50,
    points: Annotated[int, typer.Option("--points", help="How many random points.")] = 8,
    balls: Annotated[bool, typer.Option("--balls", help="Ask ball arithmetic too; needs python-flint.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", help="With --all: how many processes; by default one a core.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the closed forms against independent high-precision integration; exit status 1 if one is wrong.

    Parameters without a value are drawn from their typical ranges.
    """
    from ..verification import verify as verify_activation
    from ..verification import verify_catalogue

    if (name is None) != every:
        raise UnknownNameError("give the NAME of an activation, or --all, and not both.")
    if workers is not None and not every:
        raise UnknownNameError("--workers goes with --all: one activation is verified in this process.")
    with progress(f"verifying to {digits} digits") as advance:
        if name is None:
            reports = verify_catalogue(digits=digits, points=points, balls=balls, workers=workers, on_progress=advance)
        else:
            act = activation_from_words(name, words, symbolic=True)
            reports = (verify_activation(act, digits, points=points, balls=balls, on_progress=advance),)
    if as_json:
        print_json(
            {
                "passed": all(report.passed for report in reports),
                "reports": [
                    {
                        "activation": report.activation,
                        "digits": report.digits,
                        "method": report.method,
                        "passed": report.passed,
                        "comparisons": len(report.rows),
                        "max_relative_error": report.max_relative_error,
                    }
                    for report in reports
                ],
            }
        )
    else:
        for report in reports:
            print_line(report.summary())
    if not all(report.passed for report in reports):
        raise typer.Exit(1)


def _described(act: Activation) -> dict[str, Any]:
    """An activation as plain values for JSON."""
    parameters = [
        {
            "name": p.name,
            "domain": p.domain_text,
            "integer": p.integer,
            "typical": list(p.typical),
            "meaning": p.meaning,
        }
        for p in act.parameters
    ]
    values = {name: float(value) for name, value in act.values}
    return {
        "name": act.name,
        "title": act.title,
        "expression": str(act.expression),
        "parameters": parameters,
        "values": values,
        "source": act.source,
    }


def _related(act: Activation) -> dict[str, Any]:
    """What an activation is related to, as plain values for JSON: PyTorch, limits, penalty."""
    return {
        "torch": [
            {"name": module.name, "parameters": dict(module.parameters), "options": dict(module.options)}
            for module in act.torch
        ],
        "limits": [
            {
                "parameter": limit.parameter,
                "value": str(limit.value),
                "family": limit.family,
                "family_values": {name: str(value) for name, value in limit.family_values},
            }
            for limit in act.limits
        ],
        "penalty": None if act.penalty is None else str(act.penalty),
    }


def _header(formulas: Formulas) -> str:
    """What formulas are of, for which parameters, and for which values of these they do not hold."""
    act = formulas.activation
    lines = [f"phi(x)     = {act.expression}"]
    lines += [f"with         {name} = {value}" for name, value in act.values]
    for p in act.free_parameters:
        assumed = ", assumed" if not p.meaning and p.domain_text == "(0, oo)" else ""
        lines.append(f"for          {p.name} in {p.domain_text}{assumed}")
    lines += [f"not for      {exception}: put that value in" for exception in formulas.exceptions]
    return "\n".join(lines)
