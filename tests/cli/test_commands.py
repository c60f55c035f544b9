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


def test_typer_runner_sees_the_same_app() -> None:
    result = CliRunner().invoke(app, ["list", "--json"])
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["activations"]) == len(vt.family_names())


def test_list(call: Any, load: Any) -> None:
    content = load("list")["activations"]
    assert [entry["name"] for entry in content] == list(vt.family_names())
    plain = {"name", "title", "expression", "parameters", "values", "source"}
    assert set(content[0]) == plain | {"torch", "limits", "penalty", "is_exact"}
    text = call("list")
    assert all(name in text.out for name in vt.family_names())
    assert "[0, oo)" in text.out, "brackets of intervals are no markup"


def test_list_says_what_each_family_is_related_to(call: Any, load: Any) -> None:
    entries = {entry["name"]: entry for entry in load("list")["activations"]}
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


def test_derive(call: Any, load: Any) -> None:
    content = load("derive", "crelu")
    assert set(content["formulas"]) == set(content["latex"]) == set(QUANTITIES)
    assert content["is_exact"] is True
    assert content["sha256"] == vt.derive(vt.activation("crelu")).digest
    assert "erfc" in content["formulas"]["V"]
    printed = call("derive", "crelu").out.rstrip()
    assert printed.endswith("\n" + vt.derive(vt.activation("crelu")).text())
    assert printed.splitlines()[1:3] == ["for          tau in [0, oo)", "for          m in (0, oo)"]
    assert call("derive", "crelu", "--latex").out.rstrip() == vt.derive(vt.activation("crelu")).latex()


def test_derive_with_numbers_and_with_an_expression(load: Any) -> None:
    named = load("derive", "relu_tau", "tau=1/3")
    written = load("derive", "Max(x - tau, 0)", "tau=1/3")
    assert named["formulas"] == written["formulas"]
    assert "tau" not in named["formulas"]["V"]


def test_verify(call: Any, load: Any) -> None:
    content = load("verify", "crelu", "tau=1", "--digits", 20, "--points", 2)
    assert content["passed"] is True
    (report,) = content["reports"]
    assert set(report) == {"activation", "digits", "method", "passed", "comparisons", "max_relative_error"}
    assert report["method"] == "closed form"
    assert (report["digits"], report["comparisons"]) == (20, 14)
    assert "verified at 10 digits" in call("verify", "relu", "--digits", 10).out


def test_verify_says_where_there_is_no_closed_form(call: Any, load: Any) -> None:
    arguments = ("verify", "tanh", "--digits", 10, "--points", 1)
    assert load(*arguments)["reports"][0]["method"] == "two quadratures"
    assert "no closed form: two quadratures" in call(*arguments).out


def test_verify_asks_balls_too(load: Any) -> None:
    pytest.importorskip("flint")
    report = load("verify", "crelu", "--balls", "--digits", 15, "--points", 1)["reports"][0]
    assert report["passed"] is True


def test_derive_says_where_there_is_no_closed_form(call: Any, load: Any) -> None:
    called = call("derive", "tanh")
    assert "Integral" in called.out
    assert "no closed form is known" in called.err
    assert call("derive", "gelu").err == ""
    assert load("derive", "tanh")["is_exact"] is False


def test_verify_all(load: Any) -> None:
    content = load("verify", "--all", "--workers", 2, "--digits", 12, "--points", 1)
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


def test_eoc(call: Any, load: Any) -> None:
    content = load("eoc", "leaky_relu", "negative_slope=0.5")
    assert content["sigma_w2"] == pytest.approx(1.6)
    assert content["fixed_points"] == []
    assert "no fixed point is isolated" in content["note"]
    content = load("eoc", "relu_tau", "--sparsity", 0.85, "--q-star", 2)
    assert content["q_star"] == 2
    assert content["slope"] == pytest.approx(1)
    assert content["parameters"]["tau"] == pytest.approx(vt.threshold_for_sparsity("relu_tau", 0.85, 2))
    text = call("eoc", "hardtanh").out
    assert "1.464794" in text
    assert "fixed point  q = 1" in text


def test_eoc_of_an_activation_without_a_closed_form(load: Any) -> None:
    content = load("eoc", "tanh")
    expected = vt.edge_of_chaos("tanh")
    assert (content["sigma_w2"], content["sigma_b2"]) == (expected.sigma_w2, expected.sigma_b2)
    shifted = load("eoc", "Max(tanh(x - tau), 0)", "tau>=0", "--sparsity", 0.8)
    assert shifted["sparsity"] == pytest.approx(0.8)


def test_clip(call: Any, load: Any) -> None:
    content = load("clip", "crelu", "--sparsity", 0.85, "--target", 0.5)
    assert {"m", "tau", "sigma_w2", "sigma_b2", "q_star", "criterion", "fixed_points"} <= set(content)
    assert (content["m"], content["tau"]) == pytest.approx((0.8095, 1.0364), abs=5e-5)
    assert content["criterion"] == "slope"
    (point,) = content["fixed_points"]
    assert {"q", "lower", "upper", "slope", "chi_1", "stability", "basin", "error_bound"} <= set(point)
    assert point["basin"] == [0, None]
    assert content["is_complete"] is True
    three = load("clip", "cst", "--sparsity", 0.85, "--target", 0.9)["fixed_points"]
    assert [p["stability"] for p in three] == ["stable", "unstable", "stable"]
    text = call("clip", "crelu", "--sparsity", 0.85).out
    assert "0.8095281637" in text


def test_fixed_points(call: Any, load: Any) -> None:
    content = load("fixed-points", "relu", "--sigma-w2", 3, "--sigma-b2", 1)
    assert content["fixed_points"] == []
    assert (content["diverges"], content["collapses"], content["is_complete"]) == (True, False, True)
    text = call("fixed-points", "hardtanh", "--sigma-w2", 0.5).out
    assert "V(q) < q for all small q" in text
    (point,) = load("fixed-points", "tanh", "--sigma-w2", 1.5, "--sigma-b2", 0.05)["fixed_points"]
    assert point["q"] == pytest.approx(0.41803720, abs=1e-8)


def test_clip_an_expression_with_domains(load: Any) -> None:
    expected = load("clip", "crelu", "--sparsity", 0.85)
    found = load("clip", "Min(Max(x - tau, 0), m)", "tau>=0", "m in (0, oo)", "--sparsity", 0.85)
    assert (found["tau"], found["m"]) == pytest.approx((expected["tau"], expected["m"]))


def test_numbers_in_json_are_complete(load: Any) -> None:
    clip = vt.clipping_level("crelu", 0.85, target=0.7)
    content = load("clip", "crelu", "--sparsity", 0.85, "--target", 0.7)
    assert (content["m"], content["sigma_w2"], content["sigma_b2"]) == (clip.m, clip.sigma_w2, clip.sigma_b2)


TABLE = ("table", "--family", "crelu", "--family", "relu_tau", "--sparsity", 0.85, "--target", 0.5, "--digits", 10)


def test_table(call: Any, load: Any, tmp_path: Path) -> None:
    content = load(*TABLE)
    assert [row["family"] for row in content["rows"]] == ["crelu", "relu_tau"]
    text = call(*TABLE).out
    assert "0.8095281637" in text
    assert "fixed points" in text
    for suffix in (".json", ".csv"):
        called = call(*TABLE, "--out", tmp_path / f"t{suffix}")
        assert (called.status, called.out) == (0, "")
        assert "wrote" in called.err
        assert len(vt.read_eoc_table(tmp_path / f"t{suffix}").rows) == 2


def test_table_of_columns(call: Any, load: Any, tmp_path: Path) -> None:
    called = call(*TABLE, "--sparsity", "0.3", "--out", tmp_path / "t.npz")
    assert (called.status, called.out.strip()) == (0, "4 rows, 2 of them with an edge of chaos")
    columns = vt.read_eoc_columns(tmp_path / "t.npz")
    rows = load(*TABLE)["rows"]
    np.testing.assert_allclose(columns["sigma_w2"][columns.feasible], [row["sigma_w2"] for row in rows], rtol=1e-14)
    assert load(*TABLE, "--out", tmp_path / "t.npz") == {"rows": 2, "feasible": 2}


@pytest.mark.parametrize(
    "arguments",
    [
        ("activations", "crelu:tau=1,m=0.5", "relu"),
        ("variance-map", "cst", "--sparsity", "0.85", "--target", "0.9"),
        ("variance-map", "relu_tau:tau=1", "--q-max", "3"),
        ("slope", "crelu", "--sparsity", "0.7"),
        ("eoc", "crelu:tau=1,m=0.5", "hardtanh"),
        ("clipping-levels", "cst", "--sparsity", "0.6", "0.9", "5"),
        (
            "clipping-levels",
            "crelu:",
            "--sparsity",
            "0.7",
            "0.8",
            "2",
            "--width",
            "20",
            "--depth",
            "3",
            "--chains",
            "80",
        ),
        ("chains", "cst", "soft_threshold", "--sparsity", "0.85", "--width", "20", "--depth", "3", "--chains", "20"),
        ("chains", "hardtanh", "--q-star", "2", "--width", "20", "--depth", "3", "--chains", "20"),
        ("q-star", "cst", "--q-star", "2"),
        ("phase-diagram", "cst", "--sparsity", "0.6", "0.9", "4", "--m", "1", "3", "4", "--width", "9", "--depth", "2"),
        ("phase-diagram", "hardtanh", "--variances", "--sigma-w", "0.5", "2", "4", "--sigma-b", "0", "1", "3"),
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_plot(arguments: tuple[str, ...], call: Any, load: Any, tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    assert load("plot", *arguments, "--out", path) == {"file": str(path)}
    assert path.read_text().rstrip().endswith("</svg>")
    text = call("plot", *arguments, "-o", tmp_path / "again.png")
    assert text.out.startswith("wrote ")


def test_version_and_help(call: Any) -> None:
    assert call("--version").out.strip() == vt.__version__
    commands = ["list", "derive", "verify", "eoc", "fixed-points", "clip", "q-star", "trainability", "phase-diagram"]
    for command in (*commands, "table", "demo", "plot"):
        called = call(command, "--help")
        assert called.status == 0
        assert "--json" in called.out or command == "plot"
        assert command in call("-h").out


def test_verify_draws_customary_parameters_too(load: Any) -> None:
    report = load("verify", "hardtanh", "--digits", 10, "--points", 1)["reports"][0]
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


def test_an_activation_never_seen_before_with_domains(call: Any, load: Any) -> None:
    text = "Piecewise((0, x < 2*lambd), (x - lambd, x < a*lambd), (2*x, True))"
    undeclared = call("derive", text)
    assert undeclared.status == 2
    assert "order of the break points" in undeclared.err
    content = load("derive", text, "a>2")
    assert content["is_exact"] is True
    declared = {p["name"]: p for p in content["activation"]["parameters"]}
    assert declared["a"]["domain"] == "(2, oo)"
    assert declared["lambd"]["domain"] == "(0, oo)", "not declared: positive"
    assert load("verify", text, "a>2", "--digits", 15, "--points", 2)["passed"] is True


def test_an_integer_parameter_is_drawn_or_given(load: Any) -> None:
    assert load("verify", "Max(x, 0)**n", "n in 1..4", "--digits", 15, "--points", 3)["passed"] is True
    given = load("derive", "Max(x, 0)**n", "n in 1..4", "n=2")
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
