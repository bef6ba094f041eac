"""Requests that wait for their answers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from mcp_assay.wire.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.faults import Fault
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.messages import RequestId

_REMEMBERED_IDS = 1_000


class Pending:
    """A request, or a raw probe, that waits for its answer.

    Attributes:
        id: The request's id, None for a probe.
        method: The request's method.
        sent: Its raw bytes.
        sent_at: When it was handed to the transport.
        future: Becomes the exchange.
        related: What the server sent on its own meanwhile.
        related_bytes: Raw size of it.
        background: Whether it stays open for long, so that nothing unaddressed can be meant for it.
    """

    __slots__ = ("background", "future", "id", "method", "related", "related_bytes", "sent", "sent_at")

    def __init__(self, request_id: RequestId | None, method: str, sent: bytes, sent_at: float) -> None:
        self.id = request_id
        self.method = method
        self.sent = sent
        self.sent_at = sent_at
        self.related: list[JsonObject] = []
        self.related_bytes = 0
        self.background = False
        self.future: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()

    def answered(self, message: JsonObject, raw: bytes, http: HttpMeta | None, at: float) -> Exchange:
        """Return the exchange of an answered request."""
        return Exchange(
            method=self.method,
            id=self.id,
            sent=self.sent,
            sent_at=self.sent_at,
            ended_at=at,
            raw=raw,
            message=message,
            related=tuple(self.related),
            http=http,
        )

    def failed(self, fault: Fault, at: float, raw: bytes = b"", http: HttpMeta | None = None) -> Exchange:
        """Return the exchange of a request that got no usable answer."""
        return Exchange(
            method=self.method,
            id=self.id,
            sent=self.sent,
            sent_at=self.sent_at,
            ended_at=at,
            raw=raw,
            fault=fault,
            related=tuple(self.related),
            http=http,
        )

    def resolve(self, exchange: Exchange) -> None:
        """Wake the waiter unless it has gone."""
        if not self.future.done():
            self.future.set_result(exchange)


class Probe(Pending):
    """A raw probe: it takes the first message that no request awaits.

    Attributes:
        until: Which message it takes.
    """

    __slots__ = ("until",)

    def __init__(self, label: str, sent: bytes, sent_at: float, until: Callable[[JsonObject], bool]) -> None:
        super().__init__(None, f"<{label}>", sent, sent_at)
        self.until = until


class PendingTable:
    """The open requests of one connection, and the ids of those that are over.

    Attributes:
        open: The open requests by id.
        probes: The raw probes that wait, oldest first.
    """

    def __init__(self) -> None:
        self.open: dict[RequestId, Pending] = {}
        self.probes: list[Probe] = []
        self._background = 0
        self._answered: deque[RequestId] = deque(maxlen=_REMEMBERED_IDS)
        self._expired: deque[RequestId] = deque(maxlen=_REMEMBERED_IDS)

    def add(self, pending: Pending, identity: RequestId, background: bool) -> None:
        """Open a request."""
        pending.background = background
        self._background += background
        self.open[identity] = pending

    def remove(self, identity: RequestId) -> Pending | None:
        """Remove and return a request that will not be answered."""
        pending = self.open.pop(identity, None)
        if pending is not None:
            self._background -= pending.background
        return pending

    def take_answered(self, identity: RequestId) -> Pending | None:
        """Remove and return the request with this id, remembering that it was answered."""
        pending = self.remove(identity)
        if pending is not None:
            self._answered.append(identity)
        return pending

    def expire(self, identity: RequestId) -> bool:
        """Give a request up; return whether it was still open."""
        self._expired.append(identity)
        return self.remove(identity) is not None

    def only(self) -> RequestId | None:
        """Return the id of the open request when there is exactly one besides those in the background."""
        if len(self.open) == 1:
            identity, pending = next(iter(self.open.items()))
            return None if pending.background else identity
        if self._background == 0:
            return None
        fore = [identity for identity, pending in self.open.items() if not pending.background]
        return fore[0] if len(fore) == 1 else None

    def probe_for(self, message: JsonObject) -> Probe | None:
        """Return the oldest waiting probe that takes this message."""
        return next((probe for probe in self.probes if not probe.future.done() and probe.until(message)), None)

    def waiting_probe(self) -> Probe | None:
        """Return the oldest waiting probe."""
        return next((probe for probe in self.probes if not probe.future.done()), None)

    def was_expired(self, identity: Json) -> bool:
        """Return whether a request with this id was given up."""
        return type(identity) in {int, str} and identity in self._expired

    def was_answered(self, identity: Json) -> bool:
        """Return whether a request with this id had its answer."""
        return type(identity) in {int, str} and identity in self._answered

    def close_probe(self, probe: Probe, identity: RequestId | None) -> None:
        """Stop waiting for a probe; an answer to the id in its bytes is no stranger from now on."""
        self.probes.remove(probe)
        if identity is not None:
            done = probe.future.done() and not probe.future.cancelled()
            (self._answered if done else self._expired).append(identity)
