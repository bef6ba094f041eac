"""A recording holds what was seen, without secrets, and answers as the server did."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.errors import ConnectError, HarnessError, UsageError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.core.redaction import Redactor
from mcp_assay.wire.exchange import Exchange, HttpMeta
from mcp_assay.wire.messages import AnomalyKind
from mcp_assay.wire.recording import Recorder, RecordingConnector, recording_path
from mcp_assay.wire.replay import ReplayConnector
from mcp_assay.wire.shelf import Shelf
from mcp_assay.wire.tape import Unread, Writer, read
from mcp_assay.wire.versions import spoken_versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp_assay.wire.connect import Connector
    from mcp_assay.wire.opener import Opener

pytestmark = pytest.mark.asyncio

PROBE = b'{"jsonrpc":"2.0","id":"p","method":"no/such"}\n'
NOWHERE = Launch(name="raw", transport=TransportKind.STDIO, command=("/no/such/program",))


async def visit(opener: Opener, launch: Launch) -> tuple[list[object], dict]:
    """Do a bit of everything; return what was found and the counts of anomalies."""
    session = await opener.open_session(launch)
    found: list[object] = [session.agreement, await session.list_all("tools")]
    found += [await session.call_tool("echo", {"text": text}) for text in ("a", "b", "a")]
    found.append(await session.channel.probe(PROBE, label="no/such", timeout_s=5))
    found.append(await session.request("no/such/method", {"x": 1}))
    return [*found, await session.close()], dict(session.log.anomaly_counts)


async def test_a_replay_finds_what_was_found_with_no_server_at_all(
    connector: Connector, raw: Callable, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "rec")
    live = await visit(RecordingConnector(inner=connector, recorder=recorder), raw("noise-between"))
    recorder.close()
    again = await visit(ReplayConnector(directory=tmp_path / "rec", limits=connector.limits), NOWHERE)
    assert again == live
    assert live[1] == {AnomalyKind.NOISE: 3}


async def test_a_fault_in_a_call_comes_again(hurried: Connector, raw: Callable, tmp_path: Path) -> None:
    async def die(opener: Opener, launch: Launch) -> list[object]:
        session = await opener.open_session(launch)
        exchanges = [await session.call_tool("echo", {"text": "a"}) for _ in range(2)]
        return [*exchanges, session.alive, await session.close()]

    recorder = Recorder(tmp_path)
    live = await die(RecordingConnector(inner=hurried, recorder=recorder), raw("exit-mid-call"))
    recorder.close()
    again = await die(ReplayConnector(directory=tmp_path), NOWHERE)
    assert [item.fault for item in again[:2]] == [item.fault for item in live[:2]]
    assert again[2:] == live[2:]


async def test_words_made_up_for_a_run_come_back_as_those_of_the_replay(
    connector: Connector, raw: Callable, tmp_path: Path
) -> None:
    async def say(opener: Opener, word: str, token: str) -> str:
        session = await opener.open_session(raw())
        exchange = await session.call_tool("echo", {"text": f"<{word}>"}, progress_token=token)
        await session.close()
        return exchange.raw.decode()

    recorder = Recorder(tmp_path)
    live = await say(RecordingConnector(inner=connector, recorder=recorder), "zq0123456789abcdef", "one")
    recorder.close()
    again = await say(ReplayConnector(directory=tmp_path), "zqfedcba9876543210", "two")
    assert "<zq0123456789abcdef>" in live
    assert again == live.replace("zq0123456789abcdef", "zqfedcba9876543210")


async def test_the_last_words_on_stderr_are_kept_without_secrets(
    connector: Connector, raw: Callable, tmp_path: Path
) -> None:
    launch = dataclasses.replace(raw("stderr-binary"), secrets={"env TOKEN": "canary-4711-value"})
    recorder = Recorder(tmp_path)
    session = await RecordingConnector(inner=connector, recorder=recorder).open_session(launch)
    await session.close()
    recorder.close()
    live = session.channel.transport.stderr_tail
    again = await ReplayConnector(directory=tmp_path).open_session(NOWHERE)
    assert live
    assert again.channel.transport.stderr_tail == live
    assert again.channel.transport.kind == "stdio"


async def test_a_server_that_could_not_be_started_fails_again(
    connector: Connector, raw: Callable, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path)
    faults = []
    for opener in (RecordingConnector(inner=connector, recorder=recorder), ReplayConnector(directory=tmp_path)):
        with pytest.raises(ConnectError) as caught:
            await opener.open_session(raw("exit-at-once"))
        faults.append(caught.value.fault)
        recorder.close()
    assert faults[0] == faults[1]


async def test_the_spoken_revisions_are_replayed(connector: Connector, raw: Callable, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    live = await spoken_versions(RecordingConnector(inner=connector, recorder=recorder), raw())
    recorder.close()
    assert await spoken_versions(ReplayConnector(directory=tmp_path), NOWHERE) == live
    assert len(live) == 5


async def test_no_secret_reaches_the_disk_and_the_replay_still_matches(
    connector: Connector, raw: Callable, tmp_path: Path
) -> None:
    launch = dataclasses.replace(raw(), secrets={"env TOKEN": "canary-4711-value"})

    async def call(opener: Opener) -> Exchange:
        session = await opener.open_session(launch)
        exchange = await session.call_tool("echo", {"text": "my canary-4711-value"})
        await session.close()
        return exchange

    recorder = Recorder(tmp_path)
    live = await call(RecordingConnector(inner=connector, recorder=recorder))
    recorder.close()
    assert b"canary-4711-value" in live.raw
    assert b"canary" not in recording_path(tmp_path, "raw").read_bytes()
    assert b"<redacted:raw env TOKEN>" in (await call(ReplayConnector(directory=tmp_path))).raw


async def test_what_was_not_recorded_is_our_error_and_not_the_servers(
    connector: Connector, raw: Callable, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path)
    recording = RecordingConnector(inner=connector, recorder=recorder)
    await (await recording.open_session(raw())).close()
    recorder.value(raw(), "official", {"ok": True})
    recorder.close()
    replay = ReplayConnector(directory=tmp_path)
    session = await replay.open_session(NOWHERE)
    with pytest.raises(HarnessError, match="the recording holds no answer to tools/call") as caught:
        await session.call_tool("echo", {})
    assert caught.value.fault.kind is FaultKind.HARNESS
    with pytest.raises(ConnectError, match="holds no such connection"):
        await replay.open_channel(NOWHERE)
    assert replay.recording("raw").values == {"official": {"ok": True}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no recording of 'raw'"),
        ("", "cannot be read"),
        ("{}\n", "cannot be read"),
        ('{"kind":"recording","format":99}\n', "has format 99, this version reads 2"),
        ('{"kind":"recording","format":2}\n{"kind":"odd","connection":1}\n', "cannot be read"),
        ("\x00\x01", "cannot be read"),
    ],
)
async def test_a_recording_that_is_none_is_a_mistake_of_the_user(
    tmp_path: Path, text: str | None, message: str
) -> None:
    if text is not None:
        recording_path(tmp_path, "raw").write_text(text)
    with pytest.raises(UsageError, match=message):
        await ReplayConnector(directory=tmp_path).open_session(NOWHERE)


async def test_a_folder_that_cannot_be_written_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        Recorder(tmp_path / "file" / "rec").next_connection(NOWHERE)


async def test_bytes_that_are_no_text_survive_a_recording() -> None:
    exchange = Exchange(
        method="x", id=1, sent=b"{}\n", sent_at=1.0, ended_at=2.0, raw=b'{"x":"\xff\x00 s3cret-value"}',
        fault=Fault(kind=FaultKind.UNREADABLE, message="m", hint="h", stderr_tail="\udcff"),
        http=HttpMeta(status=200, headers=(("A", "b"),), stream="json"),
    )  # fmt: skip
    line = json.loads(json.dumps(Writer(Redactor({"k": "s3cret-value"})).line(exchange)))
    again = read(line)
    assert again.raw == b'{"x":"\xff\x00 <redacted:k>"}'
    assert dataclasses.replace(again, raw=b"", fault=None) == dataclasses.replace(exchange, raw=b"", fault=None)


def recorded(raw: bytes) -> Unread:
    """Return an exchange that is read back from a recording, its answer not parsed yet."""
    others = {"id": 1, "ended_at": 2.0, "fault": None, "related": (), "http": None}
    return Unread(method="tools/list", sent=b"{}", sent_at=1.0, raw=raw, answered=True, others=others)


async def test_a_long_answer_is_read_as_any_other_and_shares_what_only_its_id_tells_from_another() -> None:
    result = {"tools": [{"name": f"tool {number}", "id": number} for number in range(500)]}
    first, second = (
        recorded(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()).read().message
        for number in (7, 8)
    )
    assert first == {"jsonrpc": "2.0", "id": 7, "result": result}
    assert second == {"jsonrpc": "2.0", "id": 8, "result": result}
    assert first is not None
    assert second is not None
    assert first["result"] is second["result"]


@pytest.mark.parametrize("start", ['"id":007,"result":{}', '"id":1,', '"id":1, ,"result":{}', '"id":1,"id":2'])
async def test_a_long_answer_with_an_odd_start_is_what_a_parser_makes_of_it(start: str) -> None:
    raw = b'{"jsonrpc":"2.0",' + start.encode() + b" " * 5_000 + b"}"
    expected = {"jsonrpc": "2.0", "id": 2} if start.endswith("2") else None
    assert recorded(raw).read().message == expected


def call_of(number: int, text: str) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": number, "method": "m", "params": {"t": text}}, separators=(",", ":")
    ).encode()


async def test_requests_are_found_by_their_bytes_by_what_they_say_and_again_when_all_were_used() -> None:
    sent = [call_of(1, "a"), call_of(2, "a"), call_of(3, "zq0123456789abcdef")]
    others = {"id": 1, "ended_at": 2.0, "fault": None, "related": (), "http": None}
    shelf = Shelf(
        [
            Unread(method="m", sent=one, sent_at=float(place), raw=b"%d" % place, answered=False, others=others)
            for place, one in enumerate(sent)
        ]
    )

    def answer(number: int, text: str) -> bytes | None:
        found = shelf.take("m", call_of(number, text))
        return None if found is None else found.raw

    assert answer(2, "a") == b"1"  # the very same bytes
    assert answer(9, "a") == b"0"  # another id, the same words
    assert answer(9, "zqfedcba9876543210") == b"2"  # another word that was made up
    assert answer(1, "a") == b"1"  # all were used: the last one again
    assert answer(1, "b") is None
