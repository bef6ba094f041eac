"""Servers that go wrong in the middle of a conversation: the message, the next call, and what is left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mcp_assay.wire.messages import AnomalyKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.wire.connect import Connector

pytestmark = pytest.mark.asyncio

UNREADABLE = [
    ("invalid-utf8", "the answer is not valid JSON: byte 0xff at"),
    ("nul-bytes", r"'\x00\x00' stands before it on the same line"),
    ("two-on-a-line", "the answer is not valid JSON: Extra data"),
    ("deep-nesting", "the answer is not valid JSON: nested deeper than 254 levels"),
    ("nan", "NaN is not a JSON number"),
    ("infinity", "-Infinity is not a JSON number"),
    ("huge-number", "number is infinity when parsed as double"),
    ("big-integer", "an integer of 5,000 digits"),
    ("lone-surrogate", "no low surrogate in string"),
    ("batch-answer", "the answer is a JSON array instead of an object"),
    ("id-type", 'the answer carries id "4" instead of 4'),
    ("id-float", "the answer carries id 4.0 instead of 4"),
    ("id-null", "the answer carries id null instead of 4"),
    ("id-missing", "the answer carries id null instead of 4"),
    ("wrong-id", 'the answer carries id "nobody-asked" instead of 4'),
    ("error-unattributed", "the answer carries id null instead of 4"),
]
SILENT = [
    ("never-answer", "no answer to tools/call within 0.7 s"),
    ("answer-as-notification", "no answer to tools/call within 0.7 s"),
    ("half-line", "bytes of an unfinished line came"),
    ("byte-by-byte", "bytes of an unfinished line came"),
    ("pretty-printed", "meanwhile it printed to stdout: '{'"),
    ("late-answer=1000", "no answer to tools/call within 0.7 s"),
    ("stop-mid-call", "no answer to tools/call within 0.7 s"),
    ("stop-reading", "no answer to tools/call within 0.7 s"),
]
DEADLY = [
    ("exit-mid-call", "exited", "the server exited with status 11"),
    ("kill-mid-call", "killed", "the server was killed by SIGKILL"),
    ("crash-mid-call", "killed", "the server was killed by SIGSEGV"),
    ("half-line-exit", "exited", "the server exited with status 1 in the middle of a message"),
]
HARMLESS = [
    ("noise-before", AnomalyKind.NOISE),
    ("noise-between", AnomalyKind.NOISE),
    ("noise-binary", AnomalyKind.INVALID_UTF8),
    ("noise-flood", AnomalyKind.NOISE),
    ("noise-json", AnomalyKind.SHAPELESS),
    ("bom", AnomalyKind.BOM),
    ("duplicate-answer", AnomalyKind.DUPLICATE_ID),
    ("unknown-id", AnomalyKind.UNKNOWN_ID),
    ("crlf", None),
    ("empty-lines", None),
    ("split-writes", None),
    ("stderr-flood", None),
    ("stderr-binary", None),
    ("never-answer-discover", None),
    ("unknown-notifications", None),
]
ODD_ANSWERS = [
    ("result-and-error", "JSON-RPC error -32603: both"),
    ("no-result-no-error", "an answer without a result object"),
    ("result-null", "an answer without a result object"),
    ("result-list", "an answer without a result object"),
    ("error-string", "an answer without a result object"),
    ("error-code-string", "JSON-RPC error E_FAIL"),
    ("always-fails", "a result with isError: the backend is not configured"),
]


@pytest.mark.parametrize(("fault", "message"), UNREADABLE, ids=[case[0] for case in UNREADABLE])
async def test_an_answer_that_cannot_be_read_is_named_at_once(
    hurried: Connector, raw: Callable, fault: str, message: str
) -> None:
    session = await hurried.open_session(raw(fault))
    await session.list_all("tools")
    exchange = await session.call_tool("echo", {"text": "hi"}, timeout_s=20)
    assert exchange.fault.kind.value == "unreadable"
    assert message in exchange.fault.message
    assert session.channel.open_requests == 0
    assert (await session.list_all("tools")).problem is None
    assert (await session.close()).needed == "exit"


@pytest.mark.parametrize(("fault", "message"), SILENT, ids=[case[0] for case in SILENT])
async def test_an_answer_that_never_comes_costs_its_time_and_no_more(
    hurried: Connector, raw: Callable, fault: str, message: str
) -> None:
    session = await hurried.open_session(raw(fault))
    exchange = await session.call_tool("echo", {"text": "hi"})
    assert exchange.fault.kind.value == "timeout"
    assert message in exchange.fault.message
    await session.close()


@pytest.mark.parametrize(("fault", "kind", "message"), DEADLY, ids=[case[0] for case in DEADLY])
async def test_an_end_in_the_middle_of_a_call_is_told_by_its_status(
    hurried: Connector, raw: Callable, fault: str, kind: str, message: str
) -> None:
    session = await hurried.open_session(raw(fault))
    first = await session.call_tool("echo", {"text": "hi"}, timeout_s=20)
    second = await session.call_tool("echo", {"text": "hi"}, timeout_s=20)
    assert (first.fault.kind.value, first.fault.message) == (kind, message)
    assert second.fault.message == message
    assert not session.alive
    await session.close()


@pytest.mark.parametrize(("fault", "anomaly"), HARMLESS, ids=[case[0] for case in HARMLESS])
async def test_noise_is_noted_and_the_conversation_goes_on(
    connector: Connector, raw: Callable, fault: str, anomaly: AnomalyKind | None
) -> None:
    session = await connector.open_session(raw(fault))
    for _ in range(2):
        assert (await session.call_tool("echo", {"text": "hi"})).succeeded
    await session.close()
    assert set(session.log.anomaly_counts) == ({anomaly} if anomaly else set())
    assert len(session.log.anomalies) <= connector.limits.samples


@pytest.mark.parametrize(("fault", "words"), ODD_ANSWERS, ids=[case[0] for case in ODD_ANSWERS])
async def test_an_odd_answer_is_kept_as_it_came(connector: Connector, raw: Callable, fault: str, words: str) -> None:
    session = await connector.open_session(raw(fault))
    exchange = await session.call_tool("echo", {"text": "hi"})
    await session.close()
    assert exchange.describe().startswith(words)
    assert not exchange.succeeded


async def test_a_late_answer_is_noted_and_not_taken_for_the_next(hurried: Connector, raw: Callable) -> None:
    session = await hurried.open_session(raw("late-answer=900"))
    first = await session.call_tool("echo", {"text": "one"}, timeout_s=0.3)
    second = await session.call_tool("echo", {"text": "two"}, timeout_s=20)
    await session.close()
    assert first.fault.kind.value == "timeout"
    assert "two" in second.raw.decode()
    assert session.log.anomaly_counts == {AnomalyKind.LATE: 1}


async def test_a_line_of_a_hundred_megabytes_is_dropped_and_the_next_call_works(
    connector: Connector, raw: Callable
) -> None:
    session = await connector.open_session(raw("huge-line"))
    exchange = await session.call_tool("echo", {"text": "hi"}, timeout_s=60)
    assert exchange.fault.message == "the answer was a line of 100,000,129 bytes; the limit is 1,048,576"
    assert len(exchange.raw) <= 4096
    assert (await session.list_all("tools")).problem is None
    await session.close()


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("endless-cursor", "stopped after 1000 pages and 1000 entries with more to come"),
        ("repeated-cursor", "nextCursor 'again' came twice, the list never ends"),
        ("many-tools", "the answer was a line of 5,"),
        ("long-description", "the answer was a line of 50,"),
        ("never-answer=tools/list", "no answer to tools/list within 4 s"),
    ],
)
async def test_a_list_that_goes_wrong_ends_with_its_cause(
    connector: Connector, raw: Callable, fault: str, problem: str
) -> None:
    session = await connector.open_session(raw(fault))
    listing = await session.list_all("tools")
    assert problem in listing.problem
    assert (await session.call_tool("echo", {"text": "hi"})).succeeded
    await session.close()


async def test_capabilities_that_are_a_lie_are_told_list_by_list(connector: Connector, raw: Callable) -> None:
    session = await connector.open_session(raw("lying-capabilities"))
    listings = {what: await session.list_all(what) for what in ("tools", "resources", "prompts")}
    await session.close()
    told = "JSON-RPC error -32601: Method not found"
    problems = {what: listing.problem for what, listing in listings.items()}
    assert problems == {"tools": None, "resources": told, "prompts": told}


async def test_one_bad_tool_does_not_hide_the_others(connector: Connector, raw: Callable) -> None:
    session = await connector.open_session(raw("one-bad-tool"))
    listing = await session.list_all("tools")
    await session.close()
    assert listing.problem is None
    assert any("inputSchema" not in tool for tool in listing.objects)
    assert len(listing.objects) > 3


@pytest.mark.parametrize("fault", ["progress-flood", "list-changed-flood", "notification-flood"])
async def test_a_flood_of_notifications_is_named_and_bounded(hurried: Connector, raw: Callable, fault: str) -> None:
    session = await hurried.open_session(raw(fault))
    for _ in range(3):
        exchange = await session.call_tool("echo", {"text": "hi"})
        if exchange.fault is not None:
            break
    if exchange.fault is not None:
        assert "meanwhile the server sent more than 20,000 messages in a second" in exchange.fault.message
    assert len(session.log.server_messages) <= hurried.limits.samples
    await session.close()


async def test_endless_requests_of_a_server_do_not_fill_our_memory(hurried: Connector, raw: Callable) -> None:
    session = await hurried.open_session(raw("request-flood"))
    await session.call_tool("echo", {"text": "hi"})
    await session.channel.probe(b"\n", label="wait", timeout_s=2, until=lambda message: False)
    most = 2 * hurried.limits.write_buffer_bytes
    assert session.channel.transport.unread_bytes <= most
    assert session.log.anomaly_counts[AnomalyKind.FLOOD] >= 1
    await session.close()


async def test_a_bad_server_does_not_hold_the_others_up(connector: Connector, raw: Callable) -> None:
    bad = await asyncio.gather(
        *(connector.open_session(raw(fault)) for fault in ("list-changed-flood", "huge-line", "stop-reading"))
    )
    good = await connector.open_session(raw())
    storms = [asyncio.ensure_future(session.call_tool("echo", {"text": "x" * 100_000})) for session in bad]
    answers = [await good.call_tool("echo", {"text": str(number)}) for number in range(50)]
    for storm in storms:
        storm.cancel()
    await asyncio.wait(storms)
    await asyncio.gather(*(session.close() for session in (*bad, good)))
    assert all(answer.succeeded for answer in answers)


@pytest.mark.parametrize(
    ("fault", "needed", "code", "survivors"),
    [
        ("ignore-eof", "terminate", 0, 0),
        ("ignore-sigterm", "exit", 0, 0),
        ("unstoppable", "kill", -9, 0),
        ("exit-code", "exit", 5, 0),
        ("grandchild", "exit", 0, 1),
        ("grandchild-session", "exit", 0, 1),
        ("grandchild-pipes", "exit", 0, 1),
        ("stop-reading", "terminate", 0, 0),
    ],
)
async def test_a_close_takes_what_it_takes_and_leaves_nothing(
    hurried: Connector, raw: Callable, fault: str, needed: str, code: int, survivors: int
) -> None:
    session = await hurried.open_session(raw(fault))
    await session.call_tool("echo", {"text": "hi"}, timeout_s=0.3)
    report = await session.close()
    assert (report.needed, report.survivors) == (needed, survivors)
    assert report.exit_code == code


async def test_many_stubborn_servers_close_side_by_side(hurried: Connector, raw: Callable) -> None:
    sessions = await asyncio.gather(*(hurried.open_session(raw("unstoppable")) for _ in range(6)))
    async with asyncio.timeout(20):
        reports = await asyncio.gather(*(session.close() for session in sessions))
    assert {report.needed for report in reports} == {"kill"}
