"""HTTP requests of any shape beside the messages of a connection, for what no client would send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from yarl import URL

    from mcp_assay.wire.http_client import HttpClient
    from mcp_assay.wire.http_reply import RawReply


@dataclass(frozen=True, slots=True, kw_only=True)
class RawExchange:
    """One raw HTTP request and its answer.

    Attributes:
        method: The HTTP method.
        url: What was asked.
        headers: The headers besides the configured ones, in order.
        body: What was sent.
        reply: What came back.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reply: RawReply


class RawHttp(Protocol):
    """Sends raw HTTP requests to a server's endpoint."""

    @property
    def url(self) -> URL:
        """The endpoint."""
        ...

    @property
    def session(self) -> str | None:
        """The session id the server gave, None without one."""
        ...

    async def raw(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        timeout_s: float,
        url: URL | None = None,
    ) -> RawReply:
        """Send one HTTP request of any shape and return the whole answer as a value; nothing is followed.

        Args:
            method: The HTTP method.
            headers: All headers besides the configured ones and those HTTP itself needs; an empty one is left out.
            body: The body, empty for none.
            timeout_s: Seconds for the whole answer; a body that goes on longer is returned as far as it came.
            url: Another place of the same origin, None for the endpoint.
        """
        ...


class OwnRequests:
    """Sends raw requests with the client of a connection, and tells of each.

    Attributes:
        url: The endpoint.
        session: The session id the server gave, None without one.
    """

    def __init__(self, client: HttpClient, session: str | None, tell: Callable[[RawExchange], None]) -> None:
        self.url = client.url
        self.session = session
        self._client = client
        self._tell = tell

    async def raw(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        timeout_s: float,
        url: URL | None = None,
    ) -> RawReply:
        """Send one HTTP request; see `RawHttp.raw`."""
        place = url or self.url
        reply = await self._client.raw(method, headers, body, timeout_s=timeout_s, url=place)
        told = RawExchange(method=method, url=str(place), headers=tuple(headers.items()), body=body, reply=reply)
        self._tell(told)
        return reply
