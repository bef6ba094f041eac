from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.eras import KNOWN_VERSIONS, META_VERSION, Era
from mcp_assay.wire.negotiation import negotiate
from mcp_assay.wire.versions import answer_patience_s, spoken_versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.connect import Connector
    from mcp_assay.wire.session import ServerSession

pytestmark = pytest.mark.asyncio


def result_of(request: dict, **result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()


def error_of(request: dict, code: int = -32601, **more: object) -> bytes:
    error = {"code": code, "message": "no", **more}
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()


def modern(request: dict) -> bytes:
    if request["method"] != "server/discover":
        return error_of(request)
    return result_of(
        request,
        supportedVersions=["2026-07-28"],
        capabilities={"tools": {}},
        _meta={"io.modelcontextprotocol/serverInfo": {"name": "m", "version": "1"}},
    )


def handshake(*versions: str) -> Callable[[dict], bytes]:
    def reply(request: dict) -> bytes:
        asked = request["params"].get("protocolVersion")
        return result_of(request, protocolVersion=asked if asked in versions else versions[-1], capabilities={})

    return reply


async def test_a_handshake_server_is_asked_for_the_newest_and_told_that_we_are_ready(fake: Callable) -> None:
    channel, transport = fake(handshake("2025-06-18", "2025-11-25"))
    agreement = await negotiate(channel, timeout_s=1)
    assert (agreement.version, agreement.era) == ("2025-11-25", Era.HANDSHAKE)
    assert [message["method"] for message in transport.messages()] == ["initialize", "notifications/initialized"]


async def test_an_older_revision_that_is_offered_is_taken(fake: Callable) -> None:
    channel, _ = fake(handshake("2024-11-05"))
    assert (await negotiate(channel, timeout_s=1)).version == "2024-11-05"


async def test_a_modern_server_is_found_after_it_refuses_the_handshake(fake: Callable) -> None:
    channel, transport = fake(modern)
    agreement = await negotiate(channel, timeout_s=1)
    assert (agreement.version, agreement.era) == ("2026-07-28", Era.STATELESS)
    assert agreement.server_info == {"name": "m", "version": "1"}
    assert transport.messages()[-1]["params"]["_meta"][META_VERSION] == "2026-07-28"


async def test_a_pinned_stateless_revision_asks_nothing_else(fake: Callable) -> None:
    channel, transport = fake(modern)
    await negotiate(channel, timeout_s=1, pinned="2026-07-28")
    assert [message["method"] for message in transport.messages()] == ["server/discover"]


@pytest.mark.parametrize(
    ("reply", "pinned", "kind", "message"),
    [
        (handshake("2025-06-18"), "2025-11-25", FaultKind.OTHER_ERA, "offers revision 2025-06-18, not the pinned"),
        (handshake("1999-01-01"), None, FaultKind.OTHER_ERA, "'1999-01-01', which is no released"),
        (modern, "2025-11-25", FaultKind.PROTOCOL, "JSON-RPC error -32601"),
        (error_of, None, FaultKind.PROTOCOL, "initialize was answered by JSON-RPC error -32601"),
        (lambda r: result_of(r, protocolVersion=7), None, FaultKind.OTHER_ERA, "protocol version 7"),
        (lambda _: b'{"jsonrpc":"2.0","id":1,"result":[]}', None, FaultKind.PROTOCOL, "without a result object"),
        (
            lambda r: error_of(r, -32022, data={"supported": ["2026-07-28"]}),
            "2025-11-25",
            FaultKind.OTHER_ERA,
            "speaks 2026-07-28, not 2025-11-25",
        ),
    ],
)
async def test_a_failed_opening_says_what_the_server_speaks(
    fake: Callable, reply: Callable, pinned: str | None, kind: FaultKind, message: str
) -> None:
    channel, _ = fake(reply)
    with pytest.raises(ConnectError) as caught:
        await negotiate(channel, timeout_s=1, pinned=pinned)
    assert caught.value.fault.kind is kind
    assert message in caught.value.fault.message


async def test_a_server_that_never_answers_the_handshake_is_told_with_what_it_does_answer(fake: Callable) -> None:
    channel, _ = fake(lambda request: None if request["method"] == "initialize" else modern(request))
    with pytest.raises(ConnectError, match="no answer to initialize within") as caught:
        await negotiate(channel, timeout_s=0.2)
    assert caught.value.fault.kind is FaultKind.TIMEOUT
    assert caught.value.fault.hint.startswith("it answers server/discover in 2026-07-28: ")


async def test_silence_is_a_timeout(fake: Callable) -> None:
    channel, _ = fake()
    with pytest.raises(ConnectError, match="no answer to initialize within"):
        await negotiate(channel, timeout_s=0.01)


SILENT = """
wanted = SPOKEN
for line in sys.stdin:
    request = json.loads(line)
    params = request.get("params") or {}
    meta = params.get("_meta") or {}
    asked = params.get("protocolVersion") or meta.get("io.modelcontextprotocol/protocolVersion")
    if asked not in wanted or "id" not in request:
        continue
    if request["method"] == "initialize":
        ready(request)
    else:
        say({"jsonrpc": "2.0", "id": request["id"], "result": {
            "supportedVersions": [v for v in wanted if v > "2026"], "capabilities": {}}})
"""


class Watching:
    """Opens connections with another connector and counts how many are being opened at once."""

    def __init__(self, inner: Connector) -> None:
        self.inner, self.limits, self.versions = inner, inner.limits, inner.versions
        self.open = self.most = 0

    async def open_session(self, launch: Launch, *, protocol: str) -> ServerSession:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            return await self.inner.open_session(launch, protocol=protocol)
        finally:
            self.open -= 1


@pytest.mark.parametrize("spoken", [("2026-07-28",), ("2025-06-18", "2026-07-28")])
async def test_revisions_that_meet_silence_are_waited_for_side_by_side_and_no_other_is_lost(
    connector: Connector, inline: Callable, spoken: tuple[str, ...]
) -> None:
    quick = dataclasses.replace(connector, limits=dataclasses.replace(connector.limits, list_s=2.0))
    launch = inline(SILENT.replace("SPOKEN", repr(spoken)))
    live = await quick.open_session(launch, protocol=spoken[-1])
    watching = Watching(quick)
    assert await spoken_versions(watching, launch, live) == spoken
    assert watching.most == len(KNOWN_VERSIONS) - 1, "the revision of the live session is not asked for again"
    assert answer_patience_s(live) < quick.limits.start_s
    await live.close()


SLOWER = """
import pathlib
import time
if pathlib.Path(__file__).with_name("busy").exists():
    time.sleep(1.5)
"""


async def test_a_revision_is_not_lost_on_a_machine_that_got_busy_since_the_server_started(
    connector: Connector, inline: Callable, tmp_path: Path
) -> None:
    quick = dataclasses.replace(connector, limits=dataclasses.replace(connector.limits, list_s=0.2))
    spoken = ("2025-06-18", "2025-11-25")
    launch = inline(SLOWER + SILENT.replace("SPOKEN", repr(spoken)))
    live = await quick.open_session(launch, protocol=spoken[-1])
    (tmp_path / "busy").touch()

    assert await spoken_versions(quick, launch, live) == spoken
    await live.close()
