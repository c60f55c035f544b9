"""Writing by rename: the old file or the new one, never half of one, and nothing left beside it."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from vmap_theory.errors import FileOutputError, VmapTheoryError
from vmap_theory.files import write_atomically


def refuse(*arguments: Any, **options: Any) -> None:
    raise OSError(28, "No space left on device")


def test_writes_text_and_bytes(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "a.txt", "τ = 1\n") == tmp_path / "a.txt"
    assert (tmp_path / "a.txt").read_bytes() == "τ = 1\n".encode()
    write_atomically(str(tmp_path / "new" / "folder" / "b"), b"\x00\xff")
    assert (tmp_path / "new" / "folder" / "b").read_bytes() == b"\x00\xff"


def test_replaces_what_was_there(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "a long first content")
    write_atomically(tmp_path / "a", "short")
    assert (tmp_path / "a").read_text() == "short"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("step", ["os.replace", "os.fdopen", "os.open"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(f"vmap_theory.files.{step}", refuse)
    with pytest.raises(FileOutputError, match="No space left") as caught:
        write_atomically(tmp_path / "a", "new")
    monkeypatch.undo()
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, VmapTheoryError)
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileOutputError, match="cannot write"):
        write_atomically(tmp_path / "file" / "a", "x")
    with pytest.raises(FileOutputError):
        write_atomically(tmp_path, "x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_existing_file_keeps_its_permissions_and_a_link_its_target(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    target.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_unusable_paths_are_our_error() -> None:
    with pytest.raises(FileOutputError):
        write_atomically("a\0b", "x")


def test_a_loop_of_links_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FileOutputError):
        write_atomically(tmp_path / "loop", "x")
