"""One HTTP client per server: bounded, unproxied, and with credentials that stay on their host."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.eras import CLIENT_INFO
from mcp_assay.wire.exchange import HttpMeta
from mcp_assay.wire.http_faults import transport_fault

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.limits import Limits

_MOST_REDIRECTS = 5
_KEEPALIVE_S = 4.0
"""Below Node's 5 s, so that a connection the server is about to close is not used again."""

_HEAD_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD = frozenset({307, 308})


class TooLargeError(Exception):
    """A body is larger than the limit.

    Attributes:
        head: Its first bytes.
        length: How much was read before reading stopped.
    """

    def __init__(self, head: bytes, length: int) -> None:
        super().__init__(f"more than {length:,} bytes")
        self.head = head
        self.length = length


class HttpFaultError(Exception):
    """A request failed for a reason that has a name.

    Attributes:
        fault: The reason.
        meta: Status and headers when there were some.
    """

    def __init__(self, fault: Fault, meta: HttpMeta | None = None) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.meta = meta


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReply:
    """The whole answer to one raw HTTP request.

    Attributes:
        status: Status code.
        headers: Headers in order, names as received.
        body: The body, up to the limit.
        complete: Whether the body ended within the limit and the time.
        fault: Why there is no answer, None when there is one.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    complete: bool = True
    fault: Fault | None = None

    def header(self, name: str) -> str | None:
        """Return a header's first value, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class HttpReply:
    """An answer whose body is still to be read."""

    def __init__(self, response: aiohttp.ClientResponse, limit: int) -> None:
        self._response = response
        self._limit = limit
        self.status = response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in any case."""
        return self._response.headers

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self._response.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def encoding(self) -> str:
        """The content encoding, ``identity`` unless the server compressed what it was asked not to."""
        return self._response.headers.get("Content-Encoding", "identity").strip().lower() or "identity"

    def meta(self, stream: str) -> HttpMeta:
        """Return status and headers as part of an exchange."""
        pairs = tuple(
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            for name, value in self._response.raw_headers
        )
        return HttpMeta(status=self.status, headers=pairs, stream=stream)

    async def body(self) -> bytes:
        """Return the whole body.

        Raises:
            TooLargeError: It is larger than the limit; the rest is not read.
            aiohttp.ClientError: The connection broke.
        """
        chunks, size = list[bytes](), 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > self._limit:
                raise TooLargeError(b"".join([*chunks, chunk])[:4096], size)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def head(self) -> bytes:
        """Return the first bytes of the body, for a message to people; never raises for a broken body."""
        head = b""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async for chunk in self.chunks():
                head += chunk
                if len(head) >= _HEAD_BYTES:
                    break
        return head

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes."""
        return self._response.content.iter_any()


class HttpClient:
    """Requests to one endpoint.

    Attributes:
        url: The endpoint.
        place: Host and port, for messages.
    """

    def __init__(self, launch: Launch, limits: Limits) -> None:
        self._limits = limits
        self._headers = dict(launch.headers)
        self._session: aiohttp.ClientSession | None = None
        try:
            self.url = URL(launch.url or "")
        except ValueError:
            self.url = URL()
        if self.url.scheme not in {"http", "https"} or not self.url.host:
            raise ConnectError(
                Fault(
                    kind=FaultKind.WRONG_ARGUMENTS,
                    message="the server's URL is not valid",
                    hint="give a URL with http:// or https:// and a host",
                )
            )
        self.place = f"{self.url.host}:{self.url.port}"

    @contextlib.asynccontextmanager
    async def open(
        self, method: str, headers: Mapping[str, str], body: bytes | None = None, url: URL | None = None
    ) -> AsyncGenerator[HttpReply]:
        """Send a request and yield the answer once its headers are there.

        Redirects that keep the method are followed within the same origin only, so that credentials go nowhere else.

        Raises:
            HttpFaultError: No answer, or a redirect that is not followed.
        """
        target = url or self.url
        try:
            for _ in range(_MOST_REDIRECTS):
                async with self._http().request(
                    method, target, data=body, headers=self._merged(headers), allow_redirects=False
                ) as response:
                    if response.status not in _REDIRECTS or "Location" not in response.headers:
                        yield HttpReply(response, self._limits.line_bytes)
                        return
                    target = _redirected(response, target, method)
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            raise HttpFaultError(transport_fault(problem, self.place)) from None
        except ValueError as problem:
            fault = Fault(kind=FaultKind.WRONG_ARGUMENTS, message=f"the request cannot be sent: {problem}")
            raise HttpFaultError(fault) from None
        message = f"{self.place} redirects in a circle, {_MOST_REDIRECTS} times"
        raise HttpFaultError(Fault(kind=FaultKind.HTTP, message=message))

    async def raw(
        self, method: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout_s: float
    ) -> RawReply:
        """Send one HTTP request of any shape and return the whole answer as a value; nothing is followed.

        Args:
            method: The HTTP method.
            headers: All headers besides the configured ones and those HTTP itself needs.
            body: The body, or None.
            timeout_s: Seconds for the whole answer; a body that goes on longer is returned as far as it came.
        """
        chunks = list[bytes]()
        head: tuple[int, tuple[tuple[str, str], ...]] = (0, ())
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._http().request(
                    method, self.url, data=body, headers=self._merged(headers), allow_redirects=False
                ) as response,
            ):
                reply = HttpReply(response, self._limits.line_bytes)
                head = (reply.status, reply.meta("raw").headers)
                async for chunk in reply.chunks():
                    chunks.append(chunk)
                    if sum(map(len, chunks)) > self._limits.line_bytes:
                        return RawReply(status=head[0], headers=head[1], body=b"".join(chunks), complete=False)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
            if head[0]:
                return RawReply(status=head[0], headers=head[1], body=b"".join(chunks), complete=False)
            return RawReply(fault=transport_fault(problem, self.place))
        return RawReply(status=head[0], headers=head[1], body=b"".join(chunks))

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _http(self) -> aiohttp.ClientSession:
        """Return the session; it is made late because it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._limits.start_s),
                auto_decompress=False,
                trust_env=False,
                headers={
                    "Accept-Encoding": "identity",
                    "User-Agent": f"{CLIENT_INFO['name']}/{CLIENT_INFO['version']}",
                },
            )
        return self._session

    def _merged(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the configured headers with those of the request; an empty value leaves a header out."""
        if not self._headers:
            return {name: value for name, value in headers.items() if value}
        given = {name.lower() for name in headers}
        kept = {name: value for name, value in self._headers.items() if name.lower() not in given}
        return {**kept, **{name: value for name, value in headers.items() if value}}


def _redirected(response: aiohttp.ClientResponse, source: URL, method: str) -> URL:
    """Return where a redirect leads, when it may be followed.

    Raises:
        HttpFaultError: It leads to another origin, or would turn the request into a GET.
    """
    meta = HttpReply(response, 0).meta("none")
    try:
        target = source.join(URL(response.headers["Location"]))
        same_origin = target.origin() == source.origin()
    except ValueError:
        message = f"HTTP {response.status}: it redirects to something that is no URL"
        raise HttpFaultError(Fault(kind=FaultKind.HTTP, message=message), meta) from None
    if same_origin and (method == "GET" or response.status in _KEEPS_METHOD):
        return target
    shown = str(target.with_user(None).with_query(None).with_fragment(None))
    why = f"in a way that turns {method} into GET" if same_origin else "which is another origin"
    hint = "put that URL into the configuration if it is the intended server; credentials never follow a redirect"
    message = f"HTTP {response.status}: it redirects to {shown}, {why}"
    raise HttpFaultError(Fault(kind=FaultKind.HTTP, message=message, hint=hint), meta)
