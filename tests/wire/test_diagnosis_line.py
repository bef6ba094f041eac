"""The line that names the problem, out of a server's last words."""

from __future__ import annotations

import pytest

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.diagnosis import explain_start_failure, telling_line
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.log import WireLog

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


COBRA = """\
Error: unable to create target provider: no current-context is set
Usage:
  acme-mcp [command] [options] [flags]
Flags:
  --version   Print version information and quit
"""
CLICK = """\
Usage: acme-mcp [OPTIONS]
Try 'acme-mcp --help' for help.

Error: {}
"""
BINDINGS = """\
Failed to connect: Error: Could not locate the bindings file. Tried:
 → /srv/build/better_sqlite3.node
"""


@pytest.mark.parametrize(
    ("words", "kind", "told"),
    [
        (COBRA, FaultKind.EXITED, "before it was ready: Error: unable to create target provider: no current-context"),
        (CLICK.format("In-memory databases need --rw."), FaultKind.EXITED, "ready: Error: In-memory databases need"),
        (CLICK.format("No such option: --rw"), FaultKind.WRONG_ARGUMENTS, "is wrong: Error: No such option: --rw"),
        ("error: unexpected argument '--rw' found\n", FaultKind.WRONG_ARGUMENTS, "unexpected argument '--rw' found"),
        ("flag provided but not defined: -rw\n", FaultKind.WRONG_ARGUMENTS, "flag provided but not defined: -rw"),
        (
            "Usage: acme-mcp <folder>\n",
            FaultKind.WRONG_ARGUMENTS,
            "its command line is wrong: Usage: acme-mcp <folder>",
        ),
        (BINDINGS, FaultKind.NOT_INSTALLED, "Error: Could not locate the bindings file"),
    ],
    ids=["cobra", "click", "click-option", "clap", "go-flag", "usage-alone", "bindings"],
)
def test_how_a_program_is_used_explains_nothing_where_it_tells_an_error(words: str, kind: FaultKind, told: str) -> None:
    fault = Fault(kind=FaultKind.EXITED, message="the server exited with status 1", exit_code=1, stderr_tail=words)
    explained = explain_start_failure(fault, WireLog(Limits()))
    assert explained.kind is kind
    assert told in explained.message


def test_a_server_that_stays_silent_is_quoted_with_what_it_said_last_on_stderr() -> None:
    fault = Fault(kind=FaultKind.TIMEOUT, message="no answer to initialize within 60 s", stderr_tail="Caching users...")
    explained = explain_start_failure(fault, WireLog(Limits()))
    assert explained.message.endswith("no answer to initialize within 60 s; it last said on stderr: Caching users...")
