import json
import math
import os
import platform
from pathlib import Path

import pytest
import torch

import vmap_theory as vt
from validation.record import Outcome, code_hash, compose, dumps, save


def outcome(confirmed: bool = True) -> Outcome:
    return Outcome({"depth": 2}, [1, 2], {"a": {"trains": True}}, {"a": {"trained": 2}}, confirmed, [])


def test_round_trip(tmp_path: Path) -> None:
    record = compose({"some claim": outcome()}, torch.device("cpu"), 1.234)
    save(record, tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text()) == record
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_record_says_what_where_and_with_what() -> None:
    record = compose({"some claim": outcome()}, torch.device("cpu"), 1.234)
    assert record["versions"]["python"] == platform.python_version()
    assert record["versions"]["vmap_theory"] == vt.__version__
    assert record["versions"]["torch"] == str(torch.__version__)
    assert record["device"]["kind"] == "cpu"
    assert record["wall_seconds"] == 1.23
    assert record["claims"]["some claim"] == {
        "verdict": "confirmed",
        "parameters": {"depth": 2},
        "seeds": [1, 2],
        "predictions": {"a": {"trains": True}},
        "observations": {"a": {"trained": 2}},
    }
    assert record["code_sha256"] == code_hash()


def test_code_hash_changes_with_any_source_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validation.record.__file__", str(tmp_path / "record.py"))
    hashes = [code_hash(), code_hash()]
    assert hashes[0] == hashes[1]
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "one.py").write_text("x = 1\n")
    hashes.append(code_hash())
    (tmp_path / "claims" / "one.py").write_text("x = 2\n")
    hashes.append(code_hash())
    (tmp_path / "claims" / "one.py").rename(tmp_path / "claims" / "two.py")
    hashes.append(code_hash())
    assert len(set(hashes)) == 4


def test_one_refuted_claim_refutes_the_run() -> None:
    record = compose({"a": outcome(), "b": outcome(confirmed=False)}, torch.device("cpu"), 1.0)
    assert record["verdict"] == "refuted"
    assert record["claims"]["a"]["verdict"] == "confirmed"


def test_nan_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    save({"fine": 1}, path)
    with pytest.raises(ValueError, match="JSON compliant"):
        save({"bad": math.nan}, path)
    assert json.loads(path.read_text()) == {"fine": 1}


@pytest.mark.parametrize("last_call", ["fsync", "replace"])
def test_a_write_that_breaks_off_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last_call: str
) -> None:
    path = tmp_path / "record.json"
    save({"old": 1}, path)

    def full(*arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, last_call, full)
    with pytest.raises(OSError, match="No space"):
        save({"new": 2}, path)
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
    assert json.loads(path.read_text()) == {"old": 1}


def test_dumps_ends_with_a_newline() -> None:
    assert dumps({"a": 1}) == '{\n "a": 1\n}\n'
