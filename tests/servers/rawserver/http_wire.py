"""HTTP/1.1 as bytes on a socket: one request in, one answer or event stream out."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading

REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 302: "Found", 307: "Temporary Redirect", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
           415: "Unsupported Media Type", 421: "Misdirected Request", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}  # fmt: skip
JSON, SSE = "application/json", "text/event-stream"


class GoneError(Exception):
    """The client has closed the connection."""


class Exchange:
    """One HTTP request and the answer to it.

    ``message`` is the JSON in the body once the site has parsed it.
    """

    def __init__(self, connection, method, path, headers, body):
        self.connection = connection
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.message = None
        self.keep_alive = headers.get("connection", "").lower() != "close"
        self.version = "HTTP/1.1"
        self.more_headers = []
        self.answered = threading.Event()
        self.streaming = False
        self.lock = threading.RLock()

    def write(self, data):
        """Write bytes; a client that has gone ends the exchange."""
        with self.lock:
            try:
                self.connection.sendall(data)
            except OSError:
                self.keep_alive = False
                self.answered.set()

    def head(self, status, headers):
        """Write the status line and the headers."""
        lines = [f"{self.version} {status} {REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in [*headers, *self.more_headers]]
        if not self.keep_alive:
            lines.append("Connection: close")
        self.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))

    def respond(self, status, body=b"", kind=JSON, headers=()):
        """Answer in one piece."""
        with self.lock:
            described = [("Content-Type", kind)] if body else []
            self.head(status, [*described, ("Content-Length", len(body)), *headers])
            self.write(body)
            self.answered.set()

    def open_stream(self, headers=()):
        """Begin an event stream."""
        with self.lock:
            self.streaming = True
            fixed = [("Content-Type", SSE), ("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no")]
            self.head(200, [*fixed, ("Transfer-Encoding", "chunked"), *headers])

    def chunk(self, data):
        """Write a piece of a stream."""
        self.write(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, data, event_id=None):
        """Write one event."""
        head = f"id: {event_id}\n" if event_id is not None else ""
        self.chunk(head.encode() + b"event: message\ndata: " + data + b"\n\n")

    def close_stream(self):
        """End the event stream."""
        with self.lock:
            self.write(b"0\r\n\r\n")
            self.streaming = False
            self.answered.set()

    def reset(self):
        """Drop the connection with a reset instead of an end."""
        with self.lock:
            with contextlib.suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.drop()

    def drop(self):
        """Close the connection, answered or not."""
        with self.lock:
            self.keep_alive = False
            with contextlib.suppress(OSError):
                self.connection.close()
            self.answered.set()

    def wait(self):
        """Return True once the exchange is over, False when the client went away before."""
        while not self.answered.wait(0.02):
            if client_left(self.connection):
                return False
        return True


def client_left(connection):
    """Return whether a client has closed its end."""
    try:
        ready = select.select([connection], [], [], 0)[0]
        return bool(ready) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def read_exchange(connection, stream):
    """Return the next request on a connection.

    Raises:
        GoneError: There is none any more.
    """
    request_line = stream.readline(65_537)
    parts = request_line.decode("latin-1").split()
    if len(parts) != 3:
        raise GoneError
    headers = {}
    while (line := stream.readline(65_537)) not in {b"\r\n", b"\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length") or 0))
    return Exchange(connection, parts[0], parts[1], headers, body)


def serve(listener, handle):
    """Accept connections for ever, a thread for each; ``handle`` deals with one exchange."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # a client that gives up, or whose TLS handshake fails
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_converse, args=(connection, handle), daemon=True).start()


def _converse(connection, handle):
    """Deal with the requests on one connection until it ends."""
    with contextlib.suppress(GoneError, OSError, ValueError):
        stream = connection.makefile("rb")
        while True:
            exchange = read_exchange(connection, stream)
            handle(exchange)
            if not exchange.keep_alive:
                break
    with contextlib.suppress(OSError):
        connection.close()
