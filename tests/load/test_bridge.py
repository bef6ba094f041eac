"""The process beside a program that cannot run our event loop, against a real server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from mcp_assay.load.bridge import Bridge, BridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW = Path(__file__).parent.parent / "servers" / "raw.py"


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "servers.json"
    server = {"command": sys.executable, "args": ["-S", "-E", str(RAW)]}
    path.write_text(json.dumps({"mcpServers": {"raw": server, "none": {"command": "/no/such/program"}}}), "utf-8")
    return str(path)


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    bridge = Bridge()
    yield bridge
    bridge.close()


def test_a_call_goes_through_and_its_time_is_that_of_the_wire(bridge: Bridge, config: str) -> None:
    bridge.ask("open", session="s", config=config, server="raw")
    answer = bridge.ask("call", session="s", tool="echo", arguments={"text": "é"}, timeout_s=20)
    assert answer["error"] is None
    assert json.loads(answer["result"]["content"][0]["text"]) == {"text": "é"}
    assert answer["bytes"] > 20
    assert 0 < answer["seconds"] < 20


def test_a_call_that_fails_says_why_and_the_next_one_works(bridge: Bridge, config: str) -> None:
    bridge.ask("open", session="s", config=config, server="raw")
    failed = bridge.ask("call", session="s", tool="nobody", arguments={}, timeout_s=20)
    assert "JSON-RPC error" in failed["error"]
    assert failed["result"] is None
    assert bridge.ask("call", session="s", tool="echo", arguments={"text": "x"}, timeout_s=20)["error"] is None


@pytest.mark.parametrize(
    ("details", "message", "hint"),
    [
        ({"server": "row"}, "has no server 'row'", "it has raw, none"),
        ({"server": ""}, "mcp_server is not set", "MCP_SERVER"),
        ({"server": "none"}, "/no/such/program", ""),
        ({"config": "nowhere.json", "server": "raw"}, "file does not exist", ""),
    ],
)
def test_what_cannot_be_opened_is_refused_with_a_reason(
    bridge: Bridge, config: str, details: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(BridgeError) as caught:
        bridge.ask("open", **{"session": "s", "config": config, **details})
    assert message in str(caught.value)
    assert hint in str(caught.value)


def test_a_server_that_did_not_open_can_be_tried_again(bridge: Bridge, config: str) -> None:
    for _ in range(2):
        with pytest.raises(BridgeError, match="/no/such/program"):
            bridge.ask("open", session="s", config=config, server="none")


def test_a_call_without_a_connection_is_refused(bridge: Bridge) -> None:
    with pytest.raises(BridgeError, match="not open"):
        bridge.ask("call", session="s", tool="echo", arguments={}, timeout_s=1)


def test_nothing_is_left_of_it_and_its_servers(config: str) -> None:
    bridge = Bridge()
    bridge.ask("open", session="s", config=config, server="raw")
    started = psutil.Process().children(recursive=True)
    bridge.close()
    assert psutil.wait_procs(started, timeout=20)[1] == []
    with pytest.raises(BridgeError, match=r"gone|ended"):
        bridge.ask("open", session="s", config=config, server="raw")
