"""A long-lived ``subscriptions/listen`` request (2026-07-28)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from mcp_assay.wire.eras import META_SUBSCRIPTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.session import ServerSession

_FOREVER_S = 86_400.0


class Subscription:
    """An open subscription; what it brings goes to the channel's listeners as well.

    Attributes:
        id: Id of the request, which marks every message of the subscription.
        messages: The messages of the subscription so far, the acknowledgement first; bounded by the sample limit.
    """

    def __init__(self, session: ServerSession, request_id: str) -> None:
        self.id = request_id
        self.messages: list[JsonObject] = []
        self._most = session.limits.samples
        self._stop = session.channel.on_notification(self._heard)
        self._first = asyncio.Event()
        self._request: asyncio.Task[Exchange] | None = None

    @classmethod
    async def open(cls, session: ServerSession, notifications: Mapping[str, Json]) -> Subscription:
        """Ask for notifications and wait for the first word, at most the limit for a list.

        Args:
            session: A session of the stateless era.
            notifications: What to listen to, for example ``{"toolsListChanged": True}``.

        Returns:
            The subscription; `acknowledged` is None and `ended` the exchange when the server refused it.
        """
        subscription = cls(session, f"listen-{session.channel.new_id()}")
        subscription._request = asyncio.get_running_loop().create_task(
            session.request(
                "subscriptions/listen",
                {"notifications": dict(notifications)},
                timeout_s=_FOREVER_S,
                request_id=subscription.id,
                background=True,
            )
        )
        first = asyncio.ensure_future(subscription._first.wait())
        try:
            waited = {first, subscription._request}
            await asyncio.wait(waited, timeout=session.limits.list_s, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await subscription.close()
            raise
        finally:
            first.cancel()
        return subscription

    @property
    def acknowledged(self) -> JsonObject | None:
        """The filter that the server agreed to, None before it did."""
        for message in self.messages:
            if message.get("method") == "notifications/subscriptions/acknowledged":
                filters = _object(message.get("params")).get("notifications")
                return filters if isinstance(filters, dict) else {}
        return None

    @property
    def ended(self) -> Exchange | None:
        """How the server ended the subscription, None while it is open."""
        if self._request is None or not self._request.done() or self._request.cancelled():
            return None
        return self._request.result()

    async def close(self) -> Exchange | None:
        """End the subscription; return how the server had ended it, or None when it had not."""
        self._stop()
        ended = self.ended
        if self._request is not None and not self._request.done():
            self._request.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._request
        return ended

    def _heard(self, message: JsonObject) -> None:
        """Keep a message of this subscription."""
        meta = _object(_object(message.get("params")).get("_meta"))
        if meta.get(META_SUBSCRIPTION) == self.id:
            self._first.set()
            if len(self.messages) < self._most:
                self.messages.append(message)


def _object(value: Json) -> JsonObject:
    """Return a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}
