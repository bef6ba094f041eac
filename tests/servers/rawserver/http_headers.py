"""The headers that stateless requests carry besides their body, and whether they fit it."""

from __future__ import annotations

import base64

from rawserver.protocol import HEADER_MISMATCH, META_VERSION, UNSUPPORTED_VERSION, RpcError

_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def check(server, headers, message):
    """Raise unless the headers of a stateless request say what its body says."""
    params = message.get("params") if isinstance(message.get("params"), dict) else {}
    meta = params.get("_meta") if isinstance(params.get("_meta"), dict) else {}
    version = headers.get("mcp-protocol-version")
    if version is None or (META_VERSION in meta and meta[META_VERSION] != version):
        raise mismatch("MCP-Protocol-Version")
    if version not in server.stateless_revisions:
        data = {"supported": [*server.stateless_revisions], "requested": version}
        raise RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)
    if headers.get("mcp-method") != message.get("method"):
        raise mismatch("Mcp-Method")
    member = _NAMED.get(message["method"])
    if member is not None and decoded(headers.get("mcp-name"), "Mcp-Name") != params.get(member):
        raise mismatch("Mcp-Name")
    if message["method"] == "tools/call":
        check_params(server, headers, params)


def check_params(server, headers, params):
    """Raise unless each mirrored argument is in its header."""
    tool = server.tool(params.get("name"))
    schema = tool.definition.get("inputSchema") if tool is not None else None
    arguments = params.get("arguments") if isinstance(params.get("arguments"), dict) else {}
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    for name, part in properties.items():
        header = part.get("x-mcp-header") if isinstance(part, dict) else None
        if isinstance(header, str) and arguments.get(name) is not None:
            said = decoded(headers.get(f"mcp-param-{header.lower()}"), header)
            if not same(said, arguments[name]):
                raise mismatch(f"Mcp-Param-{header}")


def same(said, value):
    """Return whether a header stands for a value; numbers are compared as numbers."""
    if isinstance(value, bool):
        return said == str(value).lower()
    if isinstance(value, int):
        try:
            return said is not None and float(said) == value
        except ValueError:
            return False
    return said == value


def decoded(value, name):
    """Return the text that a header stands for."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except ValueError as problem:
        raise mismatch(name) from problem


def mismatch(name):
    """Return the error for a header that does not fit."""
    return RpcError(HEADER_MISMATCH, f"Header mismatch: {name}")
