"""Each command, as text and as JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import vmap_theory as vt
from vmap_theory.cli import app
from vmap_theory.formulas import QUANTITIES


def load(called: Any) -> dict[str, Any]:
    assert called.status == 0, called.err
    result: dict[str, Any] = json.loads(called.out)  # fails if anything but the object was printed
    return result


def test_typer_runner_sees_the_same_app() -> None:
    result = CliRunner().invoke(app, ["list", "--json"])
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["activations"]) == len(vt.family_names())


def test_list(call: Any) -> None:
    content = load(call("list", "--json"))["activations"]
    assert [entry["name"] for entry in content] == list(vt.family_names())
    plain = {"name", "title", "expression", "parameters", "values", "source"}
    assert set(content[0]) == plain | {"torch", "limits", "penalty", "is_exact"}
    text = call("list")
    assert all(name in text.out for name in vt.family_names())
    assert "[0, oo)" in text.out, "brackets of intervals are no markup"


def test_list_says_what_each_family_is_related_to(call: Any) -> None:
    entries = {entry["name"]: entry for entry in load(call("list", "--json"))["activations"]}
    assert {name: entry["is_exact"] for name, entry in entries.items()} == {
        name: vt.derive(name).is_exact for name in entries
    }
    assert entries["hardshrink"]["torch"][0]["name"] == "Hardshrink"
    assert entries["gelu_tanh"]["torch"][0]["options"] == {"approximate": "tanh"}
    assert entries["soft_threshold"]["penalty"] is not None
    assert entries["tanh"]["penalty"] is None
    assert {"parameter": "m", "value": "oo", "family": "relu_tau"}.items() <= entries["crelu"]["limits"][0].items()
    lines = {line.split()[0]: line for line in call("list").out.splitlines()}
    assert " yes " in lines["gelu"]
    assert " no " in lines["tanh"]


def test_derive(call: Any) -> None:
    content = load(call("derive", "crelu", "--json"))
    assert set(content["formulas"]) == set(content["latex"]) == set(QUANTITIES)
    assert content["is_exact"] is True
    assert content["sha256"] == vt.derive(vt.activation("crelu")).digest
    assert "erfc" in content["formulas"]["V"]
    printed = call("derive", "crelu").out.rstrip()
    assert printed.endswith("\n" + vt.derive(vt.activation("crelu")).text())
    assert printed.splitlines()[1:3] == ["for          tau in [0, oo)", "for          m in (0, oo)"]
    assert call("derive", "crelu", "--latex").out.rstrip() == vt.derive(vt.activation("crelu")).latex()


def test_derive_with_numbers_and_with_an_expression(call: Any) -> None:
    named = load(call("derive", "relu_tau", "tau=1/3", "--json"))
    written = load(call("derive", "Max(x - tau, 0)", "tau=1/3", "--json"))
    assert named["formulas"] == written["formulas"]
    assert "tau" not in named["formulas"]["V"]


def test_verify(call: Any) -> None:
    content = load(call("verify", "crelu", "tau=1", "--digits", 20, "--points", 2, "--json"))
    assert content["passed"] is True
    (report,) = content["reports"]
    assert set(report) == {"activation", "digits", "method", "passed", "comparisons", "max_relative_error"}
    assert report["method"] == "closed form"
    assert (report["digits"], report["comparisons"]) == (20, 14)
    assert "verified at 10 digits" in call("verify", "relu", "--digits", 10).out


def test_verify_says_where_there_is_no_closed_form(call: Any) -> None:
    arguments = ("verify", "tanh", "--digits", 10, "--points", 1)
    assert load(call(*arguments, "--json"))["reports"][0]["method"] == "two quadratures"
    assert "no closed form: two quadratures" in call(*arguments).out


def test_verify_asks_balls_too(call: Any) -> None:
    pytest.importorskip("flint")
    report = load(call("verify", "crelu", "--balls", "--digits", 15, "--points", 1, "--json"))["reports"][0]
    assert report["passed"] is True


def test_derive_says_where_there_is_no_closed_form(call: Any) -> None:
    called = call("derive", "tanh")
    assert "Integral" in called.out
    assert "no closed form is known" in called.err
    assert call("derive", "gelu").err == ""
    assert load(call("derive", "tanh", "--json"))["is_exact"] is False


def test_verify_all(call: Any) -> None:
    content = load(call("verify", "--all", "--workers", 2, "--digits", 12, "--points", 1, "--json"))
    assert content["passed"] is True
    assert len(content["reports"]) == len(vt.family_names())


def test_a_failed_verification_is_status_one(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = vt.VerificationReport(
        "crelu", 50, False, 0.5, (vt.VerificationRow("dV", {"q": "1"}, "closed form", "1.0", "2.0", 0.5),)
    )
    monkeypatch.setattr("vmap_theory.verification.verify", lambda *arguments, **options: failed)
    text = call("verify", "crelu")
    assert text.status == 1
    assert "FAILED" in text.out
    as_json = call("verify", "crelu", "--json")
    assert as_json.status == 1
    assert json.loads(as_json.out)["passed"] is False


def test_eoc(call: Any) -> None:
    content = load(call("eoc", "leaky_relu", "negative_slope=0.5", "--json"))
    assert content["sigma_w2"] == pytest.approx(1.6)
    assert content["fixed_points"] == []
    assert "no fixed point is isolated" in content["note"]
    content = load(call("eoc", "relu_tau", "--sparsity", 0.85, "--q-star", 2, "--json"))
    assert content["q_star"] == 2
    assert content["slope"] == pytest.approx(1)
    assert content["parameters"]["tau"] == pytest.approx(vt.threshold_for_sparsity("relu_tau", 0.85, 2))
    text = call("eoc", "hardtanh").out
    assert "1.464794" in text
    assert "fixed point  q = 1" in text


def test_eoc_of_an_activation_without_a_closed_form(call: Any) -> None:
    content = load(call("eoc", "tanh", "--json"))
    expected = vt.edge_of_chaos("tanh")
    assert (content["sigma_w2"], content["sigma_b2"]) == (expected.sigma_w2, expected.sigma_b2)
    shifted = load(call("eoc", "Max(tanh(x - tau), 0)", "tau>=0", "--sparsity", 0.8, "--json"))
    assert shifted["sparsity"] == pytest.approx(0.8)


def test_clip(call: Any) -> None:
    content = load(call("clip", "crelu", "--sparsity", 0.85, "--target", 0.5, "--json"))
    assert {"m", "tau", "sigma_w2", "sigma_b2", "q_star", "criterion", "fixed_points"} <= set(content)
    assert (content["m"], content["tau"]) == pytest.approx((0.8095, 1.0364), abs=5e-5)
    assert content["criterion"] == "slope"
    (point,) = content["fixed_points"]
    assert {"q", "lower", "upper", "slope", "chi_1", "stability", "basin", "error_bound"} <= set(point)
    assert point["basin"] == [0, None]
    assert content["is_complete"] is True
    three = load(call("clip", "cst", "--sparsity", 0.85, "--target", 0.9, "--json"))["fixed_points"]
    assert [p["stability"] for p in three] == ["stable", "unstable", "stable"]
    text = call("clip", "crelu", "--sparsity", 0.85).out
    assert "0.8095281637" in text


def test_fixed_points(call: Any) -> None:
    content = load(call("fixed-points", "relu", "--sigma-w2", 3, "--sigma-b2", 1, "--json"))
    assert content["fixed_points"] == []
    assert (content["diverges"], content["collapses"], content["is_complete"]) == (True, False, True)
    text = call("fixed-points", "hardtanh", "--sigma-w2", 0.5).out
    assert "V(q) < q for all small q" in text
    (point,) = load(call("fixed-points", "tanh", "--sigma-w2", 1.5, "--sigma-b2", 0.05, "--json"))["fixed_points"]
    assert point["q"] == pytest.approx(0.41803720, abs=1e-8)


def test_clip_an_expression_with_domains(call: Any) -> None:
    expected = load(call("clip", "crelu", "--sparsity", 0.85, "--json"))
    found = load(call("clip", "Min(Max(x - tau, 0), m)", "tau>=0", "m in (0, oo)", "--sparsity", 0.85, "--json"))
    assert (found["tau"], found["m"]) == pytest.approx((expected["tau"], expected["m"]))


def test_numbers_in_json_are_complete(call: Any) -> None:
    clip = vt.clipping_level("crelu", 0.85, target=0.7)
    content = load(call("clip", "crelu", "--sparsity", 0.85, "--target", 0.7, "--json"))
    assert (content["m"], content["sigma_w2"], content["sigma_b2"]) == (clip.m, clip.sigma_w2, clip.sigma_b2)


TABLE = ("table", "--family", "crelu", "--family", "relu_tau", "--sparsity", 0.85, "--target", 0.5, "--digits", 10)


def test_table(call: Any, tmp_path: Path) -> None:
    content = load(call(*TABLE, "--json"))
    assert [row["family"] for row in content["rows"]] == ["crelu", "relu_tau"]
    text = call(*TABLE).out
    assert "0.8095281637" in text
    assert "fixed points" in text
    for suffix in (".json", ".csv"):
        called = call(*TABLE, "--out", tmp_path / f"t{suffix}")
        assert (called.status, called.out) == (0, "")
        assert "wrote" in called.err
        assert len(vt.read_eoc_table(tmp_path / f"t{suffix}").rows) == 2


def test_table_of_columns(call: Any, tmp_path: Path) -> None:
    called = call(*TABLE, "--sparsity", "0.3", "--out", tmp_path / "t.npz")
    assert (called.status, called.out.strip()) == (0, "4 rows, 2 of them with an edge of chaos")
    columns = vt.read_eoc_columns(tmp_path / "t.npz")
    rows = load(call(*TABLE, "--json"))["rows"]
    np.testing.assert_allclose(columns["sigma_w2"][columns.feasible], [row["sigma_w2"] for row in rows], rtol=1e-14)
    assert load(call(*TABLE, "--json", "--out", tmp_path / "t.npz")) == {"rows": 2, "feasible": 2}


@pytest.mark.parametrize(
    "arguments",
    [
        ("activations", "crelu:tau=1,m=0.5", "relu"),
        ("variance-map", "cst", "--sparsity", "0.85", "--target", "0.9"),
        ("variance-map", "relu_tau:tau=1", "--q-max", "3"),
        ("slope", "crelu", "--sparsity", "0.7"),
        ("eoc", "crelu:tau=1,m=0.5", "hardtanh"),
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_plot(arguments: tuple[str, ...], call: Any, tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    assert load(call("plot", *arguments, "--out", path, "--json")) == {"file": str(path)}
    assert path.read_text().rstrip().endswith("</svg>")
    text = call("plot", *arguments, "-o", tmp_path / "again.png")
    assert text.out.startswith("wrote ")


def test_version_and_help(call: Any) -> None:
    assert call("--version").out.strip() == vt.__version__
    for command in ("list", "derive", "verify", "eoc", "clip", "table", "plot", "demo"):
        called = call(command, "--help")
        assert called.status == 0
        assert "--json" in called.out or command == "plot"
        assert command in call("-h").out


@pytest.mark.parametrize(
    ("arguments", "remark"),
    [
        (("derive", "crelo"), "crelu"),
        (("derive", "crelu", "tao=1"), "tau"),
        (("derive", "crelu", "tau"), "PARAMETER=NUMBER"),
        (("derive", "crelu", "tau>1"), "domains of their own (tau in [0, oo), m in (0, oo))"),
        (("derive", "Max(x - a, 0)", "b>1"), "unknown parameter of the expression 'b'. Known: a"),
        (("derive", "Max(x - a, 0)", "b=1"), "unknown parameter of the expression 'b'. Known: a"),
        (("derive", "Max(x - a, 0)", "a>1", "a<1"), "the domain of a is empty"),
        (("derive", "Max(x - a, 0)", "a>1", "a=1"), "outside its domain (1, oo)"),
        (("derive", "Max(x, 0)**n", "n in 1..4"), "give a number for it"),
        (("derive", "Max(x, 0)**n", "n in 1..4", "n=5"), "outside its domain [1, 4]"),
        (("derive", "Max(x, 0)**n", "n in 1..4", "n=1/2"), "not an integer"),
        (("eoc", "Max(x - a, 0)", "a in [0, 1"), "neither a value nor a domain"),
        (("clip", "Min(Max(x - tau, 0), m)", "k>=0", "--sparsity", "0.85"), "Known: m, tau"),
        (("verify", "Max(x - a, 0)", "a in 2..1"), "the domain of a is empty"),
        (("derive", "exp(x**2)"), "infinite"),
        (("derive", "crelu", "--python", "--latex"), "give one of --latex, --python and --json"),
        (("verify", "crelu", "--workers", "2"), "--workers goes with --all"),
        (("verify", "--all", "--workers", "0"), "workers"),
        (("derive", "crelu", "tau=-1"), "domain"),
        (("derive", "crelu", "tau=x"), "not a finite number"),
        (("derive", "crelu", "tau=nan"), "not a finite number"),
        (("derive", "crelu", "tau=1", "tau=2"), "given twice"),
        (("derive", "crelu", "name=1"), "reserved"),
        (("derive", "Max(x-name,0)", "name=1"), "reserved"),
        (("eoc", "hardtanh", "tau=1"), "Known: max_val, min_val"),
        (("eoc", "tau=1", "crelu"), "The activation comes first"),
        (("plot", "variance-map", "relu", "--sparsity", "0.85", "-o", "p.png"), "no free threshold"),
        (("derive", "x.__class__"), "not allowed"),
        (("verify",), "--all"),
        (("verify", "crelu", "--all"), "not both"),
        (("verify", "crelu", "--digits", "1"), "digits"),
        (("eoc", "crelu"), "tau"),
        (("eoc", "hard_threshold", "tau=1"), "jumps"),
        (("eoc", "relu", "--q-star", "-1"), "q_star"),
        (("eoc", "relu", "--q-star", "nan"), "q_star"),
        (("eoc", "x + 2"), "sigma_b2 = -4"),
        (("clip", "crelu", "--sparsity", "2"), "sparsity"),
        (("clip", "relu_tau", "--sparsity", "0.85"), "level"),
        (("clip", "crelu", "--sparsity", "0.85", "--criterion", "slop"), "slope"),
        (("table", "--family", "relu", "--sparsity", "0.8"), "threshold"),
        (("table", "--family", "crelu", "--sparsity", "0.8", "--digits", "5", "-o", "t.txt"), ".json"),
        (("plot", "activations", "crelu", "-o", "p.png"), "tau"),
        (("plot", "activations", "relu", "-o", "p.gif"), ".png"),
        (("plot", "slope", "relu", "-o", "p.png"), "threshold"),
        (("plot", "activations", "Max(x - a, 0):a in [0, 2),b=1", "-o", "p.png"), "unknown parameter"),
        (("plot", "eoc", "hardtanh", "-o", "p.png", "--q-min", "9", "--q-max", "1"), "ascending"),
        (("demo", "--sparsity", "2", "--no-train"), "sparsity"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_errors_are_one_line_and_status_two(
    arguments: tuple[str, ...],
    remark: str,
    options: tuple[str, ...],
    call: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    called = call(*arguments, *options)
    assert called.status == 2
    assert called.out == ""
    message = called.err.strip().splitlines()[-1]
    assert message.startswith("error: ")
    assert remark in message
    assert len([line for line in called.err.splitlines() if line.strip()]) == 1
    assert "Traceback" not in called.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("clip", "crelu"), ("clip", "crelu", "--sparsity", "half"), ("nonsense",), ("list", "-x")]
)
def test_wrong_usage_is_status_two(arguments: tuple[str, ...], call: Any) -> None:
    called = call(*arguments)
    assert called.status == 2
    assert called.out == ""
    assert "Usage" in called.err


def test_interruption(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vmap_theory.verification.verify", interrupt)
    called = call("verify", "relu")
    assert called.status == 130
    assert "Traceback" not in called.err


def test_verify_draws_customary_parameters_too(call: Any) -> None:
    report = load(call("verify", "hardtanh", "--digits", 10, "--points", 1, "--json"))["reports"][0]
    assert report["activation"] == "hardtanh"  # no values: both bounds were drawn


def test_symbolic_formulas(call: Any) -> None:
    assert "negative_slope" in call("derive", "leaky_relu", "--symbolic").out
    assert "not for      negative_slope = 0" in call("derive", "leaky_relu", "--symbolic").out
    with_number = call("derive", "leaky_relu").out.splitlines()
    assert with_number[1] == "with         negative_slope = 1/100"
    assert not any("negative_slope" in line for line in with_number[2:])
    assert "assumed" in call("derive", "Max(x - a, 0)").out
    assert "assumed" not in call("derive", "Max(x - a, 0)", "a>2").out


@pytest.mark.parametrize("name", ["crelu", "tanh"])
def test_derive_writes_python(name: str, call: Any) -> None:
    called = call("derive", name, "--python")
    assert called.status == 0
    assert called.out.rstrip() == vt.derive(name).python().rstrip()
    compile(called.out, name, "exec")


def test_an_activation_never_seen_before_with_domains(call: Any) -> None:
    text = "Piecewise((0, x < 2*lambd), (x - lambd, x < a*lambd), (2*x, True))"
    undeclared = call("derive", text)
    assert undeclared.status == 2
    assert "order of the break points" in undeclared.err
    content = load(call("derive", text, "a>2", "--json"))
    assert content["is_exact"] is True
    declared = {p["name"]: p for p in content["activation"]["parameters"]}
    assert declared["a"]["domain"] == "(2, oo)"
    assert declared["lambd"]["domain"] == "(0, oo)", "not declared: positive"
    assert load(call("verify", text, "a>2", "--digits", 15, "--points", 2, "--json"))["passed"] is True


def test_an_integer_parameter_is_drawn_or_given(call: Any) -> None:
    assert load(call("verify", "Max(x, 0)**n", "n in 1..4", "--digits", 15, "--points", 3, "--json"))["passed"] is True
    given = load(call("derive", "Max(x, 0)**n", "n in 1..4", "n=2", "--json"))
    assert given["formulas"]["second_moment"] == "3*q**2/2"
    assert given["activation"]["parameters"][0]["integer"] is True


def test_domains_in_one_word(call: Any, tmp_path: Path) -> None:
    words = "Max(x - a, 0):a in [0, 2),a=1"  # the comma between brackets parts nothing
    assert call("plot", "activations", words, "-o", tmp_path / "p.svg").status == 0


def test_one_picture_of_clipped_and_unclipped_maps(call: Any, tmp_path: Path) -> None:
    out = tmp_path / "maps.svg"
    answer = call("plot", "variance-map", "cst", "soft_threshold", "--sparsity", 0.85, "--target", 0.7, "-o", out)
    assert answer.status == 0
    assert out.stat().st_size > 1000
