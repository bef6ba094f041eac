"""What faults are made of.

A fault is a function ``(server, channel, value)`` that appends to the server's hooks. Its name with dashes is its
name on the command line, the first line of its docstring says what the server then does.

Where a fault spoils single answers, ``value`` says which: nothing for calls of the tool ``echo`` (so that a call of
``add`` shows whether the connection survived), a method such as ``initialize``, or ``*`` for all.
"""

from __future__ import annotations

from rawserver.stdio import encoded


def table(*functions):
    """Return the faults by the name they have on the command line."""
    return {function.__name__.replace("_", "-"): function for function in functions}


def hits(request, value):
    """Return whether a fault is meant for this request."""
    if value in {None, ""}:
        name = request.params.get("name") if isinstance(request.params, dict) else None
        return request.method == "tools/call" and name == "echo"
    return value in {"*", request.method}


def replace_answers(server, value, change):
    """Send ``change(message)``, a list of messages, instead of each answer that the fault is meant for."""

    def hook(message, request):
        is_answer = request is not None and "id" in message and "method" not in message
        return change(message) if is_answer and hits(request, value) else [message]

    server.on_message.append(hook)


def replace_bytes(server, channel, value, spoil):
    """Write ``spoil(message)``, bytes, instead of each answer that the fault is meant for."""

    def change(message):
        channel.write_all(spoil(message))
        return []

    replace_answers(server, value, change)


def line(message):
    """Return a message as the line that belongs on the wire."""
    return encoded(message) + b"\n"


def instead_of_answering(server, value, act):
    """Call ``act(request)`` instead of dealing with each request that the fault is meant for."""

    def hook(request):
        if not hits(request, value):
            return False
        act(request)
        return True

    server.on_request.append(hook)


def after_first_answer(server, act):
    """Call ``act()`` once, when the first answer has been sent."""
    seen = []

    def hook(message, request):
        if request is not None and "method" not in message and not seen:
            seen.append(message)
            request.connection.later(0, act)
        return [message]

    server.on_message.append(hook)
