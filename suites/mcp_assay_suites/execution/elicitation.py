"""What servers ask their users: forms that a client can show, and nothing that does not belong in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.execution.form_fields import field_problem
from mcp_assay_suites.exercising.forms import elicitations
from mcp_assay_suites.exercising.input_rounds import input_talk
from mcp_assay_suites.observing.judging import counted, judged, judged_with_notes, kind_of, shown
from mcp_assay_suites.observing.secrecy import wants_secret
from mcp_assay_suites.observing.secrets import looks_like_token
from mcp_assay_suites.observing.uris import uri_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.core.json_types import Json
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.exercising.forms import Elicitation

_CREDENTIAL = re.compile(r"(?:access_?|auth_?|id_?)?token|api_?key|password|secret|jwt|code|session(?:_?id)?", re.I)


@check("ELIC-001", category=Category.EXECUTION)
async def schema_flat(subject: Subject) -> Judgement:
    """Judge whether each form is flat, with fields of the kinds that its revision has."""
    version = subject.version
    return await _judged(
        subject,
        "a form's schema is an object whose properties are plain fields",
        lambda one: one.mode == "form",
        lambda one: _form_problems(one, version),
    )


@check("ELIC-002", category=Category.EXECUTION)
async def mode_supported(subject: Subject) -> Judgement:
    """Judge whether only declared modes are used; asking where nothing was declared is judged elsewhere."""

    def problems(one: Elicitation) -> Iterator[str]:
        if one.mode not in one.modes:
            yield f"mode {shown(one.mode)} was used where {' and '.join(sorted(one.modes))} was declared"

    return await _judged(subject, "only modes that the client declared are used", lambda one: bool(one.modes), problems)


@check("ELIC-003", category=Category.EXECUTION)
async def no_secrets_in_form(subject: Subject) -> Judgement:
    """Judge whether forms ask for passwords, keys, tokens or payment data."""

    def problems(one: Elicitation) -> Iterator[str]:
        for name, field in one.properties.items():
            texts = [field.get(key) for key in ("title", "description")] if isinstance(field, dict) else []
            if wants_secret(name, *(text for text in texts if isinstance(text, str))):
                yield f"the field {shown(name)} asks for a secret"

    return await _judged(subject, "a form does not ask for secrets", lambda one: one.mode == "form", problems)


@check("ELIC-004", category=Category.EXECUTION)
async def url_mode(subject: Subject) -> Judgement:
    """Judge the addresses that users are sent to."""
    found = [one for one in await _asked(subject) if one.mode == "url"]
    if not found:
        return not_applicable("no user was sent to an address")
    wrong = [(one, text) for one in found for text in _url_problems(one.params.get("url"))]
    plain = [one for one in found if _is_plain(one.params.get("url"))]
    shown_by = wrong[0][0] if wrong else plain[0] if plain else found[0]
    return judged_with_notes(
        "the address is valid, holds no credential, and is https",
        [text for _, text in wrong],
        [f"{shown(one.params.get('url'))} is not https" for one in plain],
        looked_at=counted(len(found), "address"),
        exchange=shown_by.evidence,
    )


async def _asked(subject: Subject) -> tuple[Elicitation, ...]:
    """Return what users were asked, once the tools that ask were tried."""
    await input_talk(subject)
    return await elicitations(subject)


async def _judged(
    subject: Subject,
    expected: str,
    concerns: Callable[[Elicitation], bool],
    problems: Callable[[Elicitation], Iterator[str]],
) -> Judgement:
    """Judge each question that a rule concerns."""
    found = [one for one in await _asked(subject) if concerns(one)]
    if not found:
        return not_applicable("no tool that may be called asks the user for anything")
    wrong = [(one, text) for one in found for text in problems(one)]
    return judged(
        expected,
        [text for _, text in wrong],
        looked_at=counted(len(found), "question"),
        exchange=wrong[0][0].evidence if wrong else None,
    )


def _form_problems(one: Elicitation, version: str) -> Iterator[str]:
    """Yield what is wrong with a form's schema."""
    schema = one.params.get("requestedSchema")
    if not isinstance(schema, dict):
        yield f"requestedSchema is {kind_of(schema)}"
        return
    if schema.get("type") != "object":
        yield f"its root is of type {shown(schema.get('type'))}"
    if not isinstance(schema.get("properties"), dict):
        yield f"properties is {kind_of(schema.get('properties'))}"
    for name, field in one.properties.items():
        problem = field_problem(field, version)
        if problem is not None:
            yield f"the field {shown(name)} {problem}"


def _url_problems(url: Json) -> Iterator[str]:
    """Yield what is wrong with an address; nothing that may be a secret is quoted."""
    if not isinstance(url, str):
        yield f"url is {kind_of(url)}"
        return
    problem = uri_problem(url)
    if problem is not None or not urlsplit(url).netloc:
        yield f"url is no address: {problem or 'it names no host'}"
        return
    parts = urlsplit(url)
    if "@" in parts.netloc:
        yield f"the address at {parts.hostname} holds a user name or password"
    telling = [
        name for name, value in parse_qsl(parts.query) if _CREDENTIAL.fullmatch(name) and looks_like_token(value)
    ]
    yield from (f"the address at {parts.hostname} holds a credential in {shown(name)}" for name in telling)


def _is_plain(url: Json) -> bool:
    """Return whether an address is http and not on this machine."""
    parts = urlsplit(url) if isinstance(url, str) else None
    return parts is not None and parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}


CHECKS = (schema_flat, mode_supported, no_secrets_in_form, url_mode)
