"""JSON-RPC as MCP asks for it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, skipped, violated
from mcp_assay.wire.messages import AnomalyKind, looks_like_message
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.asks import ECHO_IDS
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, kind_of, listed, says, shown
from mcp_assay_suites.observing.traffic import logs, raw_text, received

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest, Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.messages import Anomaly
    from mcp_assay_suites.observing.probing import Reaction
    from mcp_assay_suites.observing.traffic import Received

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
PARSE_ERROR = -32700
INVALID_REQUEST = -32600

_STRAY = frozenset({AnomalyKind.UNKNOWN_ID, AnomalyKind.WRONG_ID_TYPE})
_NOT_REACHED = "no instance of the server lived long enough to be asked"


@check("BASE-001", category=Category.CONNECTIVITY, late=True)
async def jsonrpc_2(subject: Subject) -> Judgement:
    """Judge the ``jsonrpc`` member of everything the server sent."""
    await interview(subject.server)
    messages = list(received(subject.server))
    wrong = [item for item in messages if item.message.get("jsonrpc") != "2.0"]
    batches = [found for found in _anomalies(subject.server, {AnomalyKind.NOT_AN_OBJECT}) if _is_batch(found)]
    problems = [f"{item.name} says {_version_of(item.message)}" for item in wrong]
    problems += [f"an array of messages was sent: {raw_text(found.raw)[:80]}" for found in batches]
    return judged(
        'every message is one object with jsonrpc: "2.0"',
        problems,
        looked_at=f"{counted(len(messages), 'message')}",
        exchange=_evidence(wrong, batches),
    )


@check("BASE-002", category=Category.CONNECTIVITY)
async def response_id_echo(subject: Subject) -> Judgement:
    """Judge the ids of answers to proper requests."""
    held = await interview(subject.server)
    session = subject.server.managed.session
    odd = (*held.anomalies, *(session.log.anomalies if session is not None else ()))
    strays = [found for found in odd if found.kind in _STRAY and b'"method"' not in found.raw]
    if strays:
        observed = listed([f"{found.detail}" for found in strays])
        failed = next((one for one in held.echoes if one.fault is not None), None)
        evidence = failed.evidence() if failed is not None else {"message": raw_text(strays[0].raw)}
        return violated("an answer carries the id of its request, in value and type", observed, exchange=evidence)
    unanswered = [one for one in held.echoes if one.message is None]
    if unanswered:
        return skipped(f"a request with id {shown(unanswered[0].id)} was not answered: {unanswered[0].describe()}")
    return passed(f"ids {shown(ECHO_IDS[0])} and {shown(ECHO_IDS[1])} came back as sent")


@check("BASE-003", category=Category.CONNECTIVITY, late=True)
async def result_xor_error(subject: Subject) -> Judgement:
    """Judge that every answer has one of ``result`` and ``error``."""
    await interview(subject.server)
    answers = [item for item in received(subject.server) if item.exchange is not None]
    both = [item for item in answers if ("result" in item.message) == ("error" in item.message)]
    neither = [found for found in _anomalies(subject.server, {AnomalyKind.SHAPELESS}) if looks_like_message(found.raw)]
    problems = [f"{item.name} has {_members(item.message)}" for item in both]
    problems += [f"a message has neither: {raw_text(found.raw)[:80]}" for found in neither]
    return judged(
        "an answer has exactly one of result and error",
        problems,
        looked_at=counted(len(answers), "answer"),
        exchange=_evidence(both, neither),
    )


@check("BASE-004", category=Category.CONNECTIVITY, late=True)
async def error_shape(subject: Subject) -> Judgement:
    """Judge the shape of every error answer."""
    await interview(subject.server)
    errors = [item for item in received(subject.server) if "error" in item.message and "result" not in item.message]
    if not errors:
        return skipped("the server answered nothing with an error")
    wrong = [(item, problem) for item in errors if (problem := error_problem(item.message)) is not None]
    return judged(
        "an error is an object with an integer code and a textual message",
        [f"{item.name}: {problem}" for item, problem in wrong],
        looked_at=counted(len(errors), "error"),
        exchange=wrong[0][0].evidence() if wrong else None,
    )


def error_problem(message: JsonObject) -> str | None:
    """Return what is wrong with the ``error`` member of an answer, or None."""
    error = message.get("error")
    if not isinstance(error, dict):
        return f"error is {kind_of(error)}"
    code, text = error.get("code"), error.get("message")
    if type(code) is not int:
        return "code is missing" if code is None else f"code is {shown(code)}, not an integer"
    return None if isinstance(text, str) else f"message is {kind_of(text)}, not a string"


@check("BASE-009", category=Category.CONNECTIVITY)
async def unknown_method(subject: Subject) -> Judgement:
    """Judge the answer to a method that does not exist."""
    exchange = (await interview(subject.server)).unknown_method
    if exchange is None:
        return skipped(_NOT_REACHED)
    if says(exchange, METHOD_NOT_FOUND):
        return passed(exchange.describe())
    expected = "a method that does not exist is answered by JSON-RPC error -32601"
    return violated(expected, exchange.describe(), exchange=exchange.evidence())


@check("BASE-010", category=Category.CONNECTIVITY)
async def unadvertised_method(subject: Subject) -> Judgement:
    """Judge the answers to methods behind capabilities that were not declared; a real list is another check's."""
    answers = (await interview(subject.server)).undeclared
    if not answers:
        return not_applicable("the server declares every capability with a method to try")
    wrong = {name: one for name, one in answers.items() if not says(one, METHOD_NOT_FOUND) and not _offers(name, one)}
    return judged(
        "a method behind a capability that was not declared is answered by JSON-RPC error -32601",
        [f"{one.method} without the capability {name}: {one.describe()}" for name, one in wrong.items()],
        looked_at=listed([one.method for one in answers.values()]),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


def _offers(capability: str, exchange: Exchange) -> bool:
    """Return whether a server really has what it did not declare, which is judged by the capability's own check."""
    found = (exchange.result or {}).get({"completions": "completion"}.get(capability, capability))
    values = found.get("values") if isinstance(found, dict) else found
    return isinstance(values, list) and bool(values)


@check("BASE-014", category=Category.CONNECTIVITY)
async def invalid_params(subject: Subject) -> Judgement:
    """Judge the answers to parameters that break a method's own schema; nothing in them names a tool.

    A server that looks at the name first answers as it answers any unknown name, which is judged elsewhere.
    """
    held = await interview(subject.server)
    if not held.misshapen:
        return not_applicable("the server has no method whose parameters could be wrong")
    unlike = [one for one in held.unknown.values() if not says(one, INVALID_PARAMS)]
    wrong = {
        label: one
        for label, one in held.misshapen.items()
        if not says(one, INVALID_PARAMS) and not any(_alike(one, other) for other in unlike)
    }
    return judged(
        "parameters that break the method's schema are answered by JSON-RPC error -32602",
        [f"{label}: {one.describe()}" for label, one in wrong.items()],
        looked_at=listed(list(held.misshapen)),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


def _alike(one: Exchange, other: Exchange) -> bool:
    """Return whether two requests for the same method were answered in the same way."""
    return (one.method, one.error_code, one.is_tool_error) == (other.method, other.error_code, other.is_tool_error)


@check("BASE-011", category=Category.CONNECTIVITY)
async def parse_error(subject: Subject) -> Judgement:
    """Judge how the server takes a line that is no JSON."""
    reaction = (await interview(subject.server)).malformed
    if reaction is None:
        return skipped(_NOT_REACHED)
    expected = "malformed JSON is answered by JSON-RPC error -32700 and the server goes on"
    if not reaction.survived:
        observed = f"the next request got no answer: {reaction.after.describe()}"
        return violated(expected, observed, exchange=reaction.answer.evidence())
    if reaction.silent and subject.server.transport == "stdio":
        return noted(expected, "the server goes on but says nothing", exchange=reaction.answer.evidence())
    if refused_by_http(reaction.answer):
        return noted(expected, f"{reaction.answer.describe()}; no JSON-RPC error", exchange=reaction.answer.evidence())
    if not says(reaction.answer, PARSE_ERROR):
        return violated(expected, reaction.answer.describe(), exchange=reaction.answer.evidence())
    return passed("JSON-RPC error -32700, and the next request was answered")


@check("BASE-012", category=Category.CONNECTIVITY)
async def invalid_request(subject: Subject) -> Judgement:
    """Judge how the server takes JSON that is no request."""
    reactions = (await interview(subject.server)).invalid
    if not reactions:
        return skipped(_NOT_REACHED)
    expected = "JSON that is no valid request is answered by JSON-RPC error -32600 and never executed"
    wrong = {label: one for label, one in reactions.items() if _mistaken(one)}
    if wrong:
        observed = listed([f"{label}: {_reacted(one)}" for label, one in wrong.items()])
        return violated(expected, observed, exchange=next(iter(wrong.values())).answer.evidence())
    silent = [label for label, one in reactions.items() if not says(one.answer, INVALID_REQUEST)]
    if silent:
        told = reactions[silent[0]].answer.http is not None
        observed = f"{'no JSON-RPC error for' if told else 'no answer to'} a {listed(silent)}"
        return noted(expected, observed, exchange=reactions[silent[0]].answer.evidence())
    return passed(f"{counted(len(reactions), 'invalid message')} answered by -32600")


def _mistaken(reaction: Reaction) -> bool:
    """Return whether the server died of an invalid request, executed it, or answered with another code."""
    unsaid = reaction.silent or refused_by_http(reaction.answer) or _is_let_go(reaction.answer)
    return not reaction.survived or not (unsaid or says(reaction.answer, INVALID_REQUEST))


def _is_let_go(exchange: Exchange) -> bool:
    """Return whether HTTP took a message as one that asks for nothing: it has no other way to say nothing."""
    return exchange.message is None and exchange.http is not None and exchange.http.status == HTTPStatus.ACCEPTED


def refused_by_http(exchange: Exchange) -> bool:
    """Return whether a message was refused by a client error of HTTP alone: the body of such an answer is optional.

    Transports, sending messages to the server: the body may hold a JSON-RPC error.
    """
    return exchange.message is None and exchange.http is not None and 400 <= exchange.http.status < 500


def _reacted(reaction: Reaction) -> str:
    """Return what an invalid request led to."""
    if not reaction.survived:
        return f"the next request got no answer ({reaction.after.describe()})"
    return reaction.answer.describe()


def _anomalies(server: ServerUnderTest, kinds: Iterable[AnomalyKind]) -> list[Anomaly]:
    """Return what was odd on all connections, of some kinds."""
    wanted = frozenset(kinds)
    return [found for log in logs(server) for found in log.anomalies if found.kind in wanted]


def _is_batch(found: Anomaly) -> bool:
    """Return whether a line is an array that was meant as JSON-RPC."""
    return found.raw.lstrip().startswith(b"[") and looks_like_message(found.raw)


def _evidence(items: Sequence[Received], anomalies: Sequence[Anomaly]) -> JsonObject | None:
    """Return the first exchange or line that shows a problem."""
    if items:
        return dict(items[0].evidence())
    return {"message": raw_text(anomalies[0].raw)} if anomalies else None


def _version_of(message: JsonObject) -> str:
    """Return the ``jsonrpc`` member as a finding quotes it."""
    return f"jsonrpc: {shown(message['jsonrpc'])}" if "jsonrpc" in message else "nothing of jsonrpc"


def _members(message: JsonObject) -> str:
    """Return which of the two members an answer has."""
    return "both result and error" if "result" in message else "neither result nor error"


CHECKS = (
    jsonrpc_2,
    response_id_echo,
    result_xor_error,
    error_shape,
    unknown_method,
    unadvertised_method,
    invalid_params,
    parse_error,
    invalid_request,
)
