"""Writing files so that a reader never sees half of one: write beside the target, then rename."""

from __future__ import annotations

import os
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
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FileOutputError(
            f"cannot write to the folder {folder}: {error.strerror or error}. Choose a folder that can be written."
        ) from None
    return folder


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write `content` to `path` by way of a temporary file in the same folder; missing folders are made.

    Raises
    ------
    FileOutputError
        The folder or the file cannot be written; nothing is left behind.
    """
    target = Path(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        umask = os.umask(0)  # mkstemp makes files private; the user's own mask decides instead
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        raise FileOutputError(
            f"cannot write {target}: {error.strerror or error}. Choose a path that can be written."
        ) from None
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
    return target
