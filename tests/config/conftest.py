"""Writing documents and reading what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from mcp_assay.config.loader import load
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec


class Read(Protocol):
    """Writes a document and returns its servers."""

    def __call__(self, text: str, name: str = "servers.json", dialect: str | None = None) -> tuple[ServerSpec, ...]: ...


class Refuse(Protocol):
    """Writes a document and returns the error that reading it ends with."""

    def __call__(self, text: str, name: str = "servers.json", dialect: str | None = None) -> ConfigError: ...


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that reads a text as a document of that name."""

    def inner(text: str, name: str = "servers.json", dialect: str | None = None) -> tuple[ServerSpec, ...]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return load(path, config_id=name, dialect=dialect, platform="linux")

    return inner


@pytest.fixture
def refuse(read: Read) -> Refuse:
    """Return a function that reads a text which must be refused."""

    def inner(text: str, name: str = "servers.json", dialect: str | None = None) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            read(text, name, dialect)
        return caught.value

    return inner
