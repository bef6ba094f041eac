"""Every message against the schema of its revision: the net under all other checks.

What another check judges is left to it, so that one fault is one finding.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from mcp_assay.core.verdicts import Category, Judgement
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.observing.traffic import Received

ANYWHERE = r"/(resultType|ttlMs|cacheScope|nextCursor)"
_ANNOTATIONS = r"/annotations(/.*)?"
JUDGED_ELSEWHERE: Mapping[str, str] = {
    "initialize": r"/(protocolVersion|capabilities|serverInfo(/(name|version))?)",
    "server/discover": r"/(supportedVersions|capabilities|instructions)",
    "ping": r".*",
    "tools/list": r"/tools(/\d+/(title|description|inputSchema(/type)?|outputSchema(/type)?|_meta|icons"
    rf"|execution(/taskSupport)?|{_ANNOTATIONS[1:]}))?",
    "resources/list": rf"/resources(/\d+/(uri|name|{_ANNOTATIONS[1:]}))?",
    "resources/templates/list": rf"/resourceTemplates(/\d+/(uriTemplate|{_ANNOTATIONS[1:]}))?",
    "prompts/list": r"/prompts",
    "tools/call": r"/(content|structuredContent|isError)(/.*)?",
    "resources/read": r"/contents(/.*)?",
    "prompts/get": r"/messages(/.*)?",
    "completion/complete": r"/completion(/.*)?",
    "notifications/message": r"(/params)?/(level|data)|/id",
    "elicitation/create": r"/params/requestedSchema(/.*)?",
}
"""By method, the places of its message that another check judges; in an answer they count from the result."""

_LONGEST = 160


@check("BASE-025", category=Category.SCHEMA, late=True)
async def wire_schema(subject: Subject) -> Judgement:
    """Judge every message by the schema of the revision."""
    version = subject.version
    found = list(received(subject.server))
    wrong: dict[tuple[str, str], tuple[Received, str]] = {}
    for item in found:
        for place, problem in schema_problems(item, version):
            wrong.setdefault(
                (_method(item), re.sub(r"/\d+", "/n", place)), (item, f"{item.name} at {place}: {problem}")
            )
    return judged(
        f"every message is valid by the schema of {version}",
        [problem for _, problem in wrong.values()],
        looked_at=counted(len(found), "message"),
        exchange=dict(next(iter(wrong.values()))[0].evidence()) if wrong else None,
    )


def schema_problems(item: Received, version: str) -> Iterator[tuple[str, str]]:
    """Yield the places where a message breaks the revision's schema, with the problem; none for unknown methods."""
    method = _method(item)
    kind = "results" if item.exchange is not None else "requests" if "id" in item.message else "notifications"
    if method.startswith("notifications/"):
        kind = "notifications"
    validator = validators(version)[kind].get(method)
    instance = item.message.get("result") if item.exchange is not None else item.message
    if validator is None or not isinstance(instance, dict) or _of_extension(instance):
        return
    elsewhere = re.compile(rf"{ANYWHERE}|{JUDGED_ELSEWHERE.get(method, '(?!)')}")
    for error in validator.iter_errors(instance):
        place = _place(error)
        if elsewhere.fullmatch(place) is None:
            yield place or "/", _cut(error.message)


@cache
def validators(version: str) -> Mapping[str, Mapping[str, jsonschema_rs.Validator]]:
    """Return a revision's validators by kind of message and method; they are made once."""
    text = files("mcp_assay_suites").joinpath("wire_schemas").joinpath(f"{version}.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    definitions = document.pop("$defs")
    return {
        kind: {
            method: jsonschema_rs.Draft202012Validator({**schema, "$defs": definitions})
            for method, schema in schemas.items()
        }
        for kind, schemas in document.items()
    }


def _method(item: Received) -> str:
    """Return the method that a message belongs to."""
    return item.exchange.method if item.exchange is not None else item.method


def _of_extension(instance: JsonObject) -> bool:
    """Return whether a result is of a type that this revision's schema does not describe."""
    return instance.get("resultType", "complete") not in {"complete", "input_required"}


def _place(error: jsonschema_rs.ValidationError) -> str:
    """Return where an error is; for a missing member, where it should be."""
    parts = [str(part) for part in error.instance_path]
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        parts.append(str(error.kind.property))
    return "".join(f"/{part}" for part in parts)


def _cut(text: str) -> str:
    """Return a validator's message without the end of a long one."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


CHECKS = (wire_schema,)
