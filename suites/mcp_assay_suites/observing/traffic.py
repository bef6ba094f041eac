"""Everything a server sent so far, on the live connection and in the interview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_assay.core.faults import FaultKind
from mcp_assay_suites.observing.asks import GUARDED
from mcp_assay_suites.observing.interview import Interview
from mcp_assay_suites.observing.listening import Listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.log import WireLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message of a server.

    Attributes:
        message: The parsed message.
        raw: Its raw bytes.
        exchange: The exchange it answers, None for what the server sent on its own.
        at: When it came, on the clock of its connection.
    """

    message: JsonObject
    raw: bytes
    exchange: Exchange | None = None
    at: float = 0.0

    @property
    def method(self) -> str:
        """The message's own method, empty for an answer."""
        method = self.message.get("method")
        return method if isinstance(method, str) else ""

    @property
    def name(self) -> str:
        """What the message is, for a finding."""
        return f"the answer to {self.exchange.method}" if self.exchange is not None else f"{self.message.get('method')}"

    def evidence(self) -> Mapping[str, Any]:
        """Return the exchange, or the message alone, as JSON for a report."""
        if self.exchange is not None:
            return self.exchange.evidence()
        return {"method": str(self.message.get("method")), "message": raw_text(self.raw)}


def logs(server: ServerUnderTest) -> tuple[WireLog, ...]:
    """Return what was seen on the live connection, on those before it and, when it was held, in the interview."""
    session = server.managed.session
    live = () if session is None else (session.log,)
    held = server.memory.get(Interview.__qualname__)
    heard = server.memory.get(Listening.__qualname__)
    interviewed = held.logs if isinstance(held, Interview) else ()
    listened = (heard.log,) if isinstance(heard, Listening) and heard.log is not None else ()
    return (*server.past_logs, *live, *interviewed, *listened)


def received(server: ServerUnderTest) -> Iterator[Received]:
    """Yield every message that is kept."""
    for log in logs(server):
        for exchange, message in log.answers():
            yield Received(message=message, raw=exchange.raw, exchange=exchange, at=exchange.ended_at)
        for sent in log.server_messages:
            yield Received(message=sent.message, raw=sent.raw, at=sent.at)


def proper_results(server: ServerUnderTest) -> list[Exchange]:
    """Return the exchanges in which a proper request was answered by a result."""
    held = server.memory.get(Interview.__qualname__)
    deliberate = {id(one) for one in held.deliberate} if isinstance(held, Interview) else set[int]()
    session = server.managed.session
    undeclared = {ask.method for ask in GUARDED.values() if session is None or not session.offers(ask.capability)}
    return [
        item.exchange
        for item in received(server)
        if item.exchange is not None
        and item.exchange.result is not None
        and item.exchange.id is not None
        and id(item.exchange) not in deliberate
        and item.exchange.method not in undeclared
    ]


def garbled(server: ServerUnderTest, exchange: Exchange) -> bool:
    """Return whether an exchange lacks an answer while something came that could not be read as one.

    Then the request is not unanswered: what came is a finding of its own.
    """
    if exchange.fault is None:
        return False
    accepted = exchange.http is not None and exchange.http.status < 300
    if accepted or exchange.fault.kind in {FaultKind.UNREADABLE, FaultKind.OVERSIZED}:
        return True
    within = [
        found for log in logs(server) for found in log.anomalies if exchange.sent_at <= found.at <= exchange.ended_at
    ]
    return exchange.fault.kind is FaultKind.TIMEOUT and bool(within)


def raw_text(raw: bytes) -> str:
    """Return raw bytes as text, with what is no UTF-8 escaped."""
    return raw[:2_000].decode("utf-8", "backslashreplace")
