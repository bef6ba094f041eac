"""Bare clients over Streamable HTTP and HTTP+SSE, on the standard library; `oracle.Peer` is the one for stdio.

They share no code with the project, and take no care: a message is sent as it is, and what comes back is kept.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from oracle import WAIT_S, Inbox, Peer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Message = dict[str, Any]

HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response: its status, its headers by lower-case name, its body."""

    status: int
    headers: Mapping[str, str]
    body: str


def asked(url: str, method: str, body: str | None, headers: Mapping[str, str]) -> Reply:
    """Make one HTTP request and read the whole answer."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=WAIT_S)
    try:
        target = where.path + (f"?{where.query}" if where.query else "")
        connection.request(method, target, None if body is None else body.encode(), dict(headers))
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, response.read().decode(errors="replace"))
    finally:
        connection.close()


def events(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield kind and data of each event of a stream."""
    kind, data = "message", list[str]()
    for line in lines:
        name, _, value = line.rstrip("\r\n").partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif not name and data:
            yield kind, "\n".join(data)
            kind, data = "message", []
    if data:
        yield kind, "\n".join(data)


class HttpPeer(Inbox):
    """A session over Streamable HTTP.

    Attributes:
        url: The endpoint.
        headers: What every request carries; a session id and the revision are added when they are known.
        last: The last response.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.headers = dict(HEADERS)
        self.last: Reply | None = None

    def send(self, message: Message | str) -> None:
        """Post a message, or a text as it is, and keep what the response holds."""
        text = message if isinstance(message, str) else json.dumps(message)
        reply = self.last = asked(self.url, "POST", text, self.headers)
        if "mcp-session-id" in reply.headers:
            self.headers["Mcp-Session-Id"] = reply.headers["mcp-session-id"]
        streamed = reply.headers.get("content-type", "").startswith("text/event-stream")
        bodies = [data for _, data in events(reply.body.splitlines())] if streamed else [reply.body]
        for body in bodies:
            self.take(body)

    def end(self) -> None:
        """End the session."""
        if "Mcp-Session-Id" in self.headers:
            asked(self.url, "DELETE", None, self.headers)


class SsePeer(Inbox):
    """A session over HTTP+SSE of 2024-11-05: answers come on a stream, requests go to the address that it names."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.last: Reply | None = None
        where = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=WAIT_S)
        self._connection.request("GET", where.path, headers={"Accept": "text/event-stream"})
        self._socket = self._connection.sock
        self._stream = self._connection.getresponse()
        self._named = threading.Event()
        self._endpoint = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._named.wait(WAIT_S):
            raise EOFError("endpoint")

    def _read(self) -> None:
        """Take what the stream brings until it ends."""
        try:
            for kind, data in events(line.decode(errors="replace") for line in self._stream):
                if kind == "endpoint":
                    self._endpoint = urljoin(self.url, data)
                    self._named.set()
                else:
                    self.take(data)
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the stream ended, or was closed while it was read
        self.close()

    def send(self, message: Message | str) -> None:
        """Post a message, or a text as it is; the answer comes on the stream."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.last = asked(self._endpoint, "POST", text, HEADERS)

    def end(self) -> None:
        """Close the stream; only then can what reads it be closed."""
        with contextlib.suppress(OSError):  # the server has closed it before
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(WAIT_S)
        self._connection.close()


AnyPeer = Peer | HttpPeer | SsePeer


def peer_of(entry: Message) -> AnyPeer:
    """Start or reach the server of an entry."""
    if "url" not in entry:
        return Peer(entry)
    return SsePeer(entry["url"]) if entry.get("type") == "sse" else HttpPeer(entry["url"])
