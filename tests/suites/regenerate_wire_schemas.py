"""Writes the wire schemas of each revision from the published ``mcp-types`` package.

    python tests/suites/regenerate_wire_schemas.py

The package types 2025-11-25 and 2026-07-28. What an older revision does not know yet is taken out of the next one, as
its own published schema shows: members that came later are then not judged. Only what a server sends is kept; titles
and descriptions are left out.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from mcp_types.methods import SERVER_NOTIFICATIONS, SERVER_REQUESTS, SERVER_RESULTS
from pydantic import TypeAdapter

TARGET = Path(__file__).parents[2] / "suites" / "mcp_assay_suites" / "wire_schemas"
MEMBERS = {"results": SERVER_RESULTS, "notifications": SERVER_NOTIFICATIONS, "requests": SERVER_REQUESTS}
NEWER_THAN = {
    "2025-06-18": {
        "Implementation": ["description", "icons", "websiteUrl"],
        "Prompt": ["icons"],
        "Resource": ["icons"],
        "ResourceLink": ["icons"],
        "ResourceTemplate": ["icons"],
        "ServerCapabilities": ["tasks"],
        "Tool": ["execution", "icons"],
        "CreateMessageRequestParams": ["task", "toolChoice", "tools"],
        "ElicitRequestFormParams": ["mode", "task"],
    },
    "2025-03-26": {
        "Annotations": ["lastModified"],
        "AudioContent": ["_meta"],
        "BlobResourceContents": ["_meta"],
        "EmbeddedResource": ["_meta"],
        "ImageContent": ["_meta"],
        "Implementation": ["title"],
        "Prompt": ["title", "_meta"],
        "PromptArgument": ["title"],
        "Resource": ["title", "_meta"],
        "ResourceTemplate": ["title", "_meta"],
        "TextContent": ["_meta"],
        "TextResourceContents": ["_meta"],
        "Tool": ["title", "_meta", "outputSchema"],
    },
    "2024-11-05": {
        "ProgressNotificationParams": ["message"],
        "ServerCapabilities": ["completions"],
        "Tool": ["annotations"],
    },
}
"""Members that a revision does not know yet, by revision: whatever stands there is then not judged."""
PROPERTIES_ARE_OBJECTS = {"type": "object", "additionalProperties": {"type": "object"}}
"""Up to 2025-11-25 the schema of a property is an object (schema, Tool); the types take a boolean as well."""
METHODS_NEWER_THAN = {
    "2025-06-18": {"notifications": ["notifications/elicitation/complete"]},
    "2025-03-26": {"requests": ["elicitation/create"]},
    "2024-11-05": {},
}
REQUIRED_UNTIL_2025_06_18 = {"CancelledNotificationParams": ["requestId"]}
"""Members that 2025-11-25 made optional."""


def generate() -> dict[str, dict[str, Any]]:
    """Return the schema document of each revision."""
    documents = {version: _document(version) for version in ("2025-11-25", "2026-07-28")}
    for name in ("InputSchema", "OutputSchema"):
        documents["2025-11-25"]["$defs"][name]["properties"]["properties"] = PROPERTIES_ARE_OBJECTS
    newer = documents["2025-11-25"]
    for version in NEWER_THAN:
        documents[version] = newer = _older(newer, version)
    for version in NEWER_THAN:
        for name, members in REQUIRED_UNTIL_2025_06_18.items():
            documents[version]["$defs"][name]["required"] = members
    forms = documents["2025-06-18"]["requests"]["elicitation/create"]["properties"]
    forms["params"] = {"$ref": "#/$defs/ElicitRequestFormParams"}
    return documents


def text_of(document: dict[str, Any]) -> str:
    """Return a document as it is stored."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _document(version: str) -> dict[str, Any]:
    """Return the definitions of a revision, and the schema of each method's message."""
    definitions: dict[str, Any] = {}
    document: dict[str, Any] = {"$defs": definitions}
    for member, table in MEMBERS.items():
        document[member] = {}
        for (method, of), kind in table.items():
            if of == version:
                schema = _plain(TypeAdapter(kind).json_schema(by_alias=True))
                _merge(definitions, schema.pop("$defs", {}))
                document[member][method] = schema
    return document


def _merge(definitions: dict[str, Any], more: dict[str, Any]) -> None:
    """Add definitions; one name may stand for one thing only."""
    for name, schema in more.items():
        if definitions.setdefault(name, schema) != schema:
            raise SystemExit(f"{name} is defined twice")


def _plain(value: Any, *, named: bool = False) -> Any:
    """Return a schema without texts, in which an optional member may be absent but not null."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if named:
        return {name: _plain(schema) for name, schema in value.items()}
    value = _not_null(value) if value.get("default", ...) is None else value
    return {
        key: _plain(item, named=key in {"properties", "$defs"})
        for key, item in value.items()
        if key not in {"title", "description", "default"}
    }


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional member without the null that pydantic adds."""
    rest = [branch for branch in schema.get("anyOf", []) if branch != {"type": "null"}]
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    if not rest:
        return others
    return {**others, **rest[0]} if len(rest) == 1 else {**others, "anyOf": rest}


def _older(document: dict[str, Any], version: str) -> dict[str, Any]:
    """Return the schemas of a revision, made from those of the next one."""
    older = copy.deepcopy(document)
    for name, members in NEWER_THAN[version].items():
        for member in members:
            older["$defs"][name]["properties"].pop(member, None)
    for kind, methods in METHODS_NEWER_THAN[version].items():
        for method in methods:
            del older[kind][method]
    return older


def main() -> None:
    """Write the files."""
    TARGET.mkdir(exist_ok=True)
    for version, document in generate().items():
        (TARGET / f"{version}.json").write_text(text_of(document), "utf-8")


if __name__ == "__main__":
    main()
