"""Rules for everything a server sends in a run, judged when the run is over."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, violated
from mcp_assay.wire.eras import META_SERVER
from mcp_assay.wire.messages import AnomalyKind, looks_like_message
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, kind_of, shown
from mcp_assay_suites.observing.traffic import logs, proper_results, raw_text, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.observing.traffic import Received

NOTIFICATIONS = "notifications/"
_RESERVED_CODES = range(-32099, -32019)
_DEFINED_CODES = frozenset({-32020, -32021, -32022})
_RETIRED_CODES = frozenset({-32002, -32042})
_RESULT_TYPES = frozenset({"complete", "input_required"})
_EXTENSION_RESULT_TYPES: Mapping[str, str] = {"io.modelcontextprotocol/tasks": "task"}
_CLIENT_SIDE: Mapping[str, str] = {
    "sampling/createMessage": "sampling",
    "elicitation/create": "elicitation",
    "roots/list": "roots",
}
_SERVER_SIDE: Mapping[str, tuple[str, str]] = {
    "notifications/tools/list_changed": ("tools", "listChanged"),
    "notifications/prompts/list_changed": ("prompts", "listChanged"),
    "notifications/resources/list_changed": ("resources", "listChanged"),
    "notifications/resources/updated": ("resources", "subscribe"),
}


@check("BASE-006", category=Category.CONNECTIVITY, late=True)
async def notification_no_id(subject: Subject) -> Judgement:
    """Judge that notifications carry no id."""
    found = [item for item in _sent(subject) if item.method.startswith(NOTIFICATIONS)]
    if not found:
        return not_applicable("the server sent no notification")

    def problem(item: Received) -> str | None:
        return f"has id {shown(item.message['id'])}" if "id" in item.message else None

    return _all(found, "a notification has no id", problem)


@check("BASE-007", category=Category.CONNECTIVITY, late=True)
async def server_request_id(subject: Subject) -> Judgement:
    """Judge the ids of the server's own requests."""
    found = _requests(subject)
    if not found:
        return not_applicable("the server sent no request")
    repeated = _repeated_ids(subject)

    def problem(item: Received) -> str | None:
        identity = item.message["id"]
        if type(identity) is not int and type(identity) is not str:
            return f"has {kind_of(identity)} as its id: {shown(identity)}"
        return f"has id {shown(identity)} once more" if (type(identity), identity) in repeated else None

    return _all(found, "a request of the server has a string or an integer as its id, used once", problem)


@check("BASE-008", category=Category.CONNECTIVITY, late=True)
async def no_server_requests(subject: Subject) -> Judgement:
    """Judge that the server asks nothing on its own."""
    found = _requests(subject)
    if found:
        observed = f"it sent a request {shown(found[0].method)}"
        return violated("a server sends no requests", observed, exchange=dict(found[0].evidence()))
    return passed(f"{counted(sum(1 for _ in received(subject.server)), 'message')}, none of them a request")


@check("LIFE-006", category=Category.CONNECTIVITY, late=True)
async def negotiated_capabilities_only(subject: Subject) -> Judgement:
    """Judge that neither side's undeclared capabilities are used."""
    session = await subject.server.session()
    ours = session.callbacks.capabilities(session.agreement.version)
    theirs = session.agreement.capabilities

    def problem(item: Received) -> str | None:
        wanted = _CLIENT_SIDE.get(item.method)
        if wanted is not None and wanted not in ours:
            return f"needs the client capability {wanted}, which was not declared"
        needed = _SERVER_SIDE.get(item.method)
        if needed is not None and not _declares(theirs, *needed):
            return f"needs the server capability {'.'.join(needed)}, which it did not declare"
        return None

    found = list(_sent(subject))
    expected = "only capabilities that were declared are used"
    return _all(found, expected, problem) if found else passed("the server sent nothing on its own")


@check("BASE-015", category=Category.CONNECTIVITY, late=True)
async def error_code_reserved_range(subject: Subject) -> Judgement:
    """Judge that no error code of MCP's range is used but those that are defined."""
    return await _codes(
        subject,
        "of -32020 to -32099 only -32020, -32021 and -32022 are used",
        lambda code: code in _RESERVED_CODES and code not in _DEFINED_CODES,
    )


@check("BASE-016", category=Category.CONNECTIVITY, late=True)
async def error_code_retired(subject: Subject) -> Judgement:
    """Judge that no retired error code is used."""
    return await _codes(subject, "-32002 and -32042 are not used any more", lambda code: code in _RETIRED_CODES)


@check("BASE-018", category=Category.CONNECTIVITY, late=True)
async def result_type_present(subject: Subject) -> Judgement:
    """Judge that every result names its type."""
    await interview(subject.server)
    return _results(subject, "a result has resultType", lambda found: None if "resultType" in found else "has none")


@check("BASE-019", category=Category.CONNECTIVITY, late=True)
async def result_type_known(subject: Subject) -> Judgement:
    """Judge that every result type is a known one."""
    await interview(subject.server)
    session = await subject.server.session()
    extensions = session.agreement.capabilities.get("extensions")
    declared = extensions if isinstance(extensions, dict) else {}
    known = _RESULT_TYPES | {kind for name, kind in _EXTENSION_RESULT_TYPES.items() if name in declared}

    def problem(result: JsonObject) -> str | None:
        found = result.get("resultType", "complete")
        return None if isinstance(found, str) and found in known else f"has resultType {shown(found)}"

    return _results(subject, f"resultType is one of {', '.join(sorted(known))}", problem)


@check("DISC-003", category=Category.CONNECTIVITY, late=True)
async def server_info_in_results(subject: Subject) -> Judgement:
    """Judge that every result says who it is from."""
    await interview(subject.server)
    expected = f"the _meta of a result has {META_SERVER} with name and version"
    return _results(subject, expected, server_info_problem)


@check("BASE-026", category=Category.CONNECTIVITY, late=True)
async def utf8(subject: Subject) -> Judgement:
    """Judge that messages are UTF-8; other text on stdout is judged as that."""
    await interview(subject.server)
    broken = [
        found
        for log in logs(subject.server)
        for found in log.anomalies
        if found.kind is AnomalyKind.INVALID_UTF8 and looks_like_message(found.raw)
    ]
    return judged(
        "messages are UTF-8",
        [f"{found.detail} in {shown(raw_text(found.raw))}" for found in broken],
        looked_at=counted(sum(1 for _ in received(subject.server)), "message"),
        exchange={"message": raw_text(broken[0].raw)} if broken else None,
    )


@check("STDIO-006", category=Category.CONNECTIVITY, late=True)
async def server_cancels_listen_only(subject: Subject) -> Judgement:
    """Judge what the server cancels."""
    found = [item for item in _sent(subject) if item.method == "notifications/cancelled"]
    if not found:
        return not_applicable("the server cancelled nothing")

    def problem(item: Received) -> str | None:
        params = item.message.get("params")
        identity = params.get("requestId") if isinstance(params, dict) else None
        listens = isinstance(identity, str) and identity.startswith("listen-")
        return None if listens else f"names request {shown(identity)}, which is no subscription"

    return _all(found, "a server cancels subscriptions only", problem)


def server_info_problem(result: JsonObject) -> str | None:
    """Return what is wrong with the server's name in a result's metadata, or None."""
    meta = result.get("_meta")
    info = meta.get(META_SERVER) if isinstance(meta, dict) else None
    if not isinstance(info, dict):
        return "does not say who it is from"
    missing = [key for key in ("name", "version") if not isinstance(info.get(key), str) or not info.get(key)]
    return f"has no {' and no '.join(missing)} of the server" if missing else None


def _all(found: Sequence[Received], expected: str, problem: Callable[[Received], str | None]) -> Judgement:
    """Judge each message by one rule."""
    wrong = [(item, text) for item in found if (text := problem(item)) is not None]
    return judged(
        expected,
        [f"{item.name} {text}" for item, text in wrong],
        looked_at=counted(len(found), "message"),
        exchange=dict(wrong[0][0].evidence()) if wrong else None,
    )


def _results(subject: Subject, expected: str, problem: Callable[[JsonObject], str | None]) -> Judgement:
    """Judge each result of a proper request by one rule."""
    found = proper_results(subject.server)
    wrong = [(one, text) for one in found if (text := problem(one.result or {})) is not None]
    return judged(
        expected,
        [f"the answer to {one.method} {text}" for one, text in wrong],
        looked_at=counted(len(found), "result"),
        exchange=wrong[0][0].evidence() if wrong else None,
    )


async def _codes(subject: Subject, expected: str, wrong: Callable[[int | float], bool]) -> Judgement:
    """Judge the code of every error."""
    await interview(subject.server)
    found = [item for item in received(subject.server) if _code(item) is not None]

    def problem(item: Received) -> str | None:
        code = _code(item)
        return f"has error code {code}" if code is not None and wrong(code) else None

    return _all(found, expected, problem)


def _code(item: Received) -> int | float | None:
    """Return the error code of a message."""
    error = item.message.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int | float) and not isinstance(code, bool) else None


def _sent(subject: Subject) -> Iterator[Received]:
    """Yield what the server sent on its own."""
    return (item for item in received(subject.server) if item.exchange is None)


def _requests(subject: Subject) -> list[Received]:
    """Return the server's own requests."""
    return [item for item in _sent(subject) if "id" in item.message and not item.method.startswith(NOTIFICATIONS)]


def _repeated_ids(subject: Subject) -> set[tuple[type, Json]]:
    """Return the ids that the server used for two requests on one connection."""
    repeated: set[tuple[type, Json]] = set()
    for log in logs(subject.server):
        ids = [sent.message["id"] for sent in log.server_messages if "id" in sent.message]
        counts = Counter((type(one), one) for one in ids if isinstance(one, int | str))
        repeated |= {key for key, count in counts.items() if count > 1}
    return repeated


def _declares(capabilities: JsonObject, name: str, detail: str) -> bool:
    """Return whether a capability was declared with a detail."""
    found = capabilities.get(name)
    return isinstance(found, dict) and found.get(detail) is True


CHECKS = (
    notification_no_id,
    server_request_id,
    no_server_requests,
    negotiated_capabilities_only,
    error_code_reserved_range,
    error_code_retired,
    result_type_present,
    result_type_known,
    server_info_in_results,
    utf8,
    server_cancels_listen_only,
)
