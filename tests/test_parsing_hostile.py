"""Texts made to do harm: each is refused, at once, and nothing of it is evaluated."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import vmap_theory as vt
from vmap_theory.parsing import FUNCTIONS, MAX_LENGTH

SECONDS = 5.0  # each takes milliseconds; expanding any of the large ones would take minutes or all memory

CODE = [
    "__import__('os').system('touch {marker}')",
    "open('{marker}', 'w')",
    "exec(\"open('{marker}', 'w')\")",
    "eval(\"open('{marker}', 'w')\")",
    "[open('{marker}', 'w') for y in (1,)]",
    "(lambda: open('{marker}', 'w'))()",
    "Max(x, __import__('pathlib').Path('{marker}').touch())",
    "f\"{{open('{marker}', 'w')}}\"",
    "x if open('{marker}', 'w') else 0",
    "(y := open('{marker}', 'w'))",
    "Piecewise((x, open('{marker}', 'w') < 1))",
    "x[open('{marker}', 'w')]",
    "Max(*open('{marker}', 'w'))",
    "Max(x, **open('{marker}', 'w'))",
    "Max(x, 0, key=open('{marker}', 'w'))",
    "sympify(\"open('{marker}', 'w')\")",
]

STRUCTURES = [
    "x.__class__",
    "x.__class__.__mro__",
    "().__class__.__bases__[0].__subclasses__()",
    "''.join(x)",
    "'x'",
    "b'x'",
    "x[0]",
    "[x]",
    "{x}",
    "{x: 1}",
    "{**x}",
    "[x for x in (1, 2)]",
    "{x for x in (1, 2)}",
    "{x: x for x in (1, 2)}",
    "(x for x in (1, 2))",
    "lambda x: x",
    "lambda: 0",
    "f'{x}'",
    "x if x > 0 else 0",
    "(y := x)",
    "await x",
    "yield x",
    "...",
    "None",
    "x @ x",
    "x // 2",
    "x % 2",
    "x << 2",
    "x is x",
    "x in x",
    "x != 1",
    "*x",
    "Max(*x)",
    "Max.__call__(x)",
    "sp.Max(x, 0)",
    "Max(x, 0)(x)",
    "__builtins__",
    "__name__",
    "Max(Piecewise, x)",
    "import os",
    "x; x",
    "x\nimport os",
    "x #\n+ __import__('os')",
    "x\x00",
]

HUGE = [
    "10**10**10",
    "10**(10**10)",
    "9**9**9**9",
    "2**100000*x",
    "(x + 1)**100000",
    "x**1000000000",
    "(a + 1)**100000*x",
    "((x + 1)**16)**16",
    "(((((2**255)**255)**255)**255)**255)",
    "*".join(["(2**250)"] * 20),
    "1e999*x",
    "1e-999*x",
    "1" + "0" * 1000,
    "exp(exp(exp(100)))*x",
    "exp(2**200)*x",
    "sinh(1e9)*x",
    "(" * 200 + "x" + ")" * 200 + "**99999",
    "-" * 5000 + "x",
    "x" + "+x" * 1000,
    "x" * (MAX_LENGTH + 1),
    "Max(" * 150 + "x" + ", 0)" * 150 + "**400",
    "Abs(" * 400 + "x" + ")" * 400,
    "(x + a + b + c + d)**16 * (x + a + b + c + d)**16",
    "1/(10**-400 - 10**-400)",
    "tanh(exp(99999)*x)",
    "floor(10**70*Min(Max(x, 0), 1))",
    "Abs(" * 30 + "sin(x)" + ")" * 30 + "**x",
    "0**-1*x",
]


@pytest.mark.parametrize("text", CODE)
def test_code_is_not_run(text: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(vt.VmapTheoryError):
        vt.parse_activation(text.format(marker=marker))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", CODE)
def test_code_in_the_shape_of_a_value_is_not_run(text: str, tmp_path: Path) -> None:
    with pytest.raises(vt.VmapTheoryError):
        vt.parse_activation("Max(x - tau, 0)", tau=text.format(marker=tmp_path / "marker"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", STRUCTURES)
def test_structures_that_no_formula_needs_are_refused(text: str) -> None:
    with pytest.raises(vt.VmapTheoryError):
        vt.parse_activation(text)


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:30])
def test_huge_texts_are_refused_at_once(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(vt.VmapTheoryError) as caught:
        vt.parse_activation(text)
    assert time.process_time() - begin < SECONDS
    assert len(str(caught.value)) < 1000, "the message must not repeat the huge text"


@pytest.mark.parametrize(
    "text",
    ["(a + b + c + d)**200*x", "(a + b + c + d + f + g)**40*x", "exp(exp(exp(exp(exp(x)))))", "exp(-exp(exp(exp(x))))"],
)
def test_texts_that_ask_for_much_work_are_answered_in_time(text: str) -> None:
    # Expanded, the first have millions of terms; exp(exp(exp(20))) has more digits than a memory holds.  In a process
    # of its own, which can be ended.
    program = f"import vmap_theory as vt\ntry: vt.parse_activation({text!r})\nexcept vt.VmapTheoryError: pass"
    try:
        subprocess.run([sys.executable, "-c", program], check=True, timeout=2 * SECONDS)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{text} was neither read nor refused within {2 * SECONDS:g} seconds")


def test_the_allow_list_holds_functions_of_numbers_alone() -> None:
    # A change of the list must be made on purpose, here too: nothing that takes text, files or attributes.
    logical = {"And", "Or", "Not", "Piecewise"}
    pieces = {"Abs", "Heaviside", "Max", "Min", "abs", "max", "min", "sign"}
    pieces |= {"ceiling", "floor"}
    smooth = {"cos", "cosh", "erf", "erfc", "exp", "log", "sigmoid", "sin", "sinh", "sqrt", "tan", "tanh"}
    inverse = {"acos", "asin", "asinh", "atan"}
    assert set(FUNCTIONS) == logical | pieces | smooth | inverse
