"""Values and domains of parameters, as words of the command line."""

import pytest
import sympy as sp

from vmap_theory.cli.words import read_words
from vmap_theory.errors import DomainError, ExpressionError

OO = sp.oo


@pytest.mark.parametrize(
    ("words", "domain"),
    [
        (["a>2"], sp.Interval.open(2, OO)),
        (["a >= 2"], sp.Interval(2, OO)),
        (["a<0.5"], sp.Interval.open(-OO, sp.Rational(1, 2))),
        (["2>a"], sp.Interval.open(-OO, 2)),
        (["2<=a"], sp.Interval(2, OO)),
        (["0<a<1"], sp.Interval.open(0, 1)),
        (["1/3 <= a < sqrt(2)"], sp.Interval.Ropen(sp.Rational(1, 3), sp.sqrt(2))),
        (["1>a>=0"], sp.Interval.Ropen(0, 1)),
        (["-pi<a"], sp.Interval.open(-sp.pi, OO)),
        (["a in [0, oo)"], sp.Interval(0, OO)),
        (["a in (-oo, oo)"], sp.Interval(-OO, OO)),
        (["a in (-1,2]"], sp.Interval.Lopen(-1, 2)),
        (["a>0", "a<=1"], sp.Interval.Lopen(0, 1)),
        (["a>0", "a>=2", "a in [1, 3]"], sp.Interval(2, 3)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_domains(words: list[str], domain: sp.Interval) -> None:
    (parameter,) = read_words(words).declared()
    assert (parameter.name, parameter.domain, parameter.integer) == ("a", domain, False)


@pytest.mark.parametrize(
    ("words", "domain"),
    [
        (["n in 1..8"], sp.Interval(1, 8)),
        (["n in -2 .. oo"], sp.Interval(-2, OO)),
        (["n in 1..8", "n<5"], sp.Interval(1, 4)),
        (["n in 1..8", "n>=5/2"], sp.Interval(3, 8)),
        (["n in 1..oo", "n>3"], sp.Interval(4, OO)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_integers(words: list[str], domain: sp.Interval) -> None:
    (parameter,) = read_words(words).declared()
    assert (parameter.domain, parameter.integer) == (domain, True)


@pytest.mark.parametrize(
    ("word", "typical"),
    [
        ("a>=0", (0.2, 2.5)),
        ("a>2", (2.2, 4.5)),
        ("a>1000", (1100, 2250)),
        ("a>-6", (-5.4, 1.5)),
        ("a<0", (-2.5, -0.2)),
        ("0<a<1", (0.1, 0.9)),
        ("a in (-oo, oo)", (-2.5, 2.5)),
        ("a in 2..4", (2, 4)),
        ("a in 1..1000", (1, 8)),
        ("a in 3..oo", (3, 10)),
    ],
)
def test_typical_ranges_lie_in_the_domain(word: str, typical: tuple[float, float]) -> None:
    (parameter,) = read_words([word]).declared()
    assert parameter.typical == pytest.approx(typical)


def test_values_are_exact() -> None:
    found = read_words(["tau=0.3", " m = sqrt(2) ", "k=-1/3"])
    assert found.values == {"tau": sp.Rational(3, 10), "m": sp.sqrt(2), "k": -sp.Rational(1, 3)}
    assert found.declared() == []


@pytest.mark.parametrize(
    "word",
    [
        *("tau", "", "=1", "a==2", "a=>2", "a!=2", "1<2", "a<1<2", "0<a<1<2", "a<b<1", "1=a", "a:2", "2a>1", "a b>1"),
        *("a in", "a in 3", "a in [0, 1", "a in [0 1]", "a in {1, 2}", "a in 1...3", "a in 1.5..3", "a in oo..3"),
        *("a in ..3", "a in [0, 1] and b>1", "a>", ">1", "a>1,2", "a=1;2", "pi>2", "a>=__import__('os').getpid()"),
    ],
)
def test_unreadable_words_show_the_grammar(word: str) -> None:
    with pytest.raises((ExpressionError, DomainError)) as caught:
        read_words([word]).declared()
    message = str(caught.value)
    assert "degree in 1..8" in message or "not a finite number" in message
    assert repr(word) in message


@pytest.mark.parametrize(
    ("words", "remark"),
    [
        (["a>1", "a<1"], "the domain of a is empty"),
        (["1<a<1"], "the domain of a is empty"),
        (["a in [2, 1]"], "the domain of a is empty"),
        (["a in 3..1"], "the domain of a is empty"),
        (["a in 1..8", "2<a<3"], "the domain of a is empty"),
        (["a in [2, 2]"], "give the value, a=2"),
        (["a>=2", "a<=2"], "give the value, a=2"),
        (["a in 4..4"], "give the value, a=4"),
        (["a in 1..8", "a>7"], "give the value, a=8"),
        (["1<a<1+1e-30"], "too narrow"),
        (["a>x"], "not a finite number"),
        (["a>b"], "not a finite number"),
        (["a>oo"], "not a finite number"),
        (["a in [nan, 1]"], "not a finite number"),
        (["a>1e400"], "float64"),
        (["x>1"], "'x' is reserved"),
        (["name in [0, 1]"], "'name' is reserved"),
        (["q=1"], "'q' is reserved"),
        (["a=1", "a=1"], "given twice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_domains(words: list[str], remark: str) -> None:
    with pytest.raises((ExpressionError, DomainError), match=remark.replace("'", ".")):
        read_words(words).declared()
