"""Multi round-trip requests of the stateless era, judged where they were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.input_rounds import InputTalk
from mcp_assay_suites.observing.judging import counted, judged, kind_of, shown
from mcp_assay_suites.observing.questions import NEEDS, is_question, needed_capabilities
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

MISSING_CAPABILITY = -32021
METHODS = frozenset({"prompts/get", "resources/read", "tools/call"})


@check("MRTR-001", category=Category.CONNECTIVITY, late=True)
async def supported_methods_only(subject: Subject) -> Judgement:
    """Judge which requests are answered by a question."""
    return _each(
        subject,
        f"only {', '.join(sorted(METHODS))} may be answered by input_required",
        lambda one: None if one.method in METHODS else "was answered by input_required",
    )


@check("MRTR-002", category=Category.CONNECTIVITY, late=True)
async def inputs_or_state(subject: Subject) -> Judgement:
    """Judge that a question says what it needs, or keeps its state."""

    def problem(one: Exchange) -> str | None:
        result = one.result or {}
        return None if "inputRequests" in result or "requestState" in result else "has neither of them"

    return _each(subject, "input_required comes with inputRequests or requestState", problem)


@check("MRTR-003", category=Category.CONNECTIVITY, late=True)
async def request_kinds(subject: Subject) -> Judgement:
    """Judge what is asked for."""
    return _each(
        subject,
        f"each of inputRequests is one of {', '.join(sorted(NEEDS))} with its params, and no JSON-RPC request",
        lambda one: next(_kind_problems((one.result or {}).get("inputRequests", {})), None),
    )


@check("DISC-010", category=Category.CONNECTIVITY, late=True)
async def missing_capability_error(subject: Subject) -> Judgement:
    """Judge how the server says that it needs what the client did not declare."""
    session = await subject.server.session()
    declared = session.callbacks.capabilities(session.agreement.version)
    bare = _with_nothing_declared(subject)
    refused = [one for one in (*_answered(subject), *bare) if one.error_code == MISSING_CAPABILITY]
    needing = [one for one in _answered(subject) if set(needed_capabilities(one)) - set(declared)]
    needing += [one for one in bare if is_question(one)]
    unlike = [one for one in bare if one.error is not None and one.error_code != MISSING_CAPABILITY]
    if not refused and not needing and not unlike:
        return not_applicable("nothing that was asked needs a client capability")
    problems = [(one, f"{one.method} asks for {', '.join(needed_capabilities(one))}") for one in needing]
    problems += [(one, f"{one.method}: {problem}") for one in refused if (problem := _refusal_problem(one)) is not None]
    problems += [(one, f"{one.method} with nothing declared: {one.describe()}") for one in unlike]
    return judged(
        "a request that needs an undeclared client capability is answered by error -32021 that names it",
        [problem for _, problem in problems],
        looked_at=counted(len(refused), "refusal"),
        exchange=problems[0][0].evidence() if problems else None,
    )


def _each(subject: Subject, expected: str, problem: Callable[[Exchange], str | None]) -> Judgement:
    """Judge every question by one rule."""
    questions = [one for one in _answered(subject) if is_question(one)]
    if not questions:
        return not_applicable("the server asked for no input")
    wrong = [(one, text) for one in questions if (text := problem(one)) is not None]
    return judged(
        expected,
        [f"{one.method}: {text}" for one, text in wrong],
        looked_at=counted(len(questions), "question"),
        exchange=wrong[0][0].evidence() if wrong else None,
    )


def _answered(subject: Subject) -> Iterator[Exchange]:
    """Yield the exchanges with an answer."""
    return (item.exchange for item in received(subject.server) if item.exchange is not None)


def _with_nothing_declared(subject: Subject) -> list[Exchange]:
    """Return how tools that ask for input were answered when nothing was declared, where that was tried."""
    held = subject.server.memory.get(InputTalk.__qualname__)
    return [one.limited["nothing"] for one in held.rounds if one.limited] if isinstance(held, InputTalk) else []


def _kind_problems(requests: Json) -> Iterator[str]:
    """Yield what is wrong with the requests inside a question."""
    if not isinstance(requests, dict):
        yield f"inputRequests is {kind_of(requests)}"
        return
    for key, request in requests.items():
        if not isinstance(request, dict):
            yield f"{shown(key)} is {kind_of(request)}"
        elif request.get("method") not in NEEDS:
            yield f"{shown(key)} has method {shown(request.get('method'))}"
        elif "id" in request or "jsonrpc" in request:
            yield f"{shown(key)} is a whole JSON-RPC request"


def _refusal_problem(exchange: Exchange) -> str | None:
    """Return what is wrong with the error that names a missing capability, or None."""
    data: JsonObject | Json = (exchange.error or {}).get("data")
    required = data.get("requiredCapabilities") if isinstance(data, dict) else None
    if not isinstance(required, dict) or not required:
        return f"data.requiredCapabilities is {shown(required)}"
    if exchange.http is not None and exchange.http.status != 400:
        return f"HTTP status {exchange.http.status} instead of 400"
    return None


CHECKS = (supported_methods_only, inputs_or_state, request_kinds, missing_capability_error)
