"""Arbitrary bytes from a server: nothing raises, nothing waits for ever, nothing is kept beyond the limits."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_assay.core.clock import SystemClock
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.channel import Channel
from mcp_assay.wire.framing import LineFramer
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.transport import CloseReport

if TYPE_CHECKING:
    from mcp_assay.wire.transport import Outgoing


class _Silent:
    """A transport that goes nowhere."""

    kind, pid, stderr_tail, unread_bytes, partial_bytes = "fake", None, "", 0, 0

    def send(self, message: Outgoing) -> None: ...
    def abandon(self, request_id: object) -> None: ...
    def slow_down(self, seconds: float) -> None: ...
    async def close(self) -> CloseReport:
        return CloseReport(seconds=0, needed="exit")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 6) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "1.0"]),
        "id": _JSON,
        "method": st.sampled_from(["ping", "x"]) | _JSON,
        "result": _JSON,
        "error": _JSON,
        "params": _JSON,
    },
).map(lambda message: json.dumps(message).encode() + b"\n")
_STREAM = st.lists(st.binary(max_size=60) | _MESSAGE | st.just(b"\n") | st.just(b'{"jsonrpc"'), max_size=12)


@given(stream=_STREAM, cut=st.integers(1, 50))
@settings(max_examples=150)
def test_whatever_comes_every_request_ends_and_nothing_raises(stream: list[bytes], cut: int) -> None:
    limits = Limits(line_bytes=200, samples=5, log_bytes=2_000)

    async def run() -> None:
        channel = Channel(_Silent(), limits, SystemClock())
        framer = LineFramer(limits.line_bytes)
        tasks = [asyncio.ensure_future(channel.request("m", timeout_s=30)) for _ in range(3)]
        tasks.append(asyncio.ensure_future(channel.probe(b"{\n", label="p", timeout_s=30)))
        await asyncio.sleep(0)
        data = b"".join(stream)
        for start in range(0, len(data), cut):
            for said in framer.feed(data[start : start + cut]):
                channel.line_received(said)
            assert sum(map(len, framer._chunks)) <= limits.line_bytes
        channel.connection_ended(Fault(kind=FaultKind.CLOSED, message="over"))
        for exchange in await asyncio.wait_for(asyncio.gather(*tasks), 10):
            assert (exchange.message is None) is (exchange.fault is not None)
            exchange.describe()
            exchange.evidence()
        assert channel.open_requests == 0
        assert len(channel.log.anomalies) <= limits.samples
        assert sum(len(kept.raw) for kept in channel.log.server_messages) <= limits.line_bytes

    asyncio.run(run())
