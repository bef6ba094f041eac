"""Reading a configuration file: bounded, regular files only, one clear error otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 4 * 1024 * 1024
"""Bytes of the largest document that is read; real ones have a few kilobytes."""

_EXAMPLE = '{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}'
_ENDINGS = frozenset({".json", ".toml", ".yaml", ".yml"})


def read_servers(path: Path) -> str:
    """Return the text of a document that lists servers; see `read_document` for what it raises."""
    return read_document(path, when_empty=f"the smallest document is {_EXAMPLE}")


def read_document(path: Path, *, when_empty: str = "write what it is for, or leave it out") -> str:
    """Return the text of a document without a byte order mark.

    Args:
        path: The file.
        when_empty: What to do about a file without content.

    Raises:
        ConfigError: The file is missing, a folder or device, unreadable, empty, too large or not UTF-8.
    """
    try:
        data = _bytes(path)
    except FileNotFoundError:
        raise ConfigError("file does not exist", path=path, hint=_near(path)) from None
    except OSError as error:
        raise ConfigError(f"file cannot be read: {error.strerror or error}", path=path) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("file is not UTF-8 text", path=path, line=line, hint="save it as UTF-8") from None
    if not text.strip():
        raise ConfigError("file is empty", path=path, hint=when_empty)
    return text


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file that can be seen; one in a forbidden folder is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def mentions(path: Path, word: bytes) -> bool:
    """Return whether a regular file can be read and holds ``word`` in its first `LARGEST` bytes."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return word in stream.read(LARGEST)
    except (OSError, ValueError):
        return False


def _bytes(path: Path) -> bytes:
    """Return a regular file's content, which must not be larger than `LARGEST`."""
    if path.is_dir():
        raise ConfigError("this is a folder, not a file", path=path, hint="name the configuration file in it")
    if path.exists() and not path.is_file():
        raise ConfigError("this is not a regular file", path=path)
    with path.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ConfigError(
            f"file is larger than {LARGEST // 1024 // 1024} MiB", path=path, hint="is this a client configuration?"
        )
    return data


def _near(path: Path) -> str:
    """Return a hint that names files of the folder which may have been meant."""
    endings = {path.suffix} if path.suffix in _ENDINGS else _ENDINGS
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in endings)
    except OSError:
        return "its folder does not exist either"
    return (
        f"{path.parent} has {', '.join(names[:5])}" if names else "check the path; auto lists the files of this machine"
    )
