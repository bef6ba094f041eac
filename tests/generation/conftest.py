"""Schemas that the generation tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.core.json_types import JsonObject

CORPUS = Path(__file__).parent / "corpus"


def published() -> Iterator[tuple[str, JsonObject]]:
    """Yield the input schemas of published servers with ``server.tool`` as their names."""
    for path in sorted(CORPUS.glob("*.json")):
        for tool, schema in json.loads(path.read_text(encoding="utf-8")).items():
            yield f"{path.stem}.{tool}", schema


@pytest.fixture(scope="session")
def corpus() -> dict[str, JsonObject]:
    return dict(published())
