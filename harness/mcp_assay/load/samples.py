"""One request under load."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

_LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request and how it ended.

    Attributes:
        started: When it was handed to the transport, seconds on the run's clock.
        ended: When its answer had been read, or waiting ended.
        error: Why it does not count as answered, or None.
        lost: Whether the connection is gone, so that no further call makes sense.
        first_byte_s: Seconds until the first piece of the stream that carried the answer, None without a stream.
    """

    started: float
    ended: float
    error: str | None = None
    lost: bool = False
    first_byte_s: float | None = None


Call: TypeAlias = Callable[[], Awaitable[Sample]]
"""Makes one request and says when it started and ended; it must not raise for what a server does."""


def sample_of(exchange: Exchange) -> Sample:
    """Return a tool call's exchange as a sample; a tool error is an error like any other."""
    if exchange.succeeded:
        return Sample(started=exchange.sent_at, ended=exchange.ended_at, first_byte_s=exchange.first_byte_s)
    fault = exchange.fault
    return Sample(
        started=exchange.sent_at,
        ended=exchange.ended_at,
        error=exchange.describe()[:_LONGEST_ERROR],
        lost=fault is not None and fault.kind.ends_connection,
    )


def tool_call(
    session: ServerSession, tool: str, arguments: Mapping[str, Json], *, timeout_s: float | None = None
) -> Call:
    """Return the call of a tool with always the same arguments."""

    async def call() -> Sample:
        return sample_of(await session.call_tool(tool, arguments, timeout_s=timeout_s))

    return call
