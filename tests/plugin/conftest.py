"""A project folder with a few real servers, judged by a handful of checks.

Runs are made in the process of the test where a process of its own is not what is tested: that takes half as long.
``pytest --runpytest=subprocess tests/plugin`` gives each its own all the same.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from projects import CHECKS, INI

# Loaded here once: what a run in this process loads first is forgotten again after it.
LOADED = [
    import_module(name)
    for name in ("mcp_assay.plugin.session", "mcp_assay.plugin.history", "mcp_assay_suites", "mcp_assay_reports")
]

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep runs from taking themselves for workers of the run that tries them: pytest-benchmark would warn of that."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lines with the long paths of these tests stay whole; `test_columns` looks at what is broken, and where."""
    monkeypatch.setenv("COLUMNS", "250")


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
