"""The methods of the protocol."""

from __future__ import annotations

import base64

from rawserver import content, schema
from rawserver.protocol import (
    INVALID_PARAMS,
    LOG_LEVELS,
    META_SUBSCRIPTION,
    MISSING_CAPABILITY,
    RESOURCE_NOT_FOUND,
    TASKS,
    RpcError,
    text,
)


def initialize(request):
    """Agree on a revision."""
    params = request.params
    if not isinstance(params, dict) or not isinstance(params.get("protocolVersion"), str):
        raise RpcError(INVALID_PARAMS, "protocolVersion must be a string")
    if not isinstance(params.get("capabilities"), dict) or not isinstance(params.get("clientInfo"), dict):
        raise RpcError(INVALID_PARAMS, "capabilities and clientInfo must be objects")
    asked, known = params["protocolVersion"], request.server.handshake_revisions
    request.connection.revision = request.revision = asked if asked in known else known[-1]
    request.connection.client_capabilities = params["capabilities"]
    return {
        "protocolVersion": request.revision,
        "capabilities": request.server.capabilities,
        "serverInfo": request.server.info,
        "instructions": request.server.instructions,
    }


def discover(request):
    """Say what is served without a handshake."""
    # There is no logging/setLevel any more, but messages are still sent to those who ask for a level.
    return {
        "supportedVersions": [*request.server.stateless_revisions],
        "capabilities": {"extensions": {TASKS: {}}, **request.server.capabilities},
        "instructions": request.server.instructions,
    }


def listen(request):
    """Open a subscription: acknowledge it, and answer when it ends."""
    wanted = request.params.get("notifications")
    if not isinstance(wanted, dict):
        raise RpcError(INVALID_PARAMS, "notifications must be an object")
    agreed = {
        f"{kind}ListChanged": True
        for kind in ("tools", "prompts", "resources")
        if wanted.get(f"{kind}ListChanged") is True and request.server.capabilities.get(kind, {}).get("listChanged")
    }
    uris = wanted.get("resourceSubscriptions")
    if isinstance(uris, list) and request.server.capabilities.get("resources", {}).get("subscribe"):
        agreed["resourceSubscriptions"] = [uri for uri in uris if isinstance(uri, str)]
    meta = {META_SUBSCRIPTION: request.id}
    request.connection.listeners[request.id] = (request, agreed)
    request.notify("notifications/subscriptions/acknowledged", {"_meta": meta, "notifications": agreed})


def page(request, member, items):
    """Return one page of a list; cursors are opaque and only those handed out are accepted."""
    start, size = 0, request.server.page_size
    if "cursor" in request.params:
        start = _position(request.params["cursor"])
        if not 0 < start < len(items) or start % size:
            raise RpcError(INVALID_PARAMS, "Invalid cursor")
    result = {member: items[start : start + size]}
    if start + size < len(items):
        result["nextCursor"] = base64.urlsafe_b64encode(f"at:{start + size}".encode()).decode()
    return result


def _position(cursor):
    """Return the position in a cursor, or -1 when it is none of ours."""
    try:
        label, number = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().split(":")
        return int(number) if label == "at" else -1
    except (ValueError, TypeError):
        return -1


def list_tools(request):
    """Return a page of tools."""
    return page(request, "tools", [tool.definition for tool in request.server.tools])


def call_tool(request):
    """Call a tool once its arguments fit its schema."""
    name, arguments = request.params.get("name"), request.params.get("arguments", {})
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "name must be a string and arguments an object")
    tool = request.server.tool(name)
    if tool is None:
        raise RpcError(INVALID_PARAMS, f"Unknown tool: {name[:80]}")
    found = schema.problems(tool.checked or tool.definition["inputSchema"], arguments) if tool.strict else []
    if found:
        return {"content": [text("; ".join(found[:5]))], "isError": True}
    return tool.function(request, arguments)


def list_resources(request):
    """Return a page of resources."""
    return page(request, "resources", request.server.resources)


def list_templates(request):
    """Return a page of resource templates; in the stateless era it says which trace it belongs to."""
    found = page(request, "resourceTemplates", request.server.templates)
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "raw=1"}
    return {**found, "_meta": trace} if request.era == "stateless" else found


def read_resource(request):
    """Return the contents of a resource."""
    uri = request.params.get("uri")
    if not isinstance(uri, str):
        raise RpcError(INVALID_PARAMS, "uri must be a string")
    found = request.server.contents(uri)
    if found is None:
        code = RESOURCE_NOT_FOUND if request.era == "handshake" else INVALID_PARAMS
        raise RpcError(code, "Resource not found", {"uri": uri})
    return {"contents": [found]}


def subscribe(request):
    """Remember which resource the client watches."""
    uri = request.params.get("uri")
    if not isinstance(uri, str) or request.server.contents(uri) is None:
        raise RpcError(RESOURCE_NOT_FOUND if isinstance(uri, str) else INVALID_PARAMS, "Resource not found")
    request.connection.subscribed.add(uri)
    return {}


def unsubscribe(request):
    """Forget that the client watches a resource."""
    uri = request.params.get("uri")
    if not isinstance(uri, str):
        raise RpcError(INVALID_PARAMS, "uri must be a string")
    request.connection.subscribed.discard(uri)
    return {}


def list_prompts(request):
    """Return a page of prompts."""
    return page(request, "prompts", request.server.prompts)


def get_prompt(request):
    """Return the messages of a prompt."""
    name, arguments = request.params.get("name"), request.params.get("arguments", {})
    prompt = request.server.prompt(name)
    if prompt is None or not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "Unknown prompt" if prompt is None else "arguments must be an object")
    if not all(isinstance(value, str) for value in arguments.values()):
        raise RpcError(INVALID_PARAMS, "arguments must be strings")
    missing = [part["name"] for part in prompt["arguments"] if part["required"] and part["name"] not in arguments]
    if missing:
        raise RpcError(INVALID_PARAMS, f"Missing argument: {missing[0]}")
    return {"description": prompt["description"], "messages": content.messages(prompt["name"], arguments)}


def complete(request):
    """Return values for an argument of a prompt or a template."""
    ref, argument = request.params.get("ref"), request.params.get("argument")
    if not isinstance(ref, dict) or not isinstance(argument, dict):
        raise RpcError(INVALID_PARAMS, "ref and argument must be objects")
    place = (ref.get("type"), ref.get("name") or ref.get("uri"), argument.get("name"))
    known = content.COMPLETIONS.get(place) if all(isinstance(part, str) for part in place) else None
    if known is None or not isinstance(argument.get("value"), str):
        raise RpcError(INVALID_PARAMS, "Nothing can be completed there")
    values = [value for value in known if value.startswith(argument["value"])]
    return {"completion": {"values": values, "total": len(values), "hasMore": False}}


def about_task(request):
    """Say that there is no such task, to a client that knows tasks at all."""
    extensions = request.client_capabilities.get("extensions")
    if not isinstance(extensions, dict) or TASKS not in extensions:
        needed = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
        raise RpcError(MISSING_CAPABILITY, "The client must support tasks", needed)
    raise RpcError(INVALID_PARAMS, "Unknown task")


def set_level(request):
    """Set the lowest level of log messages."""
    check_log_level(request.params.get("level"))
    request.connection.log_level = request.params["level"]
    return {}


def check_log_level(level):
    """Raise unless a value is a log level."""
    if level not in LOG_LEVELS:
        raise RpcError(INVALID_PARAMS, "Unknown log level")


def trimmed(result, revision):
    """Return a result without what a handshake revision does not know yet."""
    if revision >= "2025-11-25":
        return result
    unknown = {"icons"} | (set() if revision >= "2025-06-18" else {"structuredContent", "outputSchema", "title"})
    unknown |= set() if revision >= "2025-03-26" else {"annotations"}
    kinds = (set() if revision >= "2025-06-18" else {"resource_link"}) | (
        set() if revision >= "2025-03-26" else {"audio"}
    )

    def trim(value):
        if isinstance(value, list):
            return [trim(item) for item in value if not (isinstance(item, dict) and item.get("type") in kinds)]
        if isinstance(value, dict):
            return {key: trim(item) for key, item in value.items() if key not in unknown}
        return value

    return trim(result)


TABLE = {
    "initialize": initialize,
    "ping": lambda request: {},
    "server/discover": discover,
    "subscriptions/listen": listen,
    "tools/list": list_tools,
    "tools/call": call_tool,
    "resources/list": list_resources,
    "resources/templates/list": list_templates,
    "resources/read": read_resource,
    "resources/subscribe": subscribe,
    "resources/unsubscribe": unsubscribe,
    "prompts/list": list_prompts,
    "prompts/get": get_prompt,
    "completion/complete": complete,
    "logging/setLevel": set_level,
    "tasks/get": about_task,
    "tasks/update": about_task,
    "tasks/cancel": about_task,
}
