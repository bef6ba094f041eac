"""What violations are made of: one requirement broken, everything else left as it was."""

from __future__ import annotations

import copy

from rawserver.protocol import META_SUBSCRIPTION, METHODS

SPOILT = "resources/templates/list"
"""The method whose answer matters least to all other checks; where any answer will do, this one is spoilt."""


class Violations:
    """A table of violations that is filled by decorating the functions that install them."""

    def __init__(self):
        self.installers = {}
        self.also = {}

    def of(self, check, *, also=()):
        """Return a decorator; ``also`` names the checks that cannot hold either when this one is violated."""

        def add(function):
            self.installers[check] = function
            self.also[check] = tuple(also)
            return function

        return add


def on_result(server, method, change):
    """Answer a method with ``change(result, request)``."""
    server.on_result.append(lambda request, result: change(result, request) if request.method == method else result)


def on_error(server, change):
    """Replace each error by ``change(error, request)``; None leaves it as it is."""

    def hook(message, request):
        if "error" not in message:
            return [message]
        changed = change(message["error"], request)
        return [message if changed is None else {**message, "error": changed}]

    server.on_message.append(hook)


def error_to_result(server, matches, result):
    """Answer with a result where ``matches(error, request)`` says that an error was due."""

    def hook(message, request):
        if "error" not in message or request is None or not matches(message["error"], request):
            return [message]
        return [{"jsonrpc": "2.0", "id": message["id"], "result": full(request, result)}]

    server.on_message.append(hook)


def full(request, result):
    """Return a result with the members that a stateless answer needs."""
    return {"resultType": "complete", **result} if request.era == "stateless" else result


def after_answer(server, method, act, era=None):
    """Call ``act(request)`` after each answer to a method, in one era or in both."""

    def hook(message, request):
        mine = request is not None and request.method == method and "result" in message
        if mine and (era is None or request.era == era):
            request.connection.later(0, lambda: act(request))
        return [message]

    server.on_message.append(hook)


def send(request, **members):
    """Send a message on the stream of a request that was answered already."""
    request.connection.emit({"jsonrpc": "2.0", **members}, request.send)


def notify(request, method, params):
    """Send a notification on the stream of a request that was answered already."""
    send(request, method=method, params=params)


def subscription(request):
    """Return the metadata of notifications on a subscription."""
    return {"_meta": {META_SUBSCRIPTION: request.id}}


def without(value, *keys):
    """Return an object without some members."""
    return {key: item for key, item in value.items() if key not in keys}


def calls(request, name):
    """Return whether a request calls the tool of that name."""
    return request.method == "tools/call" and request.params.get("name") == name


def grow(server, kind, *, told):
    """List something more once the tool ``media`` was called in the handshake era, and tell of it or not."""

    def act(request):
        if not calls(request, "media") or kind in grown:
            return
        grown.add(kind)
        if kind == "tools":
            server.tools.append(copy.copy(server.tool("echo")))
            server.tools[-1].definition = {**server.tools[-1].definition, "name": "echo_again"}
        elif kind == "resources":
            server.resources.append({"uri": "raw://readme-again", "name": "readme again", "mimeType": "text/plain"})
            server.more_contents["raw://readme-again"] = {
                **server.contents("raw://readme"),
                "uri": "raw://readme-again",
            }
        else:
            server.prompts.append({**server.prompts[0], "name": "again"})
        if told:
            server.changed(kind)

    grown = set()
    after_answer(server, "tools/call", act, "handshake")


def spoil_answer(server, change):
    """Send ``change(message)`` instead of the answer that matters least."""

    def hook(message, request):
        mine = request is not None and request.method == SPOILT and "result" in message
        return [change(message)] if mine else [message]

    server.on_message.append(hook)


def undeclared(server, capability):
    """Hide a capability without taking its methods away."""
    hidden = server.capabilities.pop(capability)

    def hook(request):
        if METHODS.get(request.method, (None, ()))[0] != capability:
            return False
        server.capabilities[capability] = hidden
        try:
            request.connection.admit(request)
        finally:
            del server.capabilities[capability]
        request.connection.run(request)
        return True

    server.on_request.append(hook)
