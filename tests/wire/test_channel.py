from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.framing import LineFramer
from mcp_assay.wire.incoming import RefusalError
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.messages import AnomalyKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.wire.channel import Channel
    from mcp_assay.wire.exchange import Exchange

pytestmark = pytest.mark.asyncio


def line(**members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


def answer(request: dict) -> bytes:
    return line(id=request["id"], result={"echo": request["method"]})


async def ask(channel: Channel, *lines: bytes, method: str = "tools/call", timeout_s: float = 2.0) -> Exchange:
    """Send a request, let the server say these lines, and return the exchange."""
    task = asyncio.ensure_future(channel.request(method, timeout_s=timeout_s))
    await asyncio.sleep(0)
    for said in lines:
        channel.line_received(said)
    return await task


async def test_an_answer_becomes_an_exchange_with_its_raw_bytes(fake: Callable) -> None:
    channel, transport = fake(answer)
    exchange = await channel.request("ping")
    assert exchange.result == {"echo": "ping"}
    assert exchange.raw == answer({"id": 1, "method": "ping"})
    assert exchange.sent == transport.sent[0].data
    assert exchange.duration_s >= 0
    assert channel.log.exchanges == (exchange,)


async def test_answers_in_another_order_reach_their_requests(fake: Callable) -> None:
    channel, _ = fake()
    tasks = [asyncio.ensure_future(channel.request(method)) for method in ("a", "b")]
    await asyncio.sleep(0)
    channel.line_received(line(id=2, result={"of": "b"}))
    channel.line_received(line(id=1, result={"of": "a"}))
    assert [exchange.result for exchange in await asyncio.gather(*tasks)] == [{"of": "a"}, {"of": "b"}]


async def test_an_id_of_zero_is_kept_in_the_exchange(fake: Callable) -> None:
    channel, _ = fake(answer)
    assert (await channel.request("ping", request_id=0)).id == 0


async def test_an_id_in_use_is_refused_and_the_first_request_lives_on(fake: Callable) -> None:
    channel, _ = fake()
    first = asyncio.ensure_future(channel.request("a", request_id=5))
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="still open"):
        await channel.request("b", request_id=5)
    channel.line_received(line(id=5, result={}))
    assert (await first).method == "a"


async def test_silence_ends_as_a_timeout_and_the_server_is_told(fake: Callable) -> None:
    channel, transport = fake()
    exchange = await channel.request("tools/call", timeout_s=0.01)
    assert exchange.fault.kind is FaultKind.TIMEOUT
    assert exchange.fault.message == "no answer to tools/call within 0.01 s"
    assert transport.messages()[-1]["method"] == "notifications/cancelled"
    channel.line_received(line(id=1, result={}))
    assert channel.log.anomaly_counts[AnomalyKind.LATE] == 1


async def test_a_full_stdin_is_named_instead_of_a_plain_timeout(fake: Callable) -> None:
    channel, transport = fake()
    transport.unread_bytes = 10
    exchange = await channel.request("tools/call", timeout_s=0.01)
    assert exchange.fault.kind is FaultKind.STDIN_BLOCKED
    assert len(transport.sent) == 1


async def test_a_cancelled_caller_tells_the_server(fake: Callable) -> None:
    channel, transport = fake()
    task = asyncio.ensure_future(channel.request("tools/call"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert transport.messages()[-1]["params"]["requestId"] == 1
    assert channel.open_requests == 0


@pytest.mark.parametrize(
    ("said", "anomaly", "message"),
    [
        (b'{"jsonrpc":"2.0","id":1,"result":{', AnomalyKind.INVALID_JSON, "is not valid JSON"),
        (b'{"jsonrpc":"2.0","id":1,"result":"\xff"}', AnomalyKind.INVALID_UTF8, "byte 0xff"),
        (b'[{"jsonrpc":"2.0","id":1,"result":{}}]', AnomalyKind.NOT_AN_OBJECT, "is a JSON array instead of an object"),
        (b'{"jsonrpc":"2.0","ID":1}', AnomalyKind.SHAPELESS, "neither result nor error"),
        (b'{"jsonrpc":"2.0","id":1.0,"result":{}}', AnomalyKind.WRONG_ID_TYPE, "id 1.0 instead of 1"),
        (b'{"jsonrpc":"2.0","id":"1","result":{}}', AnomalyKind.WRONG_ID_TYPE, 'id "1" instead of 1'),
        (b'{"jsonrpc":"2.0","id":true,"result":{}}', AnomalyKind.UNKNOWN_ID, "id true instead of 1"),
        (b'{"jsonrpc":"2.0","id":99,"result":{}}', AnomalyKind.UNKNOWN_ID, "id 99 instead of 1"),
        (b'{"jsonrpc":"2.0","id":null,"error":{}}', AnomalyKind.ORPHANED_ERROR, "id null instead of 1"),
    ],
)
async def test_an_unusable_answer_fails_its_request_at_once(
    fake: Callable, said: bytes, anomaly: AnomalyKind, message: str
) -> None:
    channel, _ = fake()
    exchange = await ask(channel, said)
    assert exchange.fault.kind is FaultKind.UNREADABLE
    assert message in exchange.fault.message
    assert channel.log.anomaly_counts == {anomaly: 1}
    assert channel.open_requests == 0


async def test_an_answer_that_is_neither_result_nor_error_is_kept_for_its_judges(fake: Callable) -> None:
    channel, _ = fake()
    exchange = await ask(channel, line(id=1))
    assert exchange.message == {"jsonrpc": "2.0", "id": 1}
    assert exchange.describe().startswith("an answer without a result object")
    assert not exchange.succeeded


async def test_a_byte_order_mark_is_noted_and_looked_past(fake: Callable) -> None:
    channel, _ = fake()
    exchange = await ask(channel, b"\xef\xbb\xbf" + line(id=1, result={}))
    assert exchange.result == {}
    assert channel.log.anomaly_counts == {AnomalyKind.BOM: 1}


async def test_noise_and_empty_lines_do_not_disturb_a_request(fake: Callable) -> None:
    channel, _ = fake()
    exchange = await ask(channel, b"Listening...", b"", b"\r", b"{broken", line(id=1, result={}))
    assert exchange.result == {}
    assert channel.log.anomaly_counts == {AnomalyKind.NOISE: 2}


async def test_an_answer_given_twice_is_noted(fake: Callable) -> None:
    channel, _ = fake()
    await ask(channel, line(id=1, result={}))
    channel.line_received(line(id=1, result={}))
    assert channel.log.anomaly_counts == {AnomalyKind.DUPLICATE_ID: 1}


async def test_an_oversized_answer_fails_the_request_it_names(fake: Callable) -> None:
    channel, _ = fake()
    framer = LineFramer(channel._limits.line_bytes)
    other = asyncio.ensure_future(channel.request("other"))
    task = asyncio.ensure_future(channel.request("big"))
    await asyncio.sleep(0)
    for said in framer.feed(b'{"jsonrpc":"2.0","id":2,"result":"' + b"x" * 2_000_000 + b'"}\n' + line(id=1, result={})):
        channel.line_received(said)
    for said in framer.feed(b"\n"):
        channel.line_received(said)
    assert (await task).fault.message == "the answer was a line of 2,000,036 bytes; the limit is 1,048,576"
    assert (await other).result == {}


async def test_the_end_fails_everything_that_is_open(fake: Callable) -> None:
    channel, _ = fake()
    tasks = [asyncio.ensure_future(channel.request("a")), asyncio.ensure_future(channel.request("b"))]
    probe = asyncio.ensure_future(channel.probe(b"{\n", label="broken", timeout_s=30))
    await asyncio.sleep(0)
    channel.connection_ended(Fault(kind=FaultKind.EXITED, message="the server exited with status 3"))
    for exchange in await asyncio.gather(*tasks, probe):
        assert exchange.fault.kind is FaultKind.EXITED
    assert (await channel.request("late")).fault.kind is FaultKind.EXITED


async def test_requests_open_at_our_own_close_are_not_blamed_on_the_server(fake: Callable) -> None:
    channel, _ = fake()
    task = asyncio.ensure_future(channel.request("a"))
    await asyncio.sleep(0)
    await channel.close()
    assert (await task).fault.message == "the connection was closed by us"


async def test_a_probe_takes_the_answer_that_nobody_awaits(fake: Callable) -> None:
    channel, transport = fake()
    task = asyncio.ensure_future(channel.probe(b'{"id": "p"}\n', label="odd", timeout_s=2))
    await asyncio.sleep(0)
    assert transport.sent[0].data == b'{"id": "p"}\n'
    channel.line_received(line(id="p", error={"code": -32600, "message": "no"}))
    assert (await task).error_code == -32600
    assert not channel.log.anomaly_counts


async def test_a_late_answer_to_a_probe_is_late_and_not_unknown(fake: Callable) -> None:
    channel, _ = fake()
    exchange = await channel.probe(b'{"id": "p"}\n', label="odd", timeout_s=0.01)
    assert exchange.fault.kind is FaultKind.TIMEOUT
    channel.line_received(line(id="p", result={}))
    assert channel.log.anomaly_counts == {AnomalyKind.LATE: 1}


async def test_an_unreadable_answer_ends_a_probe(fake: Callable) -> None:
    channel, _ = fake()
    task = asyncio.ensure_future(channel.probe(b"[]\n", label="batch", timeout_s=2))
    await asyncio.sleep(0)
    channel.line_received(b'[{"jsonrpc":"2.0","id":1,"result":{}}]')
    exchange = await task
    assert exchange.fault.message == "the answer is a JSON array instead of an object"
    assert exchange.raw.startswith(b"[")


async def test_a_ping_of_the_server_is_answered(fake: Callable) -> None:
    channel, transport = fake()
    channel.line_received(line(id="s1", method="ping"))
    assert transport.messages() == [{"jsonrpc": "2.0", "id": "s1", "result": {}}]


async def test_a_request_that_we_do_not_offer_is_declined(fake: Callable) -> None:
    channel, transport = fake()
    channel.line_received(line(id=4, method="sampling/createMessage", params={}))
    assert transport.messages()[0]["error"]["code"] == -32601


async def test_a_refusal_keeps_its_code(fake: Callable) -> None:
    def refuse(method: str, params: object) -> None:
        raise RefusalError(-1, "rejected")

    channel, transport = fake(responder=refuse)
    channel.line_received(line(id=4, method="sampling/createMessage"))
    assert transport.messages()[0]["error"] == {"code": -1, "message": "rejected"}


@pytest.mark.parametrize("identity", [None, 1.5, True, [], {"a": 1}, [[[[]]]]])
async def test_a_server_request_without_a_usable_id_is_noted_and_not_answered(fake: Callable, identity: object) -> None:
    channel, transport = fake()
    channel.line_received(line(id=identity, method="ping"))
    assert not transport.sent
    assert channel.log.anomaly_counts == {AnomalyKind.WRONG_ID_TYPE: 1}


async def test_a_server_that_does_not_read_our_answers_gets_no_more(fake: Callable) -> None:
    channel, transport = fake()
    transport.unread_bytes = channel._limits.write_buffer_bytes + 1
    channel.line_received(line(id=4, method="ping"))
    assert not transport.sent
    assert channel.log.anomaly_counts == {AnomalyKind.FLOOD: 1}


async def test_notifications_belong_to_the_open_request_and_reach_listeners(fake: Callable) -> None:
    channel, _ = fake()
    heard: list[dict] = []
    stop = channel.on_notification(heard.append)
    told = {"method": "notifications/progress", "params": {"progress": 1}}
    exchange = await ask(channel, line(**told), line(id=1, result={}))
    stop()
    channel.line_received(line(**told))
    assert [message["method"] for message in exchange.related] == ["notifications/progress"]
    assert len(heard) == 1
    assert channel.log.message_count == 2


async def test_a_flood_of_notifications_is_bounded_in_memory_and_slowed_down(fake: Callable) -> None:
    channel, transport = fake(limits=Limits(samples=10, messages_per_s=100))
    for _ in range(150):
        channel.line_received(line(method="notifications/message"))
    assert channel.log.message_count == 150
    assert len(channel.log.server_messages) == 10
    assert len(transport.slowed) >= 1
    assert channel.log.anomaly_counts[AnomalyKind.FLOOD] >= 1


async def test_big_notifications_are_counted_and_not_kept(fake: Callable) -> None:
    channel, _ = fake(limits=Limits(line_bytes=10_000))
    for _ in range(20):
        channel.line_received(line(method="notifications/message", params={"data": "x" * 3_000}))
    assert channel.log.message_count == 20
    assert len(channel.log.server_messages) == 3


async def test_the_log_drops_the_oldest_exchanges_beyond_its_bytes(fake: Callable) -> None:
    channel, _ = fake(answer, limits=Limits(log_bytes=300))
    for _ in range(10):
        await channel.request("ping")
    assert 1 <= len(channel.log.exchanges) <= 3
    assert channel.log.exchanges[-1].id == 10
