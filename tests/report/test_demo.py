"""The demo report: one page that needs nothing else, and says what was found."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import vmap_theory as vt
from tests.report.records import training_record
from vmap_theory.errors import DomainError, FileOutputError
from vmap_theory.report import demo, write_demo_report
from vmap_theory.report.training import TrainingOutcome

VOID = {"meta", "img", "br", "hr", "input", "link", "mspace"}


class Page(HTMLParser):
    """Collects addresses and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return write_demo_report(tmp_path_factory.mktemp("demo") / "new", train=False)


@pytest.fixture(scope="module")
def text(result: Any) -> str:
    content: str = result.report.read_text(encoding="utf-8")
    return content


def test_files(result: Any) -> None:
    assert {path.name for path in result.report.parent.iterdir()} == {"report.html", "eoc-table.json", "eoc-table.csv"}
    assert vt.read_eoc_table(result.table_json) == vt.read_eoc_table(result.table_csv)
    assert {row.family for row in vt.read_eoc_table(result.table_json).rows} == {
        "crelu",
        "relu_tau",
        "cst",
        "soft_threshold",
    }


def test_result(result: Any) -> None:
    assert result.verified is True
    assert result.passed is True
    assert result.training.startswith("not run")
    assert "verified at 50 digits" in result.summary()
    assert result.as_dict()["report"] == str(result.report)


def test_page_needs_nothing_from_outside(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert page.addresses
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert not re.search(r"@import|url\(\s*['\"]?http", text)


def test_page_holds_formulas_pictures_and_tables(text: str) -> None:
    page = Page(text)
    assert page.tags.count("math") >= 2 * (1 + 5) + 2
    assert page.tags.count("img") >= 2 * 3 + 1
    assert page.tags.count("table") >= 2
    for family in ("crelu", "cst", "relu_tau", "soft_threshold"):
        assert family in text
    for level in ("0.8095", "8.5069", "0.6605", "1.0364", "5.3400 stable", "1.2634 unstable"):
        assert level in text


def test_page_says_what_was_verified(text: str) -> None:
    assert len(re.findall(r"\bVerified at 50 digits", text)) == 2
    assert "NOT verified" not in text
    assert "2 of 2" in text
    assert "No nets were trained" in text


def test_page_names_versions_and_formulas(text: str) -> None:
    assert f"vmap-theory {vt.__version__}" in text
    assert vt.derive(vt.family("cst")).digest[:16] in text


def rendered(outcome: TrainingOutcome, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    """The report with a given training outcome, and without the slow parts that other tests look at."""
    monkeypatch.setattr(demo, "train_nets", lambda on_wait: outcome)
    monkeypatch.setattr(demo, "DIGITS", 10)
    monkeypatch.setattr(demo, "PAIRS", (("cst", "soft_threshold"),))
    result = write_demo_report(folder, train=True)
    return result, result.report.read_text(encoding="utf-8")


@pytest.mark.parametrize("verdict", ["confirmed", "refuted"])
def test_training_verdict_is_shown(verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, text = rendered(TrainingOutcome(training_record(verdict)), tmp_path, monkeypatch)
    assert result.training == verdict
    assert result.passed is (verdict == "confirmed")
    css = "good" if verdict == "confirmed" else "bad"
    assert f'<span class="{css}">{verdict}</span>' in text
    assert f"<b>{verdict}</b>" in text
    other = "refuted" if verdict == "confirmed" else "confirmed"
    assert other not in text
    for shown in (
        "slope 0.7",
        "slope 0.95",
        "unclipped",
        "9.0000 stable",
        "2 of 2",
        "0 of 2",
        "trains",
        "fails",
        "no net finite",
        "0.82 (0.80",
    ):
        assert shown in text
    assert 'alt="Test accuracy and sparsity during training"' in text


def test_a_training_run_that_failed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, text = rendered(TrainingOutcome(None, "the run <ended> early"), tmp_path, monkeypatch)
    assert result.training == "not run: the run <ended> early"
    assert "the run &lt;ended&gt; early" in text


def test_a_failed_verification_is_shown_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = vt.VerificationReport(
        "cst", 50, False, 0.25, (vt.VerificationRow("dV", {}, "closed form", "1", "2", 0.25),)
    )
    monkeypatch.setattr(demo, "verify", lambda *arguments, **options: wrong)
    result, text = rendered(TrainingOutcome(None, "off."), tmp_path, monkeypatch)
    assert result.passed is False
    assert "NOT verified" in text
    assert "0 of 1" in text
    assert "FAILED" in result.summary()


def test_progress_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(demo, "PAIRS", (("crelu", "relu_tau"),))
    monkeypatch.setattr(demo, "DIGITS", 10)
    write_demo_report(tmp_path, train=False, on_progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize("sparsity", [0.0, 1.0, float("nan")])
def test_bad_sparsity(sparsity: float, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="sparsity"):
        write_demo_report(tmp_path / "new", sparsity=sparsity, train=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileOutputError):
        rendered(TrainingOutcome(None, "off."), tmp_path / "file", monkeypatch)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
