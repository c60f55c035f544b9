"""Writing files so that a reader never sees half of one: write beside the target, then rename."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from .errors import FileOutputError


def require_writable_folder(path: str | os.PathLike[str]) -> Path:
    """Make the folder `path` if it is missing and see that files can be written there, before long work starts.

    Raises
    ------
    FileOutputError
        They cannot.
    """
    try:
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        raise FileOutputError(
            f"cannot write to the folder {path}: {getattr(error, 'strerror', None) or error}. "
            "Choose a folder that can be written."
        ) from None
    return folder


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write `content` to `path` by way of a temporary file in the same folder; missing folders are made.

    Raises
    ------
    FileOutputError
        The folder or the file cannot be written; nothing is left behind.
    """
    try:
        target = Path(path).resolve()  # through a link: what it points to is replaced, not the link
        data = content.encode() if isinstance(content, str) else content
        temporary = target.with_name(f".{target.name[:80]}.{os.getpid()}.{secrets.token_hex(4)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            # O_EXCL and the user's own umask; an existing file keeps its permissions.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o777)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or error
        raise FileOutputError(f"cannot write {path}: {reason}. Choose a path that can be written.") from None
    return Path(path)
