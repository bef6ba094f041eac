"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``: whole or not at all.

    Missing parent folders are made. The text goes to a temporary file in the same folder, reaches the disk and is
    renamed over ``path``; on failure the temporary file is removed and the old content stays. A link is followed,
    and what is no regular file, such as a device or a pipe, is written to and never replaced. An existing file keeps
    its mode, a new one gets what the umask leaves. Characters that UTF-8 cannot hold become escapes.

    Raises:
        OSError: The folder cannot be written, the disk is full, or the like.
    """
    content = text.encode("utf-8", "backslashreplace")
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(content)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    _replace(target, content)


def _replace(target: Path, content: bytes) -> None:
    """Write ``content`` beside ``target`` and rename it over that."""
    temporary = target.parent / f".mcp-assay-{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if target.is_file():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
