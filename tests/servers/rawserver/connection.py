"""One client's connection: eras, dispatch, cancellation, subscriptions and the shape of answers."""

from __future__ import annotations

import json

from rawserver import methods
from rawserver.protocol import (
    CACHEABLE,
    INVALID_PARAMS,
    INVALID_REQUEST,
    META_CAPABILITIES,
    META_LOG_LEVEL,
    META_SERVER,
    META_SUBSCRIPTION,
    META_VERSION,
    METHOD_NOT_FOUND,
    METHODS,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    RpcError,
    is_id,
)
from rawserver.server import at_least


class Request:
    """A request in progress."""

    def __init__(self, connection, message, send):
        self.connection = connection
        self.server = connection.server
        self.id = message["id"]
        self.method = message["method"]
        self.params = message.get("params", {})
        meta = self.params.get("_meta") if isinstance(self.params, dict) else None
        self.meta = meta if isinstance(meta, dict) else {}
        self.send = send
        self.era = "handshake"
        self.revision = connection.revision
        self.open = True

    @property
    def client_capabilities(self):
        """Return what the client said it can do, for this request."""
        if self.era == "stateless":
            return self.meta[META_CAPABILITIES]
        return self.connection.client_capabilities

    def answer(self, result):
        """Send the result, unless the request was cancelled."""
        if self.close():
            result = _shaped(self, result)
            for hook in self.server.on_result:
                result = hook(self, result)
            self.emit({"jsonrpc": "2.0", "id": self.id, "result": result})

    def fail(self, error):
        """Send the error, unless the request was cancelled."""
        if self.close():
            self.emit({"jsonrpc": "2.0", "id": self.id, "error": error.as_json()})

    def notify(self, method, params):
        """Send a notification that belongs to this request."""
        if self.open:
            self.emit({"jsonrpc": "2.0", "method": method, "params": params})

    def progress(self, progress, total):
        """Report progress if the client asked for it."""
        token = self.meta.get("progressToken")
        if token is not None:
            self.notify("notifications/progress", {"progressToken": token, "progress": progress, "total": total})

    def log(self, level, data):
        """Send a log message if the client wants that level."""
        wanted = self.meta.get(META_LOG_LEVEL) if self.era == "stateless" else self.connection.log_level
        if wanted is not None and at_least(level, wanted):
            self.notify("notifications/message", {"level": level, "logger": "raw", "data": data})

    def later(self, seconds, function):
        """Call a function after some time if the request is still open then."""
        self.connection.later(seconds, lambda: function() if self.open else None)

    def close(self):
        """Return whether the request was open, and close it."""
        was_open, self.open = self.open, False
        self.connection.active.pop(self.id, None)
        return was_open

    def emit(self, message):
        """Send a message on the stream of this request."""
        self.connection.emit(message, self.send, self)


class Connection:
    """What the server knows about one client.

    Args:
        server: What is offered.
        send: Sends a message that belongs to no request.
        later: Calls a function after some seconds.
    """

    def __init__(self, server, send, later):
        self.server = server
        self.send = send
        self.later = later
        self.revision = None
        self.client_capabilities = {}
        self.log_level = "info"
        self.subscribed = set()
        self.active = {}
        self.listeners = {}
        self.asked = {}
        server.connections.append(self)

    def receive(self, line, send=None):
        """Deal with one message as bytes; answers go to ``send``."""
        send = send or self.send
        if any(hook(line, self) for hook in self.server.on_line):
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self.refuse(send, None, PARSE_ERROR, "Parse error")
        else:
            self.dispatch(message, send)

    def refuse(self, send, request_id, code, text):
        """Answer something that is no request."""
        error = RpcError(code, text).as_json()
        self.emit({"jsonrpc": "2.0", "id": request_id, "error": error}, send)

    def dispatch(self, message, send):
        """Deal with one parsed message."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            found = message.get("id") if isinstance(message, dict) else None
            self.refuse(send, found if is_id(found) else None, INVALID_REQUEST, "Invalid request")
        elif "method" not in message and ("result" in message or "error" in message):
            self.take_answer(message)
        elif not isinstance(message.get("method"), str) or ("id" in message and not is_id(message["id"])):
            found = message.get("id")
            self.refuse(send, found if is_id(found) else None, INVALID_REQUEST, "Invalid request")
        elif "id" in message:
            self.start(Request(self, message, send))
        else:
            self.take_notification(message)

    def start(self, request):
        """Deal with one request."""
        self.active[request.id] = request
        try:
            if any(hook(request) for hook in self.server.on_request):
                return
            self.admit(request)
            if self.server.delay_s and request.method == "tools/call":
                request.later(self.server.delay_s, lambda: self.run(request))
            else:
                self.run(request)
        except RpcError as error:
            request.fail(error)

    def run(self, request):
        """Call the method and send what it returns; None means that it answers later."""
        try:
            result = methods.TABLE[request.method](request)
        except RpcError as error:
            request.fail(error)
        else:
            if result is not None:
                request.answer(result)

    def admit(self, request):
        """Find out the era of a request and refuse what does not exist in it."""
        if request.method == "initialize":
            if not self.server.handshake_revisions:
                asked = request.params.get("protocolVersion") if isinstance(request.params, dict) else None
                raise self.unsupported(asked)
            return
        capability, eras = METHODS.get(request.method, (None, ()))
        if not isinstance(request.params, dict):
            raise RpcError(INVALID_PARAMS, "params must be an object")
        if META_VERSION in request.meta and self.server.stateless_revisions:
            self.admit_stateless(request)
        elif (
            "stateless" in eras
            and self.server.stateless_revisions
            and (self.revision is None or "handshake" not in eras)
        ):
            raise RpcError(INVALID_PARAMS, f"_meta must name {META_VERSION}")
        undeclared = capability is not None and capability not in self.server.capabilities
        if request.era not in eras or undeclared:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        if self.revision is None and request.era == "handshake" and request.method != "ping":
            raise RpcError(INVALID_REQUEST, "Send initialize first")

    def admit_stateless(self, request):
        """Check the envelope of a stateless request."""
        request.revision = request.meta[META_VERSION]
        if request.revision not in self.server.stateless_revisions:
            raise self.unsupported(request.revision)
        if not isinstance(request.meta.get(META_CAPABILITIES), dict):
            raise RpcError(INVALID_PARAMS, f"_meta must name {META_CAPABILITIES}")
        request.era = "stateless"
        methods.check_log_level(request.meta.get(META_LOG_LEVEL, "info"))

    def unsupported(self, asked):
        """Return the error for a revision that is not served."""
        data = {"supported": [*self.server.stateless_revisions], "requested": asked if isinstance(asked, str) else ""}
        return RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)

    def take_notification(self, message):
        """Deal with one notification; what makes no sense is ignored."""
        for hook in self.server.on_notification:
            hook(message, self)
        params = message.get("params")
        if (
            message["method"] == "notifications/cancelled"
            and isinstance(params, dict)
            and is_id(params.get("requestId"))
        ):
            self.listeners.pop(params["requestId"], None)
            request = self.active.get(params["requestId"])
            if request is not None:
                request.close()

    def ask(self, request, method, params, then):
        """Send a request to the client on the stream of its own request; ``then`` gets its answer."""
        number = f"s{len(self.asked) + 1}"
        self.asked[number] = then
        request.emit({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def take_answer(self, message):
        """Give an answer to whoever asked; unknown ones are ignored."""
        found = message.get("id")
        then = self.asked.get(found) if isinstance(found, str) else None
        if then is not None:
            self.asked[found] = None
            then(message)

    def notify_change(self, kind, uri):
        """Tell this client of a change if it asked to be told."""
        params = {} if uri is None else {"uri": uri}
        method = "notifications/resources/updated" if uri else f"notifications/{kind}/list_changed"
        if self.revision is not None and (uri is None or uri in self.subscribed):
            self.emit({"jsonrpc": "2.0", "method": method, "params": params})
        for request, wanted in list(self.listeners.values()):
            if uri in wanted.get("resourceSubscriptions", ()) if uri else wanted.get(f"{kind}ListChanged"):
                request.emit(
                    {"jsonrpc": "2.0", "method": method, "params": {**params, "_meta": _subscription(request)}}
                )

    def emit(self, message, send=None, request=None):
        """Send a message, after every fault had its way with it; ``request`` is the one it belongs to."""
        messages = [message]
        for hook in self.server.on_message:
            messages = [made for one in messages for made in hook(one, request)]
        for made in messages:
            (send or self.send)(made)

    def end(self):
        """Complete the open subscriptions, as a server does that shuts down."""
        for request, _wanted in list(self.listeners.values()):
            request.answer({"_meta": _subscription(request)})
        self.listeners.clear()


def _subscription(request):
    """Return the metadata of everything on a subscription."""
    return {META_SUBSCRIPTION: request.id}


def _shaped(request, result):
    """Return a result with what the revision asks for, and without what it does not know."""
    if request.era == "handshake":
        return methods.trimmed(result, request.revision or "")
    shaped = {"resultType": "complete", **result}
    if request.method in CACHEABLE and shaped["resultType"] == "complete":
        shaped = {"ttlMs": 60_000, "cacheScope": "public", **shaped}
    return {**shaped, "_meta": {META_SERVER: request.server.info, **result.get("_meta", {})}}
