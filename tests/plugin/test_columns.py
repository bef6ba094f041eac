"""What we print holds 80 columns, without colour and in ASCII; what is there to be copied stays whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects import raw_server

from mcp_assay.plugin.text import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Project = Callable[..., pytest.Pytester]

COLUMNS = 80
OF_PYTEST = (
    "_",
    "platform ",
    "rootdir: ",
    "plugins: ",
    "benchmark: ",
    "asyncio: ",
    "cachedir: ",
    "FAILED ",
    "ERROR ",
    "SKIPPED ",
)
TO_BE_COPIED = ("reproduce:", "spec:", "fault:", "stderr_tail:", "pytest ")
LONG = "a-server-with-quite-a-long-name-in-its-configuration-file"


def test_no_line_of_a_run_is_wider_than_the_terminal(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": str(COLUMNS), "NO_COLOR": "1", "LC_ALL": "C", "PYTHONUTF8": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    servers = {"memory": raw_server("--name", "x" * 30), LONG: raw_server(), "gone": {"command": "/does/not/exist"}}
    pytester = project(servers, checks=("reachable", "listed", "described", "silent", "answered"))
    options = ("--mcp-history", "figures.db", "--mcp-level", "all", "--mcp-min-score", "99", "-ra")
    result = pytester.runpytest_subprocess("--mcp-config", "servers.json", *options)
    assert result.ret == 1
    ours = [line for line in result.outlines if not line.startswith(OF_PYTEST)]
    wide = [line for line in ours if len(line) > COLUMNS and not line.strip().startswith(TO_BE_COPIED)]
    # A single word, such as the path of a folder of this test, is not broken.
    assert [line for line in wide if " " in line.strip()] == []
    shown = result.stdout.str()
    assert shown.isascii()
    assert "\x1b" not in shown
    result.stdout.fnmatch_lines([f"*reproduce: *{LONG}*", "readiness: *", "history: * figures kept in*"])


def test_a_line_is_broken_between_words_and_what_follows_stands_further_in() -> None:
    line = "--mcp-baseline sdk:typescript-1.x accepts 12 findings that come from the official SDK: everything (12)"
    assert wrapped(line, 50).split("\n") == [
        "--mcp-baseline sdk:typescript-1.x accepts 12",
        "  findings that come from the official SDK:",
        "  everything (12)",
    ]
    assert wrapped("  worse: a b", 8) == "  worse:\n    a b"
    assert wrapped("short\n" + "x" * 60, 50) == "short\n" + "x" * 60
