"""Sending what no client sends, and seeing whether the server is still there afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.eras import Era
from mcp_assay.wire.exchange import Exchange
from mcp_assay.wire.messages import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.wire.session import ServerSession

_GRACE_S = 0.3
"""A server answers lines in order, or nearly so: this long after the next request's answer, silence is silence."""

_PATIENCE = 10.0
"""How many times as long as for a sign of life a server may take for what it is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """How a server took something odd.

    Attributes:
        answer: The exchange with what came back; a `FaultKind.TIMEOUT` fault when nothing did.
        after: The request that followed at once, to see whether the server still answers.
    """

    answer: Exchange
    after: Exchange

    @property
    def silent(self) -> bool:
        """Whether nothing came back although the server goes on."""
        return self.answer.fault is not None and self.answer.fault.kind is FaultKind.TIMEOUT and self.survived

    @property
    def survived(self) -> bool:
        """Whether the next request was answered."""
        return self.after.message is not None


def heartbeat_method(session: ServerSession) -> str:
    """Return the cheapest request that a server of this era must answer."""
    return "ping" if session.agreement.era is Era.HANDSHAKE else "server/discover"


async def heartbeat(session: ServerSession) -> Exchange:
    """Ask for a sign of life and return the exchange; any answer is one, an error too."""
    return await session.request(heartbeat_method(session), timeout_s=session.limits.list_s)


class Patience:
    """Asks questions that a server may rightly leave open: on a busy machine silence is no answer yet.

    What is not answered in time is asked once more, with more time when a sign of life took long too. A server that
    gives no sign of life at all gets one long wait, so that one that hangs costs a bounded time.
    """

    def __init__(self) -> None:
        self._spent = False

    async def asked(self, session: ServerSession, ask: Callable[[float], Awaitable[Exchange]]) -> Exchange:
        """Return the exchange of a question.

        Args:
            session: The session that is asked.
            ask: Asks, waiting for so many seconds.
        """
        limits = session.limits
        exchange = await ask(limits.probe_s)
        if self._spent or exchange.fault is None or exchange.fault.kind is not FaultKind.TIMEOUT:
            return exchange
        sign = await heartbeat(session)
        again = await ask(max(limits.probe_s, min(limits.list_s, _PATIENCE * sign.duration_s)))
        self._spent = sign.message is None and again.message is None
        return again


async def react(session: ServerSession, data: bytes, *, label: str) -> Reaction:
    """Send raw bytes and a proper request behind them, and return what came back.

    Args:
        session: A session of an instance that may be spoilt.
        data: What to write, with its newline.
        label: What the probe is called in evidence.
    """
    channel, limits = session.channel, session.limits
    probe = asyncio.ensure_future(channel.probe(data, label=label, timeout_s=limits.list_s))
    await asyncio.sleep(0)  # the probe goes out before the request behind it
    after = await heartbeat(session)
    # Over HTTP each message is answered on its own, in no order, and always by a status, which a busy machine delays.
    in_order = channel.transport.kind == "stdio"
    late_s = max(limits.probe_s, min(limits.list_s, _PATIENCE * after.duration_s))
    done, _ = await asyncio.wait({probe}, timeout=_GRACE_S if in_order else late_s)
    if not done:
        probe.cancel()
        await asyncio.wait({probe})
    answer = _silence(label, data, after) if probe.cancelled() else probe.result()
    if answer.fault is not None and answer.fault.kind is FaultKind.TIMEOUT:
        answer = _silence(label, data, after)
    return Reaction(answer=answer, after=after)


def message(**members: Json) -> bytes:
    """Return a JSON object as one line; nothing is added to it."""
    return encode(members)


def enveloped(session: ServerSession, params: Mapping[str, Json] | None = None) -> Mapping[str, Json]:
    """Return parameters with what the session's era adds to them, empty rather than missing."""
    return session.with_envelope(params) or {}


def _silence(label: str, data: bytes, after: Exchange) -> Exchange:
    """Return the exchange of a probe that nothing answered."""
    silence = Fault(kind=FaultKind.TIMEOUT, message="nothing came back, while the next request was answered")
    return Exchange(
        method=f"<{label}>", id=None, sent=data, sent_at=after.sent_at, ended_at=after.ended_at, fault=silence
    )
