"""Servers that never become ready: what the user is told, and that nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.wire.connect import Connector

pytestmark = pytest.mark.asyncio

STARTS = [
    ("exit-at-once", "exited", "the server exited with status 3 before it was ready: fatal: cannot open the database"),
    ("exit-silently", "exited", "the server exited with status 0 before it was ready"),
    ("start-not-installed", "not-installed", "a program, package or file is not installed: "),
    ("start-npm-not-found", "not-installed", "npm error code E404"),
    ("start-wrong-arguments", "wrong-arguments", "its command line is wrong: acme-mcp: error: unrecognized"),
    ("start-usage", "wrong-arguments", "its command line is wrong: Usage: acme-mcp"),
    ("start-missing-variable", "unset-variable", "ACME_API_KEY environment variable is required"),
    ("start-needs-credentials", "missing-credentials", "401 Unauthorized: the token is invalid or has expired"),
    ("start-traceback", "exited", "before it was ready: TypeError: main() missing 1 required"),
    ("start-crash", "killed", "the server was killed by SIGSEGV before it was ready"),
    ("start-slow=600000", "start-timeout", "the server did not become ready: no answer to initialize within 0.7 s"),
    (
        "exit-in-handshake",
        "exited",
        "status 7 before it was ready: handshake failed: no license",
    ),
    ("never-answer=initialize", "start-timeout", "the server did not become ready: no answer to initialize"),
    ("speaks-no-mcp", "speaks-no-mcp", "prints text instead of MCP messages to stdout: 'Server running at"),
    ("lsp-framing", "speaks-no-mcp", "prints text instead of MCP messages to stdout: 'Content-Length: "),
    ("utf16", "speaks-no-mcp", "prints text instead of MCP messages"),
    ("noise-glued", "unreadable", "'ready> ' stands before it on the same line"),
    ("echo-input", "speaks-no-mcp", "the server sent our own request back"),
    ("lying-version", "other-era", "initialize offers protocol version '2099-01-01', which is no released"),
]
HINTED = {
    "not-installed", "wrong-arguments", "unset-variable", "missing-credentials", "start-timeout", "speaks-no-mcp",
    "other-era", "unreadable", "exited",
}  # fmt: skip


@pytest.mark.parametrize(("fault", "kind", "message"), STARTS, ids=[start[0] for start in STARTS])
async def test_a_server_that_never_becomes_ready_is_told_by_its_cause(
    connector: Connector, impatient: Connector, raw: Callable, fault: str, kind: str, message: str
) -> None:
    patience = impatient if kind in {"start-timeout", "speaks-no-mcp"} else connector
    with pytest.raises(ConnectError) as caught:
        await patience.open_session(raw(fault))
    assert message in caught.value.fault.message
    assert caught.value.fault.kind.value == kind
    assert caught.value.fault.hint is not None or kind not in HINTED
    assert "\n" not in caught.value.fault.message


async def test_the_last_words_on_stderr_come_with_the_fault(hurried: Connector, raw: Callable) -> None:
    with pytest.raises(ConnectError) as caught:
        await hurried.open_session(raw("start-traceback"))
    assert caught.value.fault.stderr_tail.startswith("Traceback")
    assert caught.value.fault.exit_code == 1


@pytest.mark.parametrize("pinned", ["2025-11-25", "2026-07-28"])
async def test_a_server_of_the_other_era_says_so(hurried: Connector, raw: Callable, pinned: str) -> None:
    era = "stateless" if pinned == "2025-11-25" else "handshake"
    with pytest.raises(ConnectError) as caught:
        await hurried.open_session(raw(options=("--era", era)), protocol=pinned)
    assert caught.value.fault.kind.value in {"other-era", "protocol"}
    session = await hurried.open_session(raw(options=("--era", era)))
    assert session.agreement.era.value == era
    await session.close()
