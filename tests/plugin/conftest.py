"""A project folder with a few real servers, judged by a handful of checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from projects import CHECKS, INI

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def project(pytester: pytest.Pytester) -> Callable[..., pytest.Pytester]:
    """Return a function that writes servers.json and the checks to judge by."""

    def write(
        servers: dict[str, object], checks: tuple[str, ...] = ("reachable", "listed", "answered")
    ) -> pytest.Pytester:
        pytester.makefile(".json", servers=json.dumps({"mcpServers": servers}, indent=2))
        pytester.makeconftest(CHECKS + f"\nNAMES = {checks!r}\n")
        pytester.makefile(".ini", pytest=INI)
        return pytester

    return write
