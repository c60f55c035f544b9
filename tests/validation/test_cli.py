import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from validation import claims
from validation.__main__ import main
from validation.claims import clipping_rescues_depth as claim
from validation.record import Outcome

ROOT = Path(__file__).parents[2]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Let the claim answer at once, with the verdict asked for."""

    def set_verdict(confirmed: bool) -> None:
        def run(device: torch.device, on_progress: Callable[[int, int], object]) -> Outcome:
            on_progress(1, 1)
            return Outcome({}, [1], {"v": 1}, {"v": 2}, confirmed, [{"variant": "v", "predicted": "yes"}])

        monkeypatch.setattr(claim, "run", run)

    return set_verdict


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert not captured.out
    return captured.err


def test_list_works_from_a_bare_checkout_without_a_warning() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "validation", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    for name in claims.names():
        assert f"{name}\n    {claims.statement(name)}\n" in done.stdout


def test_an_unknown_claim_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(["--claim", "cliping_rescue_depth"], capsys)
    assert "'clipping_rescues_depth'" in message
    assert "clipping_rescues_depth" in refusal(["--claim", "zzz"], capsys)


def test_cuda_where_there_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA device" in refusal(["--smoke", "--device", "cuda"], capsys)


def test_without_torch_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("validation.__main__.find_spec", lambda name: None)
    assert "vmap-theory[train]" in refusal(["--smoke"], capsys)


@pytest.mark.parametrize("arguments", [[], ["--smoke", "--list"], ["--smoke", "--device", "tpu"]])
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "usage" in refusal(arguments, capsys)


def test_a_record_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--record" in refusal(["--smoke", "--record", str(tmp_path / "absent" / "r.json")], capsys)
    assert "--record" in refusal(["--smoke", "--record", str(tmp_path)], capsys)


@pytest.mark.parametrize(("confirmed", "code"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("what", [["--smoke"], ["--claim", "clipping_rescues_depth"]])
def test_exit_code_and_record_follow_the_verdict(
    answer: Callable[[bool], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    confirmed: bool,
    code: int,
    what: list[str],
) -> None:
    answer(confirmed)
    file = tmp_path / "record.json"
    assert main([*what, "--json", "--record", str(file)]) == code
    printed = capsys.readouterr().out
    assert printed == file.read_text()
    record = json.loads(printed)
    assert record["verdict"] == ("confirmed" if confirmed else "refuted")
    assert record["claims"]["clipping_rescues_depth"]["predictions"] == {"v": 1}


def test_the_table_shows_rows_and_verdict(answer: Callable[[bool], None], capsys: pytest.CaptureFixture[str]) -> None:
    answer(False)
    assert main(["--smoke"]) == 1
    out = capsys.readouterr().out
    assert "variant" in out
    assert "predicted" in out
    assert "yes" in out
    assert "clipping_rescues_depth: refuted" in out


def test_ctrl_c_stops_cleanly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def run(device: torch.device, on_progress: Callable[[int, int], object]) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(claim, "run", run)
    assert main(["--smoke", "--record", str(tmp_path / "r.json")]) == 130
    assert "Stopped" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
