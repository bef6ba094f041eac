from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mcp_assay_reports import github

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document

COMMAND = re.compile(r"::(?P<kind>error|warning) (?P<properties>[^:]*)::(?P<message>.*)")


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read commands the way the runner does: properties up to the second pair of colons, then the message."""
    commands = []
    for row in text.splitlines():
        match = COMMAND.fullmatch(row)
        assert match, row
        pairs = (pair.partition("=") for pair in match["properties"].split(","))
        commands.append((match["kind"], {name: value for name, _, value in pairs}, match["message"]))
    return commands


def test_a_server_that_cannot_be_used_is_told_on_its_line(document: Document) -> None:
    kind, properties, message = read(github.render(document))[0]
    assert kind == "error"
    assert properties == {"file": "servers.json", "line": "17", "title": "MCP server not usable"}
    assert message.startswith("portainer: it exited with status 1 before it answered; run `npx")


def test_a_server_that_cannot_be_used_is_told_once(document: Document) -> None:
    assert github.render(document).count("portainer") == 2  # its name, and the hint that names its package


def test_findings_are_clustered_and_can_be_repeated(document: Document) -> None:
    commands = read(github.render(document))
    assert [kind for kind, _, _ in commands] == ["error", "error", "warning"]
    assert "everything, 14 tools: inputSchema has no type; reproduce: pytest" in commands[1][2]


@pytest.mark.parametrize("name", ["hostile_document", "big_document", "with_long_texts"])
def test_no_text_of_a_server_starts_a_command_or_a_property(name: str, request: pytest.FixtureRequest) -> None:
    commands = read(github.render(request.getfixturevalue(name)))
    assert 0 < len(commands) <= github.MOST
    for _, properties, message in commands:
        assert set(properties) <= {"file", "line", "title"}
        assert len(message) < 4_000


def test_a_run_without_findings_says_nothing(document: Document) -> None:
    assert github.render({**document, "servers": document["servers"][:1], "results": []}) == ""
