"""Secrets of servers that are never started are hidden as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    "entry",
    [{"disabled": True}, {"env": {"UNSET": "${MCP_ASSAY_TEST_UNSET}"}}],
    ids=["disabled", "skipped for an unset variable"],
)
def test_the_list_of_commands_hides_the_secrets_of_servers_that_do_not_start(
    entry: dict[str, object], project: Callable[..., pytest.Pytester]
) -> None:
    server = {"command": "no-such-program", "args": ["--token", "hunter22hunter"], **entry}
    result = project({"s": server}).runpytest("--mcp-config", "servers.json", "--mcp-unset=skip", "--collect-only")
    result.stdout.fnmatch_lines(["*s: *no-such-program --token <redacted:s argument --token>*"])
    result.stdout.no_fnmatch_line("*hunter22*")
