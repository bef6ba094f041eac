"""What prompts give when they are rendered, and how arguments are completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, skipped, violated
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.blocks import block_problem, embedded_problem, media, media_problem, message_blocks
from mcp_assay_suites.observing.contents import completions, renderings
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, kind_of, listed, says, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

INVALID_PARAMS = -32602
_MOST_VALUES = 100
_NO_PROMPTS = "the server lists no prompts"


@check("PROMPT-003", category=Category.SCHEMA)
async def get_shape(subject: Subject) -> Judgement:
    """Judge the messages of prompts."""
    rendered = await _rendered(subject)
    if isinstance(rendered, Judgement):
        return rendered
    wrong = [(name, one, problem) for name, one in rendered.items() for problem in _message_problems(one.result or {})]
    return judged(
        "messages have the role user or assistant and one content block",
        [f"{shown(name)}: {problem}" for name, _, problem in wrong],
        looked_at=counted(len(rendered), "prompt"),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


@check("PROMPT-004", category=Category.SCHEMA)
async def media_encoded(subject: Subject) -> Judgement:
    """Judge images and sounds in prompts."""
    return await _blocks(subject, "images and sounds are base64 with a MIME type", media, media_problem)


@check("PROMPT-005", category=Category.SCHEMA)
async def embedded_resource(subject: Subject) -> Judgement:
    """Judge resources in prompts."""
    return await _blocks(
        subject,
        "an embedded resource has a valid URI, a MIME type, and text or blob",
        lambda block: block.get("type") == "resource",
        embedded_problem,
    )


@check("PROMPT-006", category=Category.SCHEMA)
async def unknown_name(subject: Subject) -> Judgement:
    """Judge the answer to a prompt that does not exist."""
    exchange = (await interview(subject.server)).unknown.get("prompts")
    if exchange is None:
        return not_applicable("the server declares no prompts")
    return _invalid_params("an unknown prompt is answered by JSON-RPC error -32602", {"a made-up name": exchange})


@check("PROMPT-007", category=Category.SCHEMA)
async def missing_argument(subject: Subject) -> Judgement:
    """Judge the answer to prompts without the arguments they require."""
    incomplete = (await renderings(subject.server)).incomplete
    if not incomplete:
        return not_applicable("no prompt requires an argument")
    return _invalid_params("a missing required argument is answered by JSON-RPC error -32602", incomplete)


@check("COMP-001", category=Category.SCHEMA)
async def completions_declared(subject: Subject) -> Judgement:
    """Judge whether a server that completes says so."""
    session = await subject.server.session()
    known = (await completions(subject.server)).known
    completing = [one for one in known if _values(one)]
    if session.offers("completions"):
        return judged("a server that completes declares completions", [], looked_at="the capability is declared")
    if not completing:
        return not_applicable("the server completes nothing")
    observed = f"it completes with {listed([shown(one) for one in _values(completing[0])])}"
    return violated("a server that completes declares completions", observed, exchange=completing[0].evidence())


@check("COMP-002", category=Category.SCHEMA)
async def completion_shape(subject: Subject) -> Judgement:
    """Judge the results of completing."""
    session = await subject.server.session()
    if not session.offers("completions"):
        return not_applicable("the server declares no completions")
    answered = [one for one in (await completions(subject.server)).known if one.result is not None]
    if not answered:
        return skipped("nothing that is listed could be completed")
    wrong = [(one, problem) for one in answered for problem in _completion_problems(one.result or {})]
    return judged(
        f"values are at most {_MOST_VALUES} strings, total a number and hasMore a boolean",
        [problem for _, problem in wrong],
        looked_at=counted(len(answered), "completion"),
        exchange=wrong[0][0].evidence() if wrong else None,
    )


@check("COMP-003", category=Category.SCHEMA)
async def invalid_reference(subject: Subject) -> Judgement:
    """Judge the answers to completions of nothing."""
    unknown = (await interview(subject.server)).unknown.get("completions")
    if unknown is None:
        return not_applicable("the server declares no completions")
    expected = "completing what does not exist is answered by JSON-RPC error -32602"
    return _invalid_params(expected, {"a prompt that does not exist": unknown})


def _invalid_params(expected: str, answers: Mapping[str, Exchange]) -> Judgement:
    """Judge that each answer is the error for invalid parameters."""
    wrong = {what: one for what, one in answers.items() if not says(one, INVALID_PARAMS)}
    return judged(
        expected,
        [f"{what}: {one.describe()}" for what, one in wrong.items()],
        looked_at=listed(list(answers)),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


async def _rendered(subject: Subject) -> dict[str, Exchange] | Judgement:
    """Return the prompts that could be rendered, or why there are none."""
    rendered = (await renderings(subject.server)).rendered
    if not rendered:
        return not_applicable(_NO_PROMPTS)
    done = {name: one for name, one in rendered.items() if one.result is not None and _is_complete(one.result)}
    return done or skipped("no prompt could be rendered with made-up arguments")


async def _blocks(
    subject: Subject, expected: str, wanted: Callable[[JsonObject], bool], problem: Callable[[JsonObject], str | None]
) -> Judgement:
    """Judge the content blocks of one kind in all prompts."""
    rendered = await _rendered(subject)
    if isinstance(rendered, Judgement):
        return rendered
    blocks = [(name, one, block) for name, one in rendered.items() for block in message_blocks(one.result or {})]
    found = [entry for entry in blocks if wanted(entry[2])]
    if not found:
        return not_applicable("no prompt that was rendered has any")
    wrong = [(name, one, text) for name, one, block in found if (text := problem(block)) is not None]
    return judged(
        expected,
        [f"{shown(name)}: {text}" for name, _, text in wrong],
        looked_at=counted(len(found), "block"),
        exchange=wrong[0][1].evidence() if wrong else None,
    )


def _is_complete(result: JsonObject) -> bool:
    """Return whether a result is not a question back."""
    return result.get("resultType", "complete") == "complete"


def _message_problems(result: JsonObject) -> Iterator[str]:
    """Yield what is wrong with the messages of a prompt."""
    messages = result.get("messages")
    if not isinstance(messages, list):
        yield f"messages is {kind_of(messages)}"
        return
    for message in messages:
        if not isinstance(message, dict):
            yield f"a message is {kind_of(message)}"
        elif message.get("role") not in {"user", "assistant"}:
            yield f"a message has the role {shown(message.get('role'))}"
        elif (problem := block_problem(message.get("content"))) is not None:
            yield problem


def _values(exchange: Exchange) -> list[Json]:
    """Return the values of a completion."""
    completion = (exchange.result or {}).get("completion")
    values = completion.get("values") if isinstance(completion, dict) else None
    return values if isinstance(values, list) else []


def _completion_problems(result: JsonObject) -> Iterator[str]:
    """Yield what is wrong with a completion."""
    completion = result.get("completion")
    if not isinstance(completion, dict):
        yield f"completion is {kind_of(completion)}"
        return
    values = completion.get("values")
    if not isinstance(values, list) or any(not isinstance(one, str) for one in values):
        yield f"values is {shown(values)}"
    elif len(values) > _MOST_VALUES:
        yield f"there are {len(values)} values"
    total, more = completion.get("total", 0), completion.get("hasMore", False)
    if isinstance(total, bool) or not isinstance(total, int | float):
        yield f"total is {shown(total)}"
    if not isinstance(more, bool):
        yield f"hasMore is {shown(more)}"


CHECKS = (
    get_shape,
    media_encoded,
    embedded_resource,
    unknown_name,
    missing_argument,
    completions_declared,
    completion_shape,
    invalid_reference,
)
