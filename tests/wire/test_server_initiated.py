"""What a server asks of us and tells us on its own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.eras import META_CAPABILITIES, META_LOG_LEVEL, META_SUBSCRIPTION
from mcp_assay.wire.negotiation import negotiate
from mcp_assay.wire.session import ServerSession
from mcp_assay.wire.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio

ASK = {"method": "elicitation/create", "params": {"message": "Name?", "requestedSchema": {"type": "object"}}}


def line(**members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


def modern(*results: dict, repeat: bool = False) -> Callable[[dict], bytes | None]:
    """Answer server/discover, then each further request with the next result."""
    left = list(results)

    def reply(request: dict) -> bytes | None:
        if request["method"] == "initialize":
            return line(id=request["id"], error={"code": -32601, "message": "no"})
        if request["method"] == "server/discover":
            return line(id=request["id"], result={"supportedVersions": ["2026-07-28"], "capabilities": {}})
        result = left[0] if repeat else left.pop(0)
        return None if result is None else line(id=request["id"], result=result)

    return reply


async def session_of(
    fake: Callable, reply: Callable, callbacks: Callbacks | None = None
) -> tuple[ServerSession, object]:
    callbacks = callbacks or Callbacks()
    channel, transport = fake(reply, responder=callbacks)
    agreement = await negotiate(channel, timeout_s=2, callbacks=callbacks)
    session = ServerSession(
        name="x", channel=channel, agreement=agreement, limits=channel._limits, started_s=0, callbacks=callbacks
    )
    return session, transport


@pytest.mark.parametrize(
    ("version", "declared"),
    [("2024-11-05", {"roots", "sampling"}), ("2025-06-18", {"roots", "sampling", "elicitation"})],
)
async def test_what_we_offer_is_declared_as_far_as_the_revision_knows_it(version: str, declared: set[str]) -> None:
    assert set(Callbacks.declining().capabilities(version)) == declared
    assert Callbacks().capabilities(version) == {}


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("roots/list", {"result": {"roots": []}}),
        ("elicitation/create", {"result": {"action": "decline"}}),
        ("sampling/createMessage", {"error": {"code": -1, "message": "the user rejected the sampling request"}}),
        ("x/unknown", {"error": {"code": -32601, "message": "this client does not offer x/unknown"}}),
    ],
)
async def test_everything_is_declined_in_the_words_of_the_protocol(fake: Callable, method: str, answer: dict) -> None:
    channel, transport = fake(responder=Callbacks.declining())
    channel.line_received(line(id=9, method=method, params={}))
    assert transport.messages() == [{"jsonrpc": "2.0", "id": 9, **answer}]


@pytest.mark.parametrize("method", ["roots/list", "elicitation/create", "sampling/createMessage"])
async def test_what_was_not_declared_is_not_offered(fake: Callable, method: str) -> None:
    channel, transport = fake(responder=Callbacks())
    channel.line_received(line(id=9, method=method))
    assert transport.messages()[0]["error"]["code"] == -32601


async def test_input_that_a_tool_asks_for_is_given_with_its_state(fake: Callable) -> None:
    asked = {"resultType": "input_required", "inputRequests": {"k": ASK}, "requestState": "s1"}
    done = {"resultType": "complete", "content": []}
    callbacks = Callbacks(elicitation=lambda params: {"action": "accept", "content": {"of": params["message"]}})
    session, transport = await session_of(fake, modern(asked, done), callbacks)
    exchange = await session.call_tool("t", {"a": 1})
    assert exchange.result == done
    again = transport.messages()[-1]["params"]
    assert again["inputResponses"] == {"k": {"action": "accept", "content": {"of": "Name?"}}}
    assert (again["requestState"], again["name"], again["arguments"]) == ("s1", "t", {"a": 1})
    assert again["_meta"][META_CAPABILITIES] == {"elicitation": {}}


async def test_input_that_nobody_gives_leaves_the_first_answer(fake: Callable) -> None:
    asked = {"resultType": "input_required", "inputRequests": {"k": ASK}}
    session, _ = await session_of(fake, modern(asked))
    assert (await session.call_tool("t")).result == asked


async def test_a_tool_that_never_has_enough_is_asked_ten_times_more(fake: Callable) -> None:
    asked = {"resultType": "input_required", "inputRequests": {"k": ASK}}
    session, transport = await session_of(fake, modern(asked, repeat=True), Callbacks.declining())
    assert (await session.call_tool("t")).result == asked
    assert [message["method"] for message in transport.messages()].count("tools/call") == 11


@pytest.mark.parametrize("requests", [[], "x", {"k": 1}, {"k": {"method": "x/y"}}, {"k": {}}])
async def test_malformed_input_requests_end_the_rounds(fake: Callable, requests: object) -> None:
    asked = {"resultType": "input_required", "inputRequests": requests}
    session, _ = await session_of(fake, modern(asked, {}), Callbacks.declining())
    exchange = await session.call_tool("t")
    assert exchange.result in (asked, {})


async def test_progress_is_asked_for_with_a_token_and_related_to_the_call(fake: Callable) -> None:
    session, transport = await session_of(fake, modern(None))
    task = asyncio.ensure_future(session.call_tool("t", progress_token="p", timeout_s=2))
    await asyncio.sleep(0)
    call = transport.messages()[-1]
    session.channel.line_received(line(method="notifications/progress", params={"progressToken": "p", "progress": 1}))
    session.channel.line_received(line(id=call["id"], result={}))
    assert call["params"]["_meta"]["progressToken"] == "p"
    assert len((await task).related) == 1


async def test_the_log_level_goes_with_each_request_in_the_stateless_era(fake: Callable) -> None:
    session, transport = await session_of(fake, modern({}))
    assert await session.set_log_level("debug") is None
    await session.request("tools/list")
    assert transport.messages()[-1]["params"]["_meta"][META_LOG_LEVEL] == "debug"


async def test_a_subscription_collects_what_carries_its_id(fake: Callable) -> None:
    session, transport = await session_of(fake, modern(None))
    opening = asyncio.ensure_future(Subscription.open(session, {"toolsListChanged": True}))
    for _ in range(5):
        await asyncio.sleep(0)
    request = transport.messages()[-1]

    def tell(method: str, identity: str) -> None:
        params = {"_meta": {META_SUBSCRIPTION: identity}, "notifications": {"toolsListChanged": True}}
        session.channel.line_received(line(method=method, params=params))

    tell("notifications/subscriptions/acknowledged", request["id"])
    subscription = await opening
    tell("notifications/tools/list_changed", request["id"])
    tell("notifications/tools/list_changed", "other")
    assert subscription.acknowledged == {"toolsListChanged": True}
    assert len(subscription.messages) == 2
    assert await subscription.close() is None
    assert transport.messages()[-1]["method"] == "notifications/cancelled"
    assert session.channel.open_requests == 0


async def test_a_refused_subscription_is_known_by_its_exchange(fake: Callable) -> None:
    session, _ = await session_of(fake, modern({"resultType": "complete"}))
    subscription = await Subscription.open(session, {})
    assert subscription.acknowledged is None
    assert subscription.ended.result == {"resultType": "complete"}
    await subscription.close()


async def test_a_long_lived_request_takes_no_blame_for_stray_answers(fake: Callable) -> None:
    channel, _ = fake()
    listening = asyncio.ensure_future(channel.request("listen", background=True, request_id="l"))
    task = asyncio.ensure_future(channel.request("tools/call"))
    await asyncio.sleep(0)
    channel.line_received(b'{"jsonrpc":"2.0","id":1,"result":{')
    assert (await task).fault is not None
    channel.line_received(b'{"jsonrpc":"2.0","id":77,"result":{}}')
    assert not listening.done()
    listening.cancel()
    await asyncio.wait({listening})
