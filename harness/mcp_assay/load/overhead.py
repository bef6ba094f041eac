"""What the harness itself adds to a call: a recorded exchange played back inside this process.

The request crosses a socket pair and the answer a pipe, as with a server on stdio, through the same channel, framer and
parser. The other end answers at once with the bytes the server had sent, so that all the time taken is ours. The other
end's own share is in it, so the figure is an upper bound.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from typing import TYPE_CHECKING, Self, cast

import orjson

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.load.closed import ClosedPlan, closed_loop
from mcp_assay.load.samples import Sample
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.framing import LineFramer
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.transport import CloseReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.load.measurement import Measurement
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.raw_http import RawHttp
    from mcp_assay.wire.transport import Outgoing, Receiver

_CALLS = 200
_BUDGET_S = 0.5
_ID = re.compile(rb'"id":(\d+)')


async def own_cost(
    exchange: Exchange, clock: Clock, *, calls: int = _CALLS, budget_s: float = _BUDGET_S
) -> Measurement:
    """Return the time an answered exchange takes when nobody has to think about the answer.

    The median of the measurement's distribution is the ``overhead_s`` of the report contract.

    Args:
        exchange: An exchange with an answer; its request and answer are played back.
        clock: Source of time.
        calls: How often it is played.
        budget_s: Seconds after which it is not played again.

    Raises:
        ValueError: The exchange has no answer.
    """
    if exchange.message is None:
        raise ValueError("an exchange without an answer cannot be played back")
    params = _params_of(exchange)
    async with _Loopback(exchange.message) as loopback:
        channel = Channel(loopback, Limits(), clock)
        channel.log.recording = False
        loopback.receiver = channel

        async def call() -> Sample:
            played = await channel.request(exchange.method, params)
            return Sample(started=played.sent_at, ended=played.ended_at, error=None if played.message else "lost")

        return await closed_loop(call, ClosedPlan(calls=calls, warm_up=20, budget_s=budget_s), clock)


def _params_of(exchange: Exchange) -> JsonObject | None:
    """Return the parameters of the request as it was sent."""
    request = cast("JsonObject", orjson.loads(exchange.sent))
    params = request.get("params")
    return params if isinstance(params, dict) else None


class _Feed(asyncio.Protocol):
    """Hands on what a pipe delivers."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        self._take(data)


class _Loopback:
    """A transport whose other end is this process.

    Attributes:
        receiver: Takes the answers.
    """

    kind = "loopback"
    raw_http: RawHttp | None = None
    pid: int | None = None
    stderr_tail = ""
    unread_bytes = 0
    partial_bytes = 0

    def __init__(self, answer: JsonObject) -> None:
        rest = {name: value for name, value in answer.items() if name not in {"jsonrpc", "id"}}
        self._answer_tail = orjson.dumps(rest).removeprefix(b"{") + b"\n"
        self._requests = LineFramer(Limits().line_bytes)
        self._answers = LineFramer(Limits().line_bytes)
        self._ends: list[asyncio.BaseTransport] = []
        self._request_end: asyncio.WriteTransport | None = None
        self._answer_end: asyncio.WriteTransport | None = None
        self.receiver: Receiver | None = None

    async def __aenter__(self) -> Self:
        """Open both ways."""
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        answer_out, answer_in = os.pipe()
        self._request_end = await self._writer(loop, near)
        self._answer_end = await self._writer(loop, open(answer_in, "wb", buffering=0))  # noqa: ASYNC230, PTH123, SIM115  (a pipe)
        await self._reader(loop, far, self._request_received)
        await self._reader(loop, open(answer_out, "rb", buffering=0), self._answer_received)  # noqa: ASYNC230, PTH123, SIM115  (a pipe)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close both ways."""
        await self.close()

    def send(self, message: Outgoing) -> None:
        """Write the request."""
        if self._request_end is not None:
            self._request_end.write(message.data)

    def use_version(self, version: str) -> None:
        """Do nothing: no revision shows on a pipe."""

    def abandon(self, request_id: RequestId) -> None:
        """Do nothing: every request is answered."""

    def slow_down(self, seconds: float) -> None:
        """Do nothing: what comes was asked for."""

    async def close(self) -> CloseReport:
        """Close every end."""
        for end in self._ends:
            end.close()
        await asyncio.sleep(0)
        if self.receiver is not None:
            self.receiver.connection_ended(Fault(kind=FaultKind.CLOSED, message="the loopback was closed"))
        return CloseReport(seconds=0.0, needed="exit")

    async def _writer(self, loop: asyncio.AbstractEventLoop, end: object) -> asyncio.WriteTransport:
        """Return the transport that writes into a pipe or socket."""
        transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, end)
        self._ends.append(transport)
        return transport

    async def _reader(self, loop: asyncio.AbstractEventLoop, end: object, take: Callable[[bytes], None]) -> None:
        """Deliver what a pipe or socket brings."""
        transport, _ = await loop.connect_read_pipe(lambda: _Feed(take), end)
        self._ends.append(transport)

    def _request_received(self, data: bytes) -> None:
        """Answer each whole request at once."""
        for line in self._requests.feed(data):
            identity = _ID.search(line) if isinstance(line, bytes) else None
            if identity is not None and self._answer_end is not None:
                self._answer_end.write(b'{"jsonrpc":"2.0","id":' + identity.group(1) + b"," + self._answer_tail)

    def _answer_received(self, data: bytes) -> None:
        """Hand each whole answer to the channel."""
        if self.receiver is not None:
            for line in self._answers.feed(data):
                self.receiver.line_received(line)
