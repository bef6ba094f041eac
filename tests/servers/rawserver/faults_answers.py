"""Faults of the answers: ids, shapes, silence, floods, lists and lies."""

from __future__ import annotations

import time

from rawserver.changes import grow
from rawserver.hooks import (
    after_first_answer,
    hits,
    instead_of_answering,
    line,
    replace_answers,
    table,
)
from rawserver.protocol import METHOD_NOT_FOUND, RpcError, text
from rawserver.tools import Tool


def _answer_with(server, value, **members):
    """Send each answer with other members; a member that is None is left out."""

    def change(message):
        changed = {**message, **members}
        return [{key: item for key, item in changed.items() if item is not None}]

    replace_answers(server, value, change)


def duplicate_answer(server, channel, value):
    """Sends the answer twice."""
    replace_answers(server, value, lambda message: [message, message])


def unknown_id(server, channel, value):
    """Sends an answer to a request that nobody made, before the right one."""
    replace_answers(server, value, lambda message: [{**message, "id": "nobody-asked"}, message])


def wrong_id(server, channel, value):
    """Answers under an id that nobody used."""
    _answer_with(server, value, id="nobody-asked")


def id_type(server, channel, value):
    """Answers under the id as the other type: 7 as "7", "7" as 7."""

    def change(message):
        found = message["id"]
        other = str(found) if isinstance(found, int) else int(found) if found.isdecimal() else [found]
        return [{**message, "id": other}]

    replace_answers(server, value, change)


def id_float(server, channel, value):
    """Answers under the id as a number with a fraction: 7 as 7.0."""
    replace_answers(server, value, lambda message: [{**message, "id": float(message["id"])}])


def id_null(server, channel, value):
    """Answers under the id null."""
    replace_answers(server, value, lambda message: [{**message, "id": None}])


def id_missing(server, channel, value):
    """Answers without an id."""
    _answer_with(server, value, id=None)


def result_and_error(server, channel, value):
    """Answers with a result and an error at once."""
    _answer_with(server, value, error={"code": -32603, "message": "both"})


def no_result_no_error(server, channel, value):
    """Answers with neither a result nor an error."""
    _answer_with(server, value, result=None)


def result_null(server, channel, value):
    """Answers with the result null."""
    replace_answers(server, value, lambda message: [{**message, "result": None}])


def result_list(server, channel, value):
    """Answers with an array as the result."""
    _answer_with(server, value, result=[])


def result_string(server, channel, value):
    """Answers with a string as the result."""
    _answer_with(server, value, result="done")


def error_string(server, channel, value):
    """Answers with a string as the error."""
    _answer_with(server, value, result=None, error="it failed")


def error_code_string(server, channel, value):
    """Answers with an error whose code is a string."""
    _answer_with(server, value, result=None, error={"code": "E_FAIL", "message": "it failed"})


def error_unattributed(server, channel, value):
    """Answers with an error under the id null."""
    error = {"code": -32603, "message": "it failed"}
    replace_answers(server, value, lambda message: [{"jsonrpc": "2.0", "id": None, "error": error}])


def error_internal(server, channel, value):
    """Answers with the error -32603 and a stack trace."""
    trace = "Traceback (most recent call last):\n  File \"/srv/app.py\", line 3, in call\nKeyError: 'x'"
    _answer_with(server, value, result=None, error={"code": -32603, "message": trace})


def jsonrpc_missing(server, channel, value):
    """Answers without the member jsonrpc."""
    _answer_with(server, value, jsonrpc=None)


def jsonrpc_one(server, channel, value):
    """Answers as JSON-RPC 1.0."""
    _answer_with(server, value, jsonrpc="1.0")


def answer_as_notification(server, channel, value):
    """Sends the result in a notification."""
    replace_answers(
        server, value, lambda message: [{"jsonrpc": "2.0", "method": "result", "params": message.get("result")}]
    )


def never_answer(server, channel, value):
    """Never answers calls of echo (or requests of the method VALUE)."""
    instead_of_answering(server, value, lambda _request: None)


def never_answer_discover(server, channel, value):
    """Is silent on methods it does not know before initialize, and speaks the handshake only."""
    instead_of_answering(server, "server/discover", lambda _request: None)
    server.stateless_revisions.clear()


def never_answer_unknown(server, channel, value):
    """Is silent on methods it does not know."""
    known = {"initialize", "ping", "tools/list", "tools/call"}
    server.on_request.append(lambda request: request.method not in known)


def late_answer(server, channel, value):
    """Answers 2000 (or VALUE) milliseconds late, also when the request was cancelled."""

    def hook(message, request):
        if request is None or "method" in message or not hits(request, None):
            return [message]
        request.connection.later(float(value or 2000) / 1000, lambda: request.send(message))
        return []

    server.on_message.append(hook)


def late_third_answer(server, channel, value):
    """Answers the third call of echo 2000 (or VALUE) milliseconds late, and all others at once."""
    calls = []

    def hook(message, request):
        if request is None or "method" in message or not hits(request, None):
            return [message]
        calls.append(request)
        if len(calls) != 3:
            return [message]
        request.connection.later(float(value or 2000) / 1000, lambda: request.send(message))
        return []

    server.on_message.append(hook)


def blocking(server, channel, value):
    """Deals with nothing else for 500 (or VALUE) milliseconds while it answers."""
    instead = float(value or 500) / 1000
    server.on_request.append(lambda request: time.sleep(instead) if hits(request, None) else None)


def _flood(server, channel, messages, rate):
    """Send messages for ever from the first answer on, ``rate`` a second, or as many as go through."""
    numbers = [0]
    batch = max(1, int(rate) // 100) if rate else 1000

    def burst():
        data = b"".join(line(messages(numbers[0] + index)) for index in range(batch))
        numbers[0] += batch
        channel.write_all(data)
        channel.later(0.01 if rate else 0.0, burst)

    after_first_answer(server, burst)


def _notification(method, **params):
    return {"jsonrpc": "2.0", "method": method, "params": params}


def notification_flood(server, channel, value):
    """Sends 100 000 (or VALUE) log messages a second from the first answer on."""
    message = _notification("notifications/message", level="info", data="tick")
    _flood(server, channel, lambda _number: message, value or 100_000)


def progress_flood(server, channel, value):
    """Sends progress for a token that nobody gave, as fast as it goes (or VALUE a second)."""
    _flood(
        server, channel,
        lambda number: _notification("notifications/progress", progressToken="x", progress=number), value,
    )  # fmt: skip


def list_changed_flood(server, channel, value):
    """Says as fast as it can (or VALUE times a second) that its tools have changed."""
    _flood(server, channel, lambda _number: _notification("notifications/tools/list_changed"), value)


def unknown_notifications(server, channel, value):
    """Sends notifications that no revision knows, 100 (or VALUE) a second."""
    _flood(server, channel, lambda _number: _notification("notifications/x-acme", value=1), value or 100)


def request_flood(server, channel, value):
    """Sends requests to the client as fast as it goes (or VALUE a second): ping, and some it cannot know."""

    def message(number):
        method = ("ping", "roots/list", "sampling/createMessage", "elicitation/create", "x-acme/ask")[number % 5]
        return {"jsonrpc": "2.0", "id": f"flood-{number}", "method": method, "params": {}}

    _flood(server, channel, message, value)


def ask_first(server, channel, value):
    """Answers calls of echo only when the client has answered a request ``x-acme/ask`` (or VALUE)."""

    def act(request):
        request.connection.admit(request)

        def answered(reply):
            request.answer({"content": [text("error" if "error" in reply else "result")]})

        request.connection.ask(request, value or "x-acme/ask", {}, answered)

    instead_of_answering(server, None, act)


def _listed(server, change):
    """Send ``change(result)`` instead of each answer to tools/list."""
    server.on_result.append(lambda request, result: change(result) if request.method == "tools/list" else result)


def endless_cursor(server, channel, value):
    """Gives a new cursor with every page, for ever, and accepts each."""
    numbers = [0]

    def act(request):
        request.connection.admit(request)
        numbers[0] += 1
        tool = {**server.tools[0].definition, "name": f"tool-{numbers[0]}"}
        request.answer({"tools": [] if value == "empty" else [tool], "nextCursor": f"page-{numbers[0]}"})

    instead_of_answering(server, "tools/list", act)


def repeated_cursor(server, channel, value):
    """Gives the same cursor and the same page again and again."""
    page = {"tools": [server.tools[0].definition], "nextCursor": "again"}

    def act(request):
        request.connection.admit(request)
        request.answer(page)

    instead_of_answering(server, "tools/list", act)


def many_tools(server, channel, value):
    """Lists 10 000 (or VALUE) tools more, on one page."""
    model = server.tools[0]
    for number in range(int(value or 10_000)):
        server.tools.append(Tool({**model.definition, "name": f"echo_{number}"}, model.function))
    server.page_size = len(server.tools)


def long_description(server, channel, value):
    """Describes one tool in 50 000 000 (or VALUE) characters."""
    server.tools[0].definition["description"] = "x" * int(value or 50_000_000)


def changing_list(server, channel, value):
    """Lists one tool more each time, and says nothing about it."""
    numbers = [0]

    def change(result):
        numbers[0] += 1
        return {**result, "tools": [*result["tools"], {**server.tools[0].definition, "name": f"new_{numbers[0]}"}]}

    _listed(server, change)


def lying_version(server, channel, value):
    """Answers initialize with the revision 2099-01-01 (or VALUE), whatever was asked for."""
    server.on_result.append(
        lambda request, result: (
            {**result, "protocolVersion": value or "2099-01-01"} if request.method == "initialize" else result
        )
    )


def lying_capabilities(server, channel, value):
    """Declares resources, prompts and completions and answers -32601 to all of them."""

    def hook(request):
        if request.method.split("/")[0] in {"resources", "prompts", "completion"}:
            request.fail(RpcError(METHOD_NOT_FOUND, "Method not found"))
            return True
        return False

    server.on_request.append(hook)


def no_tools(server, channel, value):
    """Has no tools at all, and says so."""
    server.tools.clear()
    del server.capabilities["tools"]


def growing_lists(server, channel, value):
    """Lists another tool, resource and prompt after a call of media, and tells of all three."""
    for kind in ("tools", "resources", "prompts"):
        grow(server, kind, told=True)


FAULTS = table(
    duplicate_answer, unknown_id, wrong_id, id_type, id_float, id_null, id_missing, result_and_error,
    no_result_no_error, result_null, result_list, result_string, error_string, error_code_string,
    error_unattributed, error_internal, jsonrpc_missing, jsonrpc_one, answer_as_notification, never_answer,
    never_answer_discover, never_answer_unknown, late_answer, late_third_answer, blocking, notification_flood,
    progress_flood, list_changed_flood, unknown_notifications, request_flood, ask_first, endless_cursor,
    repeated_cursor, many_tools, long_description, changing_list, lying_version, lying_capabilities, no_tools,
    growing_lists,
)  # fmt: skip
