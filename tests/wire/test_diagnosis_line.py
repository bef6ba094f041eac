"""The line that names the problem, out of a server's last words."""

from __future__ import annotations

import pytest

from mcp_assay.wire.diagnosis import telling_line

GO = """\
panic: no podman implementation available: api (not available), cli (not available)

goroutine 1 [running]:
main.main()
\t/home/runner/main.go:6 +0x1b
"""
NODE = """\
Starting Docker MCP Server...
Failed to register tools: Error: Docker daemon is not accessible
    at Server.test (file:///srv/dist/server.js:52:19)
    at async main (file:///srv/dist/index.js:27:9)

Node.js v20.20.2
"""
PYTHON = """\
Traceback (most recent call last):
  File "server.py", line 3, in <module>
    raise RuntimeError("no board")
RuntimeError: no board
"""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (GO, "panic: no podman implementation available: api (not available), cli (not available)"),
        (NODE, "Failed to register tools: Error: Docker daemon is not accessible"),
        (PYTHON, "RuntimeError: no board"),
        ("listening\nconfiguration is empty\n", "configuration is empty"),
        ("", ""),
    ],
    ids=["go", "node", "python", "plain", "silent"],
)
def test_the_line_that_names_the_problem_is_found(words: str, line: str) -> None:
    assert telling_line(words.splitlines()) == line
