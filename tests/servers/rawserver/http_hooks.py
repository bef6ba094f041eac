"""What faults of HTTP are made of.

``value`` is ``ARGUMENT@WHERE``, and both may be left out. WHERE is a method such as ``initialize``, an HTTP method such
as ``GET``, or ``*`` for every POST; without it calls of the tool ``echo`` are meant, so that ``add`` still works.
"""

from __future__ import annotations

import json


def meant(exchange, where):
    """Return whether a fault is meant for this exchange."""
    if exchange.method != "POST" or where in {"GET", "DELETE"}:
        return exchange.method == where and exchange.path == "/mcp"
    message = exchange.message if isinstance(exchange.message, dict) else {}
    if where:
        return where in {"*", message.get("method")}
    params = message.get("params")
    return message.get("method") == "tools/call" and isinstance(params, dict) and params.get("name") == "echo"


def instead(site, value, act):
    """Call ``act(exchange, argument)`` instead of dealing with what the fault is meant for."""
    argument, _, where = (value or "").partition("@")

    def hook(exchange):
        if not meant(exchange, where):
            return False
        act(exchange, argument)
        return True

    site.on_http.append(hook)


def answer(exchange):
    """Return the answer that a client could expect, as bytes."""
    message = exchange.message if isinstance(exchange.message, dict) else {}
    said = {"content": [{"type": "text", "text": '{"text": "hello"}'}], "structuredContent": {"text": "hello"}}
    result = {"resultType": "complete", **(said if message.get("method") == "tools/call" else {"tools": []})}
    return json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode()


def wait_for_clients(site):
    """Let exchanges that were not answered last until their clients go."""
    handle = site.handle

    def patient(exchange):
        handle(exchange)
        exchange.wait()

    site.handle = patient


def unlocked(site, value, act):
    """Act in place of the site without holding up other exchanges."""
    argument, _, where = (value or "").partition("@")
    route = site.route

    def instead(exchange):
        if meant(exchange, where):
            act(exchange, argument)
        else:
            route(exchange)

    site.route = instead


def events(site, value, *parts, end=True):
    """Answer with an event stream of the given bytes; ``{answer}`` stands for the answer."""

    def act(exchange, _):
        exchange.open_stream()
        for part in parts:
            exchange.chunk(part.replace(b"{answer}", answer(exchange)))
        if end:
            exchange.close_stream()

    instead(site, value, act)
