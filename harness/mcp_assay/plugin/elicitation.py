"""Answers to servers that ask the user, from the user's own settings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.connect import Connector


def answering(connector: Connector, answers: Mapping[str, Json]) -> Connector:
    """Return a connector that answers forms with what the user's settings say; the same one when they say nothing."""
    if not answers:
        return connector
    return replace(connector, callbacks=connector.callbacks.with_elicitation(partial(_accepted, answers)))


def _accepted(answers: Mapping[str, Json], params: JsonObject) -> JsonObject | None:
    """Answer a form whose required fields are known; decline any other by returning None."""
    schema = params.get("requestedSchema")
    if not isinstance(schema, dict):
        return None
    properties, required = schema.get("properties"), schema.get("required")
    asked = properties if isinstance(properties, dict) else {}
    needed = required if isinstance(required, list) else []
    if any(name not in answers for name in needed if isinstance(name, str)):
        return None
    content: JsonObject = {name: answers[name] for name in asked if name in answers}
    return {"action": "accept", "content": content}
