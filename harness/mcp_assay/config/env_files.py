"""Files of ``NAME=value`` lines that a server's entry names.

They are read when the server is started. A file outside the folder that the user can see in the entry is refused,
whether it is reached by ``..`` or by a symbolic link, so that a changed configuration cannot quietly hand another
project's secrets to a server.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from dotenv.parser import parse_stream

from mcp_assay.core.errors import ConfigError

LARGEST = 256 * 1024
"""Bytes an env file may have."""


def read_env_file(name: str, folder: Path, place: tuple[Path | str, int | None, int | None]) -> dict[str, str]:
    """Return the variables in an env file; references between them are left as they are.

    Args:
        name: The file as configured, all references looked up.
        folder: What a relative name is relative to.
        place: Document, line and column of the entry, for errors.

    Raises:
        ConfigError: The file is missing, no small text file, lies outside, or has a line that cannot be understood.
    """
    path = folder / Path(name).expanduser()
    if "\0" in name:
        raise _error("name of an env file holds a NUL character", place, None)
    _refuse_outside(name, path, folder, place)
    text = _text(path, place)
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise ConfigError(
                "line is not NAME=value", path=path, line=binding.original.line, hint="comments start with #"
            )
        if binding.key and binding.value is not None:
            found[binding.key] = binding.value
    return found


def _refuse_outside(name: str, path: Path, folder: Path, place: tuple[Path | str, int | None, int | None]) -> None:
    """Raise `ConfigError` for a name with ``..`` or a link to somewhere else.

    A relative file must lie in the entry's folder, an absolute one in the folder it names.
    """
    if ".." in Path(name).parts:
        raise _error(f"env file {name} goes up with '..'", place, "write the absolute path of the file")
    base = path.parent if Path(name).expanduser().is_absolute() else folder
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(base)):
        raise _error(f"env file {name} is a link that leaves {base}", place, "name the file it points to")


def _text(path: Path, place: tuple[Path | str, int | None, int | None]) -> str:
    """Return the file's text."""
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > LARGEST):
            raise _error(f"env file {path} is no file of at most {LARGEST // 1024} KiB", place, None)
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _error(f"env file {path} does not exist", place, "create it, or remove the entry") from None
    except UnicodeDecodeError:
        raise _error(f"env file {path} is not UTF-8 text", place, None) from None
    except OSError as error:
        raise _error(f"env file {path} cannot be read: {error.strerror}", place, None) from None


def _error(message: str, place: tuple[Path | str, int | None, int | None], hint: str | None) -> ConfigError:
    document, line, column = place
    return ConfigError(message, path=document, line=line, column=column, hint=hint)
