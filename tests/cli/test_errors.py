"""Mistakes on the command line: one line on standard error, status 2, and nothing written."""

from pathlib import Path
from typing import Any

import pytest


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
        (("clip", "crelu", "--sparsity", "0.97", "--criterion", "inflection"), "0.958368"),
        (("clip", "crelu", "--sparsity", "0.5", "--criterion", "saddle-node"), "V is concave"),
        (("clip", "crelu", "--sparsity", "0.85", "--criterion", "finite-width"), "needs width"),
        (("clip", "crelu", "--sparsity", "0.85", "--width", "9"), "does not belong to criterion 'slope'"),
        (("clip", "crelu", "--sparsity", "0.85", "--criterion", "inflection", "--target", "0.5"), "target"),
        (("clip", "crelu", "--sparsity", "0.85", "--target", "1"), "target"),
        (("eoc", "tanh", "--sigma-b", "0.2", "--q-star", "1"), "--q-star does not go with --sigma-b"),
        (("eoc", "relu_tau", "--sigma-b", "0.2", "--sparsity", "0.8"), "--sparsity does not go with --sigma-b"),
        (("eoc", "relu", "--sigma-b", "0.2"), "homogeneous"),
        (("eoc", "tanh", "--sigma-b", "-1"), "sigma_b"),
        (("q-star", "crelu", "tau=1"), "m"),
        (("q-star", "crelu", "--hold", "parmeters"), "parameters"),
        (("q-star", "crelu", "tau=1", "--hold", "threshold-and-slope"), "needs a value for slope"),
        (("q-star", "crelu", "m=1", "--hold", "threshold-and-slope", "--slope", "0.7"), "tau"),
        (("q-star", "tanh", "--hold", "sparsity-and-slope", "--slope", "0.7", "--sparsity", "0.8"), "threshold"),
        (("q-star", "tanh", "--q-star", "0"), "q_star"),
        (("trainability", "crelu", "--width", "9", "--depth", "3"), "tau"),
        (("trainability", "hardtanh", "--width", "1", "--depth", "3"), "width"),
        (("trainability", "hardtanh", "--width", "9", "--depth", "0"), "depth"),
        (("trainability", "hardtanh", "--width", "9", "--depth", "3", "--library", "jax"), "Known: numpy, torch"),
        (("trainability", "hardtanh", "--width", "9", "--depth", "3", "--device", "cpu"), "library='torch'"),
        (("trainability", "hardtanh", "--width", "9", "--depth", "3", "--sigma-w2", "2"), "--q-0"),
        (("trainability", "hardtanh", "--width", "9", "--depth", "3", "--sigma-b2", "2"), "--sigma-w2"),
        (("trainability", "tanh", "--width", "9", "--depth", "3", "--sigma-w2", "2", "--q-star", "1"), "--q-star"),
        (("trainability", "tanh", "--width", "9", "--depth", "3", "--target", "0.5"), "--sparsity"),
        (("trainability", "hard_threshold", "tau=1", "--width", "9", "--depth", "3"), "jumps"),
        (
            ("trainability", "relu_tau", "--width", "9", "--depth", "3", "--sparsity", "0.8", "--target", "0.5"),
            "no free clipping level",
        ),
        (("phase-diagram", "tanh"), "threshold"),
        (("phase-diagram", "cst", "--variances"), "tau"),
        (("phase-diagram", "cst", "--m", "3", "1", "10"), "ascending"),
        (("phase-diagram", "cst", "--m", "nan", "1", "10"), "LOW of --m"),
        (("phase-diagram", "cst", "--m", "0", "1", "10"), "clipping levels > 0"),
        (("phase-diagram", "cst", "--sparsity", "0.5", "1", "10"), "strictly between 0 and 1"),
        (("phase-diagram", "cst", "--m", "1", "2", "0"), "COUNT of --m"),
        (("phase-diagram", "cst", "--m", "1", "1", "1", "-o", "p.png"), "from 2"),
        (("phase-diagram", "cst", "--q-star", "-1"), "q_star"),
        (("phase-diagram", "tanh", "--variances", "--q-star", "1"), "--q-star does not go with --variances"),
        (("phase-diagram", "tanh", "--variances", "--m", "1", "2", "3"), "--m does not go with --variances"),
        (("phase-diagram", "cst", "--sigma-w", "1", "2", "3"), "--sigma-w goes with --variances"),
        (("phase-diagram", "cst", "--width", "9"), "--width goes with --depth"),
        (("phase-diagram", "cst", "--exact-scores"), "--width and --depth"),
        (("phase-diagram", "cst", "--workers", "2"), "--workers goes with --exact-scores"),
        (("phase-diagram", "cst", "--width", "9", "--depth", "3", "--seed", "1"), "--seed goes with --exact-scores"),
        (("phase-diagram", "cst", "-o", "t.txt"), ".csv, .npz, .png, .svg, .pdf"),
        (("plot", "clipping-levels", "cst", "--depth", "3", "-o", "p.png"), "--depth goes with --width"),
        (("plot", "chains", "tanh", "--target", "0.7", "--width", "9", "--depth", "3", "-o", "p.png"), "--sparsity"),
        (("plot", "phase-diagram", "cst", "--depth", "3", "-o", "p.png"), "--depth goes with --width"),
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
