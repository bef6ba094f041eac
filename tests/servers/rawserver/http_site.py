"""Streamable HTTP in both eras, and the older HTTP+SSE, on one port of the loopback interface."""

from __future__ import annotations

import json
import os
import threading

from rawserver import http_headers
from rawserver.connection import Connection
from rawserver.http_wire import SSE
from rawserver.protocol import (
    INVALID_REQUEST,
    META_VERSION,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
    is_id,
)
from rawserver.stdio import encoded
from rawserver.timers import TimerThread

_STATUS = {METHOD_NOT_FOUND: 404, PARSE_ERROR: 400, INVALID_REQUEST: 400}


class Stream:
    """The messages of one event stream, kept so that a client may come back for them."""

    def __init__(self, number, *, numbered):
        self.number = number
        self.numbered = numbered
        self.events = []
        self.exchange = None

    def send(self, data):
        """Send one message, now or when a client comes back."""
        self.events.append(data)
        if self.exchange is not None:
            self.exchange.event(data, f"{self.number}-{len(self.events)}" if self.numbered else None)

    def resume(self, exchange, position):
        """Send what came after a position, and go on from there."""
        self.exchange = exchange
        for index, data in enumerate(self.events[position:], start=position + 1):
            exchange.event(data, f"{self.number}-{index}")


class Reply:
    """How the answer to one POST goes out: as JSON, or as events if more than the answer is to be said."""

    def __init__(self, site, exchange, session, headers=()):
        self.site = site
        self.exchange = exchange
        self.session = session
        self.headers = headers
        self.stream = None
        self.method = exchange.message.get("method")
        self.streams = site.always_sse or self.method in {*site.streamed, *site.endless}

    def send(self, message):
        """Send a message; the answer itself is the last one."""
        last = "method" not in message if isinstance(message, dict) else True
        if last and self.stream is None and not self.streams:
            status = 200 if self.session is not None else stateless_status(message)
            self.exchange.respond(status, self.site.encoded(message), headers=self.headers)
            return
        if self.stream is None:
            self.stream = self.site.new_stream(self.session)
            self.exchange.open_stream(self.headers)
            if self.site.primes_streams and self.stream.numbered:
                self.exchange.chunk(f"id: {self.stream.number}-0\ndata:\n\n".encode())
            self.stream.exchange = self.exchange
        self.stream.send(self.site.encoded(message))
        if last and self.method not in self.site.endless:
            self.exchange.close_stream()


def stateless_status(message):
    """Return the HTTP status of a stateless answer."""
    error = message.get("error") if isinstance(message, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and (-32099 <= code <= -32020 or str(error.get("message")).startswith("_meta")):
        return 400
    return _STATUS.get(code, 200)


class Session:
    """What belongs to one session: its connection and its streams."""

    def __init__(self, site, name):
        self.name = name
        self.streams = {}
        self.unsolicited = site.new_stream(self)
        self.connection = Connection(site.server, lambda message: self.unsolicited.send(encoded(message)), site.later)


class Site:
    """One server on one port.

    ``on_http`` hooks get each exchange first and return a true value when they dealt with it. The other attributes are
    switches that faults turn.
    """

    def __init__(self, server, base, *, token=None, always_sse=False):
        self.server = server
        self.base = base
        self.token = token
        self.lets_in = lambda authorization: self.token is None or authorization == f"Bearer {self.token}"
        self.always_sse = always_sse
        self.streamed = set()
        self.endless = set()
        self.without_session = 400
        self.forgets_sessions = True
        self.stream_number = lambda: self.count
        self.unauthorized = self.answer_unauthorized
        self.sessions = {}
        self.on_http = []
        self.validates_origin = True
        self.validates_version = True
        self.validates_host = True
        self.primes_streams = True
        self.checks_headers = http_headers.check
        self.session_name = lambda: os.urandom(16).hex()
        self.lock = threading.RLock()
        self.timers = TimerThread(self.lock)
        self.count = 0

    def encoded(self, message):
        """Return a message as bytes, after every fault had its way with them."""
        data = encoded(message)
        for hook in self.server.on_bytes:
            data = hook(data)
        return data

    def later(self, seconds, function):
        """Call a function after some seconds, never at the same time as anything else."""
        self.timers.add(seconds, function)

    def new_stream(self, session):
        """Return a stream with a number of its own; those of a session can be resumed."""
        self.count += 1
        stream = Stream(self.stream_number(), numbered=session is not None)
        if session is not None:
            session.streams[stream.number] = stream
        return stream

    def handle(self, exchange):
        """Deal with one HTTP request."""
        try:
            exchange.message = json.loads(exchange.body) if exchange.body else None
        except ValueError:
            exchange.message = None
        with self.lock:
            dealt_with = any(hook(exchange) for hook in self.on_http)
        if not dealt_with:
            self.route(exchange)

    def route(self, exchange):
        """Find out what a request is for."""
        path = exchange.path.partition("?")[0]
        if path.startswith("/.well-known/oauth-protected-resource"):
            self.describe_resource(exchange)
        elif path not in {"/mcp", "/sse", "/messages"}:
            exchange.respond(404)
        elif self.refused(exchange):
            return
        elif path == "/mcp":
            {"POST": self.post, "GET": self.get, "DELETE": self.delete}.get(exchange.method, _not_allowed)(exchange)
        elif path == "/sse":
            self.legacy_stream(exchange)
        else:
            self.legacy_post(exchange)

    def refused(self, exchange):
        """Refuse foreign origins and hosts, and clients without the token."""
        host = exchange.headers.get("host", "").rpartition(":")[0]
        origin = exchange.headers.get("origin")
        local = origin is None or origin.split("://")[-1].rpartition(":")[0] in {"127.0.0.1", "localhost"}
        if self.validates_origin and not local:
            exchange.respond(403)
        elif self.validates_host and host not in {"127.0.0.1", "localhost"}:
            exchange.respond(421)
        elif not self.lets_in(exchange.headers.get("authorization")):
            self.unauthorized(exchange)
        return exchange.answered.is_set()

    def answer_unauthorized(self, exchange):
        """Say that a token is needed, and where to get one."""
        place = f"{self.base}/.well-known/oauth-protected-resource/mcp"
        exchange.respond(401, headers=[("WWW-Authenticate", f'Bearer resource_metadata="{place}", scope="mcp"')])

    def describe_resource(self, exchange):
        """Say who gives out tokens."""
        known = {
            "resource": f"{self.base}/mcp",
            "authorization_servers": [f"{self.base}/as"],
            "scopes_supported": ["mcp"],
        }
        protected = self.token is not None
        exchange.respond(200 if protected else 404, json.dumps(known).encode() if protected else b"")

    def post(self, exchange):
        """Take one message."""
        message = exchange.message
        if exchange.body and message is None and exchange.body.strip() != b"null":
            exchange.respond(400, _error(None, RpcError(PARSE_ERROR, "Parse error")))
        elif not is_message(message):
            found = message.get("id") if isinstance(message, dict) else None
            exchange.respond(400, _error(found if is_id(found) else None, RpcError(INVALID_REQUEST, "Invalid request")))
        elif self.is_stateless(exchange):
            self.post_stateless(exchange)
        else:
            self.post_session(exchange)

    def is_stateless(self, exchange):
        """Return whether a POST belongs to the stateless era."""
        params = exchange.message.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        if not self.server.stateless_revisions or exchange.message.get("method") == "initialize":
            return not self.server.handshake_revisions
        named = exchange.headers.get("mcp-protocol-version")
        enveloped = isinstance(meta, dict) and META_VERSION in meta
        return enveloped or named in self.server.stateless_revisions or not self.server.handshake_revisions

    def post_stateless(self, exchange):
        """Answer a request that stands for itself."""
        message = exchange.message
        if "id" not in message:
            exchange.respond(202)
            return
        try:
            if message.get("method") != "initialize":
                self.checks_headers(self.server, exchange.headers, message)
        except RpcError as error:
            exchange.respond(400, _error(message["id"], error))
            return
        reply = Reply(self, exchange, None)
        connection = Connection(self.server, reply.send, self.later)
        self.converse(exchange, connection, reply)
        with self.lock:
            self.server.connections.remove(connection)

    def converse(self, exchange, connection, reply):
        """Let a connection deal with the message, and wait for the answer or for the client to go."""
        with self.lock:
            connection.receive(exchange.body, reply.send)
        if not exchange.wait():
            with self.lock:
                request = connection.active.get(exchange.message.get("id"))
                if request is not None and request.era == "stateless":
                    request.close()
                    connection.listeners.pop(request.id, None)
            exchange.keep_alive = False

    def post_session(self, exchange):
        """Take a message of a session, or begin one."""
        message, headers = exchange.message, []
        if message.get("method") == "initialize":
            session = Session(self, self.session_name())
            if session.name is not None:
                self.sessions[session.name] = session
                headers = [("Mcp-Session-Id", session.name)]
            else:
                self.sessions[None] = session
        else:
            session = self.session_of(exchange)
        if session is None:
            return
        if "id" in message and "method" in message:
            self.converse(exchange, session.connection, Reply(self, exchange, session, headers))
        else:
            with self.lock:
                session.connection.receive(exchange.body)
            exchange.respond(202)

    def session_of(self, exchange):
        """Return the session of a request, or answer that there is none."""
        named = exchange.headers.get("mcp-protocol-version")
        if self.validates_version and named is not None and named not in self.server.handshake_revisions:
            exchange.respond(400, _error(None, RpcError(INVALID_REQUEST, "Unsupported protocol version")))
            return None
        name = exchange.headers.get("mcp-session-id")
        session = self.sessions.get(name)
        if session is None:
            exchange.respond(self.without_session if name is None else 404)
        return session

    def get(self, exchange):
        """Open the stream of unsolicited messages, or go on with a broken one."""
        if not self.server.handshake_revisions:
            _not_allowed(exchange)
            return
        if SSE not in exchange.headers.get("accept", ""):
            exchange.respond(406)
            return
        session = self.session_of(exchange)
        if session is None:
            return
        number, _, position = exchange.headers.get("last-event-id", "").partition("-")
        stream = session.streams.get(int(number)) if number.isdecimal() else session.unsolicited
        with self.lock:
            exchange.open_stream()
            if stream is not None:
                stream.resume(exchange, int(position) if position.isdecimal() else len(stream.events))
        exchange.wait()
        exchange.keep_alive = False

    def delete(self, exchange):
        """End a session."""
        if not self.server.handshake_revisions:
            _not_allowed(exchange)
            return
        session = self.session_of(exchange)
        if session is not None:
            if self.forgets_sessions:
                del self.sessions[session.name]
            exchange.respond(204)

    def legacy_stream(self, exchange):
        """Open the one stream of the older transport."""
        session = Session(self, f"legacy-{os.urandom(8).hex()}")
        self.sessions[session.name] = session
        with self.lock:
            exchange.open_stream()
            exchange.chunk(f"event: endpoint\ndata: /messages?session={session.name}\n\n".encode())
            session.unsolicited.numbered = False
            session.unsolicited.exchange = exchange
        exchange.wait()
        exchange.keep_alive = False
        self.sessions.pop(session.name, None)

    def legacy_post(self, exchange):
        """Take a message of the older transport; the answer goes out on its stream."""
        session = self.sessions.get(exchange.path.partition("session=")[2])
        if session is None or exchange.method != "POST":
            exchange.respond(404)
            return
        exchange.respond(202)
        with self.lock:
            session.connection.receive(exchange.body)


def is_message(value):
    """Return whether a JSON value is a request, a notification or an answer."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0" or not is_id(value.get("id", 0)):
        return False
    return isinstance(value.get("method"), str) or "result" in value or "error" in value


def _not_allowed(exchange):
    """Answer that there is no such method here."""
    exchange.respond(405, headers=[("Allow", "POST")])


def _error(request_id, error):
    """Return an error answer as bytes."""
    return encoded({"jsonrpc": "2.0", "id": request_id, "error": error.as_json()})
