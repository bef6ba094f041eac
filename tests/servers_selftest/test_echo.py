"""The least of all servers still answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ECHO = (sys.executable, "-S", "-E", str(Path(__file__).parent.parent / "servers" / "echo.py"))


def test_echo_answers_with_the_id_it_got(start: Callable[..., Any]) -> None:
    peer = start(*ECHO)

    assert peer.open()["result"]["serverInfo"]["name"] == "echo"
    assert peer.ask("tools/list")["result"]["tools"][0]["name"] == "echo"
    assert peer.call("echo", text="x")["id"] == peer.number
    assert peer.ask("ping")["error"]["code"] == -32601
    assert peer.close() == 0
