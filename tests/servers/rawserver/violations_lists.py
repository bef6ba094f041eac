"""Violations around pages, caching, resources, prompts and completion."""

from __future__ import annotations

import os

from rawserver.changes import (
    Violations,
    after_answer,
    error_to_result,
    notify,
    on_error,
    on_result,
    undeclared,
    without,
)
from rawserver.protocol import INTERNAL_ERROR, INVALID_PARAMS

TABLE = Violations()
violates = TABLE.of


@violates("PAGE-001", also=("BASE-025",))
def next_cursor_null(server, channel):
    """Ends a list with the cursor null."""
    on_result(server, "prompts/list", lambda result, request: {"nextCursor": None, **result})


@violates("PAGE-002")
def cursor_repeats(server, channel):
    """Gives the cursor of the second page of prompts again on that page."""
    on_result(
        server,
        "prompts/list",
        lambda result, request: (
            {**result, "nextCursor": request.params["cursor"]} if "cursor" in request.params else result
        ),
    )


@violates("PAGE-004")
def any_cursor(server, channel):
    """Takes cursors it never gave, and answers with the first page."""

    def hook(message, request):
        if message.get("error", {}).get("message") != "Invalid cursor":
            return [message]
        request.open = True
        request.params = without(request.params, "cursor")
        request.connection.run(request)
        return []

    server.on_message.append(hook)


@violates("PAGE-005")
def item_twice(server, channel):
    """Lists a prompt on two pages."""
    on_result(
        server,
        "prompts/list",
        lambda result, request: (
            {**result, "prompts": [server.prompts[0], *result["prompts"]]} if "cursor" in request.params else result
        ),
    )


def _tools_list_stateless(server, change):
    """Change the result of tools/list in the stateless era."""
    on_result(
        server, "tools/list", lambda result, request: change(result, request) if request.era == "stateless" else result
    )


@violates("CACHE-001", also=("BASE-025",))
def no_ttl(server, channel):
    """Leaves ttlMs out of tools/list."""
    _tools_list_stateless(server, lambda result, request: without(result, "ttlMs"))


@violates("CACHE-002", also=("BASE-025",))
def negative_ttl(server, channel):
    """Gives a ttlMs of -1 in tools/list."""
    _tools_list_stateless(server, lambda result, request: {**result, "ttlMs": -1})


@violates("CACHE-003", also=("BASE-025",))
def unknown_scope(server, channel):
    """Gives the cacheScope ``shared`` in tools/list."""
    _tools_list_stateless(server, lambda result, request: {**result, "cacheScope": "shared"})


@violates("CACHE-004")
def scope_changes(server, channel):
    """Gives another cacheScope on the second page of tools/list."""
    _tools_list_stateless(
        server, lambda result, request: {**result, "cacheScope": "private"} if "cursor" in request.params else result
    )


@violates("RES-001", also=("BASE-010",))
def undeclared_resources(server, channel):
    """Has resources but does not declare them."""
    undeclared(server, "resources")


@violates("RES-002", also=("BASE-025",))
def resources_no_array(server, channel):
    """Lists its resources as an object."""
    on_result(server, "resources/list", lambda result, request: {**result, "resources": {}})


def _add_resource(server, uri, contents, **members):
    """List one more resource, on the first page, and let it be read."""
    server.resources.insert(0, {"uri": uri, "name": "more", "mimeType": "text/plain", **members})
    if contents is not None:
        server.more_contents[uri] = {"uri": uri, "mimeType": "text/plain", **contents}


@violates("RES-003")
def uri_with_space(server, channel):
    """Lists a resource whose URI has no scheme but a space."""
    _add_resource(server, "read me", {"text": "x"})


@violates("RES-004")
def uri_twice(server, channel):
    """Lists two resources with one URI, on one page."""
    server.resources.insert(0, {**server.resources[0], "name": "again"})


@violates("RES-005")
def unreadable(server, channel):
    """Lists a resource that cannot be read."""
    _add_resource(server, "raw://gone", None)


@violates("RES-006")
def text_and_blob(server, channel):
    """Returns a resource as text and as a blob at once."""
    _add_resource(server, "raw://both", {"text": "x", "blob": "eA=="})


@violates("RES-007")
def blob_not_base64(server, channel):
    """Returns a blob that is no base64."""
    _add_resource(server, "raw://blob", {"blob": "***"})


@violates("RES-008")
def unknown_resource_code(server, channel):
    """Answers unknown resources with -32603."""
    on_error(
        server,
        lambda error, request: {**error, "code": INTERNAL_ERROR} if error["message"] == "Resource not found" else None,
    )


def _read_anyway(server, matches, contents):
    """Read a resource that there is not."""

    def hook(request):
        uri = request.params.get("uri") if isinstance(request.params, dict) else None
        if request.method != "resources/read" or not isinstance(uri, str) or not matches(uri):
            return False
        request.connection.admit(request)
        request.answer({"contents": contents(uri)})
        return True

    server.on_request.append(hook)


@violates("RES-009", also=("RES-008", "RES-010"))
def unknown_resource_empty(server, channel):
    """Answers unknown resources with nothing in them."""
    _read_anyway(server, lambda uri: server.contents(uri) is None, lambda uri: [])


@violates("RES-010", also=("RES-003",))
def garbage_uri(server, channel):
    """Reads URIs that are none."""
    _read_anyway(server, lambda uri: "://" not in uri, lambda uri: [{"uri": uri, "text": "x"}])


@violates("RES-011")
def path_traversal(server, channel):
    """Serves files, and any path that leaves their folder; what it returns is made up."""
    _add_resource(server, "file:///srv/raw/read.txt", {"text": "x"})
    _read_anyway(
        server,
        lambda uri: uri.startswith("file:") and (".." in uri or "%2e" in uri.lower()),
        lambda uri: [{"uri": uri, "mimeType": "text/plain", "text": "root:x:0:0:root:/root:/bin/sh\n"}],
    )


@violates("RES-013")
def last_modified_no_date(server, channel):
    """Says that a resource was modified ``yesterday``."""
    server.resources[0]["annotations"] = {"lastModified": "yesterday"}


@violates("RES-014")
def template_unbalanced(server, channel):
    """Lists a template with an open brace."""
    server.templates[0]["uriTemplate"] = "raw://item/{id"


@violates("RES-017")
def subscribe_with_result(server, channel):
    """Answers resources/subscribe with something."""
    on_result(server, "resources/subscribe", lambda result, request: {"subscribed": True})


@violates("RES-018", also=("SUB-003", "SUB-004"))
def updated_unasked(server, channel):
    """Says that a resource was updated which nobody watches."""
    after_answer(
        server, "tools/list", lambda request: notify(request, "notifications/resources/updated", {"uri": "raw://today"})
    )


@violates("RES-019")
def resource_of_this_process(server, channel):
    """Lists a resource that only this process has."""
    _add_resource(server, f"raw://process/{os.getpid()}", {"text": "x"})


@violates("PROMPT-001", also=("BASE-010",))
def undeclared_prompts(server, channel):
    """Has prompts but does not declare them."""
    undeclared(server, "prompts")


@violates("PROMPT-002", also=("BASE-025",))
def prompts_no_array(server, channel):
    """Lists its prompts as an object."""
    on_result(server, "prompts/list", lambda result, request: {**result, "prompts": {}})


def _prompt_content(server, name, change):
    """Change each message of one prompt."""
    on_result(
        server,
        "prompts/get",
        lambda result, request: (
            {**result, "messages": [change(message) for message in result["messages"]]}
            if request.params["name"] == name
            else result
        ),
    )


@violates("PROMPT-003", also=("BASE-025",))
def role_system(server, channel):
    """Returns a prompt message of the role system."""
    _prompt_content(server, "plain", lambda message: {**message, "role": "system"})


@violates("PROMPT-004")
def prompt_image_not_base64(server, channel):
    """Returns a prompt with an image that is no base64."""
    _prompt_content(
        server,
        "show",
        lambda message: (
            {**message, "content": {**message["content"], "data": "***"}}
            if message["content"]["type"] == "image"
            else message
        ),
    )


@violates("PROMPT-005")
def prompt_resource_without_type(server, channel):
    """Returns a prompt with a resource that has no MIME type."""
    bare = {"type": "resource", "resource": {"uri": "raw://readme", "text": "A server for tests."}}
    _prompt_content(
        server,
        "show",
        lambda message: {**message, "content": bare} if message["content"]["type"] == "resource" else message,
    )


def _prompt_error(server, start):
    """Answer with -32603 where prompts/get fails with a message that starts so."""
    on_error(
        server, lambda error, request: {**error, "code": INTERNAL_ERROR} if error["message"].startswith(start) else None
    )


@violates("PROMPT-006")
def unknown_prompt_code(server, channel):
    """Answers unknown prompts with -32603."""
    _prompt_error(server, "Unknown prompt")


@violates("PROMPT-007")
def missing_argument_code(server, channel):
    """Answers missing prompt arguments with -32603."""
    _prompt_error(server, "Missing argument")


@violates("PROMPT-008")
def prompt_of_this_process(server, channel):
    """Lists a prompt that only this process has."""
    server.prompts.append({**server.prompt("plain"), "name": f"plain-{os.getpid()}"})


@violates("COMP-001", also=("BASE-010",))
def undeclared_completions(server, channel):
    """Completes arguments but does not declare it."""
    undeclared(server, "completions")


@violates("COMP-002", also=("BASE-025",))
def too_many_completions(server, channel):
    """Completes an argument with 101 values."""
    values = [f"a{number}" for number in range(101)]
    on_result(server, "completion/complete", lambda result, request: {**result, "completion": {"values": values}})


@violates("COMP-003")
def invalid_reference(server, channel):
    """Answers completion for prompts that there are not with nothing found."""
    error_to_result(
        server,
        lambda error, request: request.method == "completion/complete" and error["code"] == INVALID_PARAMS,
        {"completion": {"values": []}},
    )
