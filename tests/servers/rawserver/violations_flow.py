"""Violations around logging, progress, subscriptions, requests for input and elicitation."""

from __future__ import annotations

import os

from rawserver.changes import (
    Violations,
    after_answer,
    calls,
    error_to_result,
    full,
    notify,
    on_result,
    subscription,
    without,
)
from rawserver.protocol import INVALID_PARAMS, META_CAPABILITIES, RpcError
from rawserver.tools import question_params, structured

TABLE = Violations()
violates = TABLE.of


def _log(request, level="info", data="hello"):
    """Send a log message after an answer, wanted or not."""
    notify(request, "notifications/message", {"level": level, "data": data})


def _change_logs(server, change):
    """Change the params of log messages."""
    server.on_message.append(
        lambda message, request: (
            [{**message, "params": change(message["params"])}]
            if message.get("method") == "notifications/message"
            else [message]
        )
    )


@violates("LOG-001")
def undeclared_logging(server, channel):
    """Logs but does not declare it."""
    del server.capabilities["logging"]
    after_answer(server, "tools/list", _log, "handshake")


@violates("LOG-002", also=("BASE-025",))
def unknown_level(server, channel):
    """Logs at the level ``loud``."""
    _change_logs(server, lambda params: {**params, "level": "loud"})
    after_answer(server, "tools/list", _log, "handshake")


@violates("LOG-003")
def level_ignored(server, channel):
    """Takes a log level and logs at all levels all the same."""
    after_answer(server, "tools/list", _log, "handshake")
    after_answer(server, "tools/call", _log, "handshake")


@violates("LOG-004")
def any_level(server, channel):
    """Takes log levels that there are not."""
    error_to_result(server, lambda error, request: error["message"] == "Unknown log level", {})


@violates("LOG-005")
def log_unasked(server, channel):
    """Logs in the stateless era though nobody asked for it."""
    before_answer(
        server,
        "tools/list",
        lambda request: request.notify("notifications/message", {"level": "info", "data": "hello"}),
    )


def before_answer(server, method, act):
    """Call ``act(request)`` before each stateless request of a method is dealt with."""

    def hook(request):
        if request.method == method and request.meta.get("io.modelcontextprotocol/protocolVersion"):
            act(request)
        return False

    server.on_request.append(hook)


def _on_listen(server, act):
    """Call ``act(request)`` once a subscription was acknowledged."""

    def hook(message, request):
        if message.get("method") == "notifications/subscriptions/acknowledged":
            request.connection.later(0, lambda: act(request))
        return [message]

    server.on_message.append(hook)


@violates("LOG-006", also=("SUB-005", "LOG-005"))
def log_on_listen(server, channel):
    """Logs on a subscription."""
    params = {"level": "info", "data": "hello"}
    _on_listen(server, lambda request: request.notify("notifications/message", {**params, **subscription(request)}))


@violates("LOG-007")
def secret_in_log(server, channel):
    """Logs the value of MCP_TEST_SECRET and something that looks like a token."""
    secret = os.environ.get("MCP_TEST_SECRET", "")
    token = "gh" + "p_" + "a1B2" * 9
    _change_logs(server, lambda params: {**params, "data": f"refused {secret} {token}"})
    after_answer(server, "tools/list", _log, "handshake")


def _progress(token, value):
    return {"progressToken": token, "progress": value, "total": 3}


@violates("PROG-001")
def unknown_token(server, channel):
    """Reports progress for a token that nobody gave."""
    after_answer(
        server, "tools/list", lambda request: notify(request, "notifications/progress", _progress("nobody", 1))
    )


@violates("PROG-002")
def progress_stands_still(server, channel):
    """Reports the same progress again and again."""
    server.on_message.append(
        lambda message, request: (
            [{**message, "params": {**message["params"], "progress": 1}}]
            if message.get("method") == "notifications/progress"
            else [message]
        )
    )


@violates("PROG-003", also=("PROG-001",))
def progress_after_answer(server, channel):
    """Reports progress after the answer."""

    def act(request):
        token = request.meta.get("progressToken")
        if token is not None:
            notify(request, "notifications/progress", _progress(token, 99))

    after_answer(server, "tools/call", act)


@violates("SUB-001")
def change_before_acknowledgement(server, channel):
    """Sends a change on a subscription before it acknowledges it."""

    def hook(message, request):
        if message.get("method") != "notifications/subscriptions/acknowledged":
            return [message]
        early = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": subscription(request)}
        return [early, message]

    server.on_message.append(hook)


def _acknowledge(server, change):
    """Change the params of acknowledgements."""
    server.on_message.append(
        lambda message, request: (
            [{**message, "params": change(message["params"])}]
            if message.get("method") == "notifications/subscriptions/acknowledged"
            else [message]
        )
    )


@violates("SUB-002")
def acknowledges_more(server, channel):
    """Acknowledges what was not asked for."""
    more = {"toolsListChanged": True, "promptsListChanged": True, "resourceSubscriptions": ["raw://secret"]}
    _acknowledge(server, lambda params: {**params, "notifications": {**params["notifications"], **more}})


@violates("SUB-003", also=("SUB-001",))
def subscription_id_type(server, channel):
    """Names subscriptions by their id as another type."""

    def change(params):
        ((key, found),) = params["_meta"].items()
        return {**params, "_meta": {key: str(found) if isinstance(found, int) else 1}}

    _acknowledge(server, change)


@violates("SUB-004")
def filter_ignored(server, channel):
    """Sends changes of prompts that were not asked for on a subscription."""

    def act(request):
        if not request.params["notifications"].get("promptsListChanged"):
            request.notify("notifications/prompts/list_changed", subscription(request))

    _on_listen(server, act)


@violates("SUB-005", also=("PROG-001",))
def progress_on_listen(server, channel):
    """Reports progress on a subscription."""
    _on_listen(
        server,
        lambda request: request.notify("notifications/progress", {**_progress("listen", 1), **subscription(request)}),
    )


@violates("SUB-007")
def change_after_cancel(server, channel):
    """Sends changes on a subscription that was cancelled."""

    def hook(message, connection):
        params = message.get("params")
        found = params.get("requestId") if isinstance(params, dict) else None
        for key, (request, _wanted) in list(connection.listeners.items()):
            if message["method"] == "notifications/cancelled" and key == found:
                connection.later(
                    0.02,
                    lambda request=request: notify(request, "notifications/tools/list_changed", subscription(request)),
                )

    server.on_notification.append(hook)


@violates("MRTR-001", also=("BASE-025",))
def input_for_a_list(server, channel):
    """Asks for input when resource templates are listed."""
    wanted = {"resultType": "input_required", "requestState": "x"}
    on_result(
        server,
        "resources/templates/list",
        lambda result, request: {**wanted, "_meta": result["_meta"]} if request.era == "stateless" else result,
    )


def _ask_result(server, change):
    """Change what ask returns in the stateless era while it still needs input."""
    on_result(
        server,
        "tools/call",
        lambda result, request: change(result, request) if result.get("resultType") == "input_required" else result,
    )


@violates("MRTR-002", also=("BASE-025",))
def input_of_nothing(server, channel):
    """Says that it needs input, but not which."""
    _ask_result(server, lambda result, request: without(result, "inputRequests", "requestState"))


@violates("MRTR-003", also=("BASE-025",))
def input_of_unknown_kind(server, channel):
    """Asks for input by a method that there is not."""
    _ask_result(
        server, lambda result, request: {**result, "inputRequests": {"answer": {"method": "x-acme/ask", "params": {}}}}
    )


def _form(request):
    return {"method": "elicitation/create", "params": question_params(request, "form", "How many?")}


def _ask_regardless(server, requests):
    """Ask for input where the client lacks a capability."""

    def matches(error, request):
        return "requiredCapabilities" in error.get("data", {}) and calls(request, "ask")

    def hook(message, request):
        if "error" not in message or not matches(message["error"], request):
            return [message]
        result = {"resultType": "input_required", "inputRequests": requests(request), "requestState": "x"}
        return [{"jsonrpc": "2.0", "id": message["id"], "result": result}]

    server.on_message.append(hook)


@violates("DISC-010", also=("MRTR-004", "ELIC-002", "DISC-003"))
def asks_without_capability(server, channel):
    """Asks for input though the client declared nothing."""
    _ask_regardless(server, lambda request: {"answer": _form(request)})


@violates("MRTR-004")
def asks_for_more(server, channel):
    """Asks for sampling as well, where only elicitation was declared."""
    sampling = lambda request: {"method": "sampling/createMessage", "params": question_params(request, "sampling", "?")}  # noqa: E731
    _ask_result(
        server,
        lambda result, request: (
            {**result, "inputRequests": {**result["inputRequests"], "more": sampling(request)}}
            if "sampling" not in request.client_capabilities
            else result
        ),
    )


def _ask_failure(server, said, result):
    """Answer retries of ask with a result where an error with such a message was due."""
    error_to_result(server, lambda error, request: calls(request, "ask") and said in error["message"], result)


_ANSWERED = structured({"answered": True, "answer": "7"})


@violates("MRTR-005", also=("MRTR-006",))
def tampered_state(server, channel):
    """Takes a requestState that is not its own."""
    _ask_failure(server, "requestState", _ANSWERED)


@violates("MRTR-006")
def state_for_all(server, channel):
    """Takes the requestState of a call with other arguments."""
    seen = []
    on_result(server, "tools/call", lambda result, request: seen.append(result.get("requestState")) or result)

    def hook(message, request):
        error = message.get("error", {})
        state = request.params.get("requestState") if request is not None and calls(request, "ask") else None
        if "requestState" not in error.get("message", "") or state not in seen:
            return [message]
        return [{"jsonrpc": "2.0", "id": message["id"], "result": full(request, _ANSWERED)}]

    server.on_message.append(hook)


@violates("DISC-011", also=("MRTR-004",))
def capabilities_remembered(server, channel):
    """Asks for input once a request of the same connection declared that it may."""
    declared = {}

    def hook(request):
        if "elicitation" in (request.meta.get(META_CAPABILITIES) or {}):
            declared[id(request.connection)] = True
        elif calls(request, "ask") and declared.get(id(request.connection)):
            request.meta = {**request.meta, META_CAPABILITIES: {"elicitation": {}}}
        return False

    server.on_request.append(hook)


@violates("MRTR-008")
def refuses_unexpected(server, channel):
    """Refuses answers that it did not ask for."""

    def hook(request):
        responses = request.params.get("inputResponses") if calls(request, "ask") else None
        if not isinstance(responses, dict) or not set(responses) - {"answer"}:
            return False
        request.fail(RpcError(INVALID_PARAMS, "An answer that nobody asked for"))
        return True

    server.on_request.append(hook)


@violates("MRTR-007")
def missing_input(server, channel):
    """Refuses retries that lack an answer."""

    def hook(message, request):
        again = message.get("result", {}).get("resultType") == "input_required" if "result" in message else False
        if not again or "requestState" not in request.params:
            return [message]
        error = {"code": INVALID_PARAMS, "message": "The answer is missing"}
        return [{"jsonrpc": "2.0", "id": message["id"], "error": error}]

    server.on_message.append(hook)


@violates("MRTR-009")
def invalid_input(server, channel):
    """Takes answers that make no sense."""
    for said in ("The form must be", "The answer must be", "The answer does not have"):
        _ask_failure(server, said, _ANSWERED)


@violates("MRTR-010")
def decline_unanswered(server, channel):
    """Never answers when the client declines."""

    def hook(message, request):
        result = message.get("result")
        declined = isinstance(result, dict) and result.get("structuredContent") == {"answered": False, "answer": ""}
        return [] if declined else [message]

    server.on_message.append(hook)


def _change_form(server, change):
    """Change the params of every request for a form, in both eras."""

    def hook(message, request):
        if message.get("method") == "elicitation/create":
            return [{**message, "params": change(message["params"])}]
        requests = message["result"].get("inputRequests") if isinstance(message.get("result"), dict) else None
        if not requests or requests["answer"]["method"] != "elicitation/create":
            return [message]
        answer = {**requests["answer"], "params": change(requests["answer"]["params"])}
        return [{**message, "result": {**message["result"], "inputRequests": {**requests, "answer": answer}}}]

    server.on_message.append(hook)


@violates("ELIC-001", also=("BASE-025", "MRTR-003"))
def nested_form(server, channel):
    """Asks for a form with a form in it."""
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}}
    _change_form(
        server, lambda params: {**params, "requestedSchema": {"type": "object", "properties": {"count": inner}}}
    )


@violates("ELIC-002")
def url_undeclared(server, channel):
    """Asks to open a URL though only forms were declared."""
    _change_form(
        server,
        lambda params: {"mode": "url", "message": "Please open", "url": "https://raw.invalid/", "elicitationId": "e1"},
    )


@violates("ELIC-004")
def url_with_password(server, channel):
    """Sends users to an address with a user name and a password."""
    _change_form(
        server,
        lambda params: (
            {**params, "url": "https://me:hunter22@raw.invalid/ask"} if params.get("mode") == "url" else params
        ),
    )


@violates("ELIC-003")
def asks_for_password(server, channel):
    """Asks for a password in a form."""
    secret = {"type": "string", "title": "Password", "description": "Your password"}
    _change_form(
        server, lambda params: {**params, "requestedSchema": {"type": "object", "properties": {"password": secret}}}
    )
