"""One HTTP client per server: bounded, unproxied, and with credentials that stay on their host."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from typing import TYPE_CHECKING

from yarl import URL

from mcp_assay.config.authorization import authorization_of
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.eras import CLIENT_INFO
from mcp_assay.wire.http_connection import BrokenAnswerError, HttpConnection
from mcp_assay.wire.http_cookies import Cookies
from mcp_assay.wire.http_faults import transport_fault
from mcp_assay.wire.http_reply import HttpReply, RawReply
from mcp_assay.wire.oauth.renewal import not_renewed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.oauth.renewal import Credentials

_MOST_REDIRECTS = 5
_KEEPALIVE_S = 4.0
"""Below Node's 5 s, so that a connection the server is about to close is not used again."""

_STANDING = {
    "Accept-Encoding": "identity",
    "User-Agent": f"{CLIENT_INFO['name']}/{CLIENT_INFO['version']}",
}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses that name another place."""

_KEEPS_METHOD = frozenset({307, 308})
_UNAUTHORIZED = 401


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


class HttpClient:
    """Requests to one endpoint, over connections that are kept for the next one.

    Attributes:
        url: The endpoint.
        place: Host and port, for messages.
    """

    def __init__(self, launch: Launch, limits: Limits, credentials: Credentials | None = None) -> None:
        self._limits = limits
        self._credentials = credentials
        self.url = _checked_url(launch.url)
        self.place = f"[{host}]:{self.url.port}" if ":" in (host := self.url.host or "") else f"{host}:{self.url.port}"
        self._cookies = Cookies(self.url)
        self._standing = {**_basic(self.url), **launch.headers}
        if credentials is not None:
            credentials.hold()
        self._tls = ssl.create_default_context() if self.url.scheme == "https" else None
        self._idle: list[HttpConnection] = []
        self._open: set[HttpConnection] = set()
        self._closed = False

    @contextlib.asynccontextmanager
    async def open(
        self, method: str, headers: Mapping[str, str], body: bytes = b"", url: URL | None = None
    ) -> AsyncGenerator[HttpReply]:
        """Send a request and yield the answer once its headers are there.

        Redirects that keep the method are followed within the same origin only, so that credentials go nowhere else.

        A request that is refused because its token has expired is repeated once, with a new one; one whose token ended
        by the clock gets a new one beforehand.

        Raises:
            HttpFaultError: No answer, a redirect that is not followed, or a token that cannot be renewed.
        """
        target, renewed = url or self.url, False
        await self._be_ready()
        try:
            for _ in range(_MOST_REDIRECTS):
                sent = self.authorization
                async with self._exchange(method, target, headers, body) as reply:
                    if not renewed and await self._renewed(reply.status, headers, sent):
                        renewed = True
                        continue
                    location = reply.header("location") if reply.status in REDIRECTS else None
                    if location is None:
                        yield reply
                        return
                    target = _redirected(reply, location, target, method)
        except (BrokenAnswerError, OSError) as problem:
            raise HttpFaultError(transport_fault(problem, self.place)) from None
        except ValueError as problem:
            fault = Fault(kind=FaultKind.WRONG_ARGUMENTS, message=f"the request cannot be sent: {problem}")
            raise HttpFaultError(fault) from None
        message = f"{self.place} redirects in a circle, {_MOST_REDIRECTS} times"
        raise HttpFaultError(Fault(kind=FaultKind.HTTP, message=message))

    async def raw(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        timeout_s: float,
        url: URL | None = None,
    ) -> RawReply:
        """Send one HTTP request and return the whole answer as a value; see `mcp_assay.wire.raw_http.RawHttp`."""
        await self._be_ready()
        sent = self.authorization
        reply = await self._raw_once(method, headers, body, timeout_s=timeout_s, url=url)
        try:
            again = await self._renewed(reply.status, headers, sent)
        except HttpFaultError as problem:
            return RawReply(fault=problem.fault)
        return await self._raw_once(method, headers, body, timeout_s=timeout_s, url=url) if again else reply

    async def _raw_once(
        self, method: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float, url: URL | None
    ) -> RawReply:
        """Send one HTTP request with the token as it is."""
        chunks = list[bytes]()
        reply: HttpReply | None = None
        try:
            async with asyncio.timeout(timeout_s), self._exchange(method, url or self.url, headers, body) as reply:
                size = 0
                async for chunk in reply.chunks():
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > self._limits.line_bytes:
                        return _raw_reply(reply, chunks, complete=False)
        except (BrokenAnswerError, OSError, ValueError) as problem:
            if reply is not None:
                return _raw_reply(reply, chunks, complete=False)
            return RawReply(fault=transport_fault(problem, self.place))
        return _raw_reply(reply, chunks, complete=True)

    @property
    def authorization(self) -> str:
        """The value of the configured header ``Authorization``, which changes with the token; empty without one."""
        return authorization_of(self._headers)

    @property
    def cookie(self) -> str:
        """The value of the header ``Cookie``, which changes with what the server sets; empty without one."""
        return self._cookies.header

    def may_renew(self, status: int) -> bool:
        """Return whether an answer says that the token is no longer good, and there is another to be had."""
        return status == _UNAUTHORIZED and self._credentials is not None

    async def _be_ready(self) -> None:
        """Have a token that is good by the clock, where there is one to be had."""
        if self._credentials is not None:
            await self._credentials.be_ready()

    async def _renewed(self, status: int, headers: Mapping[str, str], sent: str) -> bool:
        """Get a new token when an answer to the one that was sent says so; return whether there is one.

        Raises:
            HttpFaultError: There is none to be had.
        """
        own = any(name.lower() == "authorization" for name in headers)
        if self._credentials is None or not self.may_renew(status) or own:
            return False
        try:
            return await self._credentials.renew(sent)
        except ConnectError as problem:
            raise HttpFaultError(not_renewed(problem.fault)) from None

    @property
    def _headers(self) -> Mapping[str, str]:
        """The configured headers, with the token of now."""
        return self._standing if self._credentials is None else {**_basic(self.url), **self._credentials.headers}

    async def close(self) -> None:
        """Close every connection."""
        for connection in (*self._idle, *self._open):
            connection.close()
        self._idle.clear()
        # The event loop closes sockets in its next turn.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self._credentials is not None and not self._closed:
            self._closed = True
            await self._credentials.release()

    def prefix(self, headers: Mapping[str, str]) -> bytes:
        """Return what every POST with these headers starts with, for `begin`.

        Raises:
            ValueError: A header has a line end in it.
        """
        return _prefix("POST", self.url, self._merged(headers, self.cookie))

    def begin(self, prefix: bytes, body: bytes, listener: Callable[[HttpConnection], None]) -> HttpConnection | None:
        """POST over a connection that was kept; the quick way for the many calls that need no care.

        Args:
            prefix: From `prefix`.
            body: The body.
            listener: Called once, in the event loop, when the headers are there or will never be. It must end with
                `release` or `resume`.

        Returns:
            The connection, or None when none is idle, or when a token has to be waited for.
        """
        if self._credentials is not None:
            self._credentials.look_ahead()
            if self._credentials.ended:
                return None
        connection = self._idle_connection()

        def heard(connection: HttpConnection) -> None:
            self._cookies.take(self.url, connection.headers)
            listener(connection)

        if connection is not None:
            self._open.add(connection)
            connection.send(b"%sContent-Length: %d\r\n\r\n%s" % (prefix, len(body), body), heard)
        return connection

    def release(self, connection: HttpConnection) -> None:
        """Keep a connection for the next exchange when it can carry one, otherwise close it."""
        self._open.discard(connection)
        if connection.reusable:
            self._idle.append(connection)
        else:
            connection.close()

    @contextlib.asynccontextmanager
    async def resume(self, connection: HttpConnection) -> AsyncGenerator[HttpReply]:
        """Yield the answer to a POST begun with `begin`, and release the connection.

        Raises:
            HttpFaultError: No answer, or a broken one.
        """
        try:
            await connection.head()
            yield HttpReply(connection, self._limits.line_bytes)
        except (BrokenAnswerError, OSError) as problem:
            raise HttpFaultError(transport_fault(problem, self.place)) from None
        finally:
            self.release(connection)

    @contextlib.asynccontextmanager
    async def _exchange(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> AsyncGenerator[HttpReply]:
        """Carry one exchange; a connection whose answer was not read to its end is closed.

        Raises:
            BrokenAnswerError: No answer in HTTP.
            OSError: No connection, or a broken one.
            ValueError: A header cannot be sent.
        """
        request = _prefix(method, url, self._merged(headers, self._cookies.of(url)))
        length = b"Content-Length: %d\r\n" % len(body) if body or method == "POST" else b""
        connection = self._idle_connection() or await self._new_connection()
        self._open.add(connection)
        try:
            connection.send(b"%s%s\r\n%s" % (request, length, body))
            await connection.head()
            self._cookies.take(url, connection.headers)
            yield HttpReply(connection, self._limits.line_bytes)
        finally:
            self.release(connection)

    def _idle_connection(self) -> HttpConnection | None:
        """Return a connection that was kept and that the server will not have closed meanwhile."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and now - connection.idle_since < _KEEPALIVE_S:
                return connection
            connection.close()
        return None

    async def _new_connection(self) -> HttpConnection:
        """Return a new connection.

        Raises:
            OSError: No connection in time.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._limits.start_s):
            _, connection = await loop.create_connection(
                HttpConnection, self.url.host or "", self.url.port or 0, ssl=self._tls
            )
        return connection

    def _merged(self, headers: Mapping[str, str], cookie: str) -> dict[str, str]:
        """Return the configured headers with those of the request; an empty value leaves a header out.

        A request with credentials of its own goes without the cookies of others.
        """
        given = {name.lower() for name in headers}
        kept = {name: value for name, value in self._headers.items() if name.lower() not in given}
        if cookie and "authorization" not in given and not any(name.lower() == "cookie" for name in (*kept, *headers)):
            kept["Cookie"] = cookie
        return {**_STANDING, **kept, **{name: value for name, value in headers.items() if value}}


def _checked_url(text: str | None) -> URL:
    """Return a configured URL.

    Raises:
        ConnectError: It is none for HTTP.
    """
    with contextlib.suppress(ValueError):
        url = URL(text or "")
        if url.scheme in {"http", "https"} and url.host:
            return url
    raise ConnectError(
        Fault(
            kind=FaultKind.WRONG_ARGUMENTS,
            message="the server's URL is not valid",
            hint="give a URL with http:// or https://, a host and, where it has one, a port up to 65535",
        )
    )


def _basic(url: URL) -> dict[str, str]:
    """Return the header for the user and password in a URL, when there are some."""
    if url.user is None:
        return {}
    pair = f"{url.user}:{url.password or ''}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}


def _prefix(method: str, url: URL, headers: Mapping[str, str]) -> bytes:
    """Return a request line and its headers, but for the length of the body.

    Raises:
        ValueError: A header has a line end in it.
    """
    host = next((value for name, value in headers.items() if name.lower() == "host"), url.host_port_subcomponent)
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "host"]
    if any("\r" in line or "\n" in line or "\0" in line for line in lines):
        raise ValueError("a header holds a line end or a NUL character")
    return "\r\n".join([*lines, ""]).encode("utf-8", "surrogateescape")


def _raw_reply(reply: HttpReply, chunks: list[bytes], *, complete: bool) -> RawReply:
    """Return an answer as a value."""
    return RawReply(status=reply.status, headers=reply.meta("raw").headers, body=b"".join(chunks), complete=complete)


def _redirected(reply: HttpReply, location: str, source: URL, method: str) -> URL:
    """Return where a redirect leads, when it may be followed.

    Raises:
        HttpFaultError: It leads to another origin, or would turn the request into a GET.
    """
    meta = reply.meta("none")
    try:
        target = source.join(URL(location))
        same_origin = target.origin() == source.origin()
    except ValueError:
        message = f"HTTP {reply.status}: it redirects to something that is no URL"
        raise HttpFaultError(Fault(kind=FaultKind.HTTP, message=message), meta) from None
    if same_origin and (method == "GET" or reply.status in _KEEPS_METHOD):
        return target
    shown = str(target.with_user(None).with_query(None).with_fragment(None))
    why = f"in a way that turns {method} into GET" if same_origin else "which is another origin"
    hint = "put that URL into the configuration if it is the intended server; credentials never follow a redirect"
    message = f"HTTP {reply.status}: it redirects to {shown}, {why}"
    raise HttpFaultError(Fault(kind=FaultKind.HTTP, message=message, hint=hint), meta)
