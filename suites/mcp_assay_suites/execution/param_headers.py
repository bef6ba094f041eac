"""``Mcp-Param-*``: arguments that are mirrored in HTTP headers, and a server that has to compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.readiness.check import Scope
from mcp_assay.wire.param_headers import mirrored_params, param_headers
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.exercising.asking import successes
from mcp_assay_suites.exercising.limits import is_open_world, is_repeatable
from mcp_assay_suites.observing.judging import judged, listed, shown

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange

HEADER_MISMATCH = -32020
_NO_BASE64 = "=?base64?*?="
"""A value that says it is base64 and is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mirrored:
    """A call that worked, and the header that mirrors one of its arguments.

    Attributes:
        arguments: The call's arguments.
        header: The header's name.
        value: Its proper value.
    """

    arguments: JsonObject
    header: str
    value: str


@check("HTTP-014", category=Category.EXECUTION, scope=Scope.TOOL)
async def param_header_enforced(subject: Subject) -> Judgement:
    """Judge whether calls are refused whose header is missing, wrong or malformed."""
    call = await _mirrored(subject)
    if isinstance(call, Judgement):
        return call
    spoilt = {"without the header": "", "with another value": f"{call.value}0", "with broken base64": _NO_BASE64}
    answers = {what: await _call(subject, call.arguments, (call.header, value)) for what, value in spoilt.items()}
    wrong = {what: one for what, one in answers.items() if not _refused(one)}
    return judged(
        f"a call whose {call.header} does not mirror the argument is answered by status 400 and error -32020",
        [f"{what}: {_described(one)}" for what, one in wrong.items()],
        looked_at=listed(list(answers)),
        exchange=next(iter(wrong.values())).evidence() if wrong else None,
    )


@check("HTTP-015", category=Category.EXECUTION, scope=Scope.TOOL)
async def param_header_optional(subject: Subject) -> Judgement:
    """Judge whether the header may be missing together with the argument."""
    call = await _mirrored(subject)
    if isinstance(call, Judgement):
        return call
    schema = subject.the_tool.definition.input_schema or {}
    required = schema.get("required")
    names = [param.path[0] for param in mirrored_params(schema) if len(param.path) == 1]
    optional = [name for name in names if not isinstance(required, list) or name not in required]
    if not optional:
        return not_applicable("every mirrored argument is required")
    arguments = {name: value for name, value in call.arguments.items() if name not in optional}
    exchange = await _call(subject, arguments)
    if exchange.error_code != HEADER_MISMATCH:
        return passed(f"without {shown(optional[0])}: {_described(exchange)}")
    expected = "an argument that is not given needs no header"
    return violated(expected, f"without {shown(optional[0])}: {_described(exchange)}", exchange=exchange.evidence())


@check("HTTP-016", category=Category.EXECUTION, scope=Scope.TOOL)
async def param_header_numeric(subject: Subject) -> Judgement:
    """Judge whether integers are compared as numbers."""
    call = await _mirrored(subject)
    if isinstance(call, Judgement):
        return call
    if not call.value.lstrip("-").isdecimal():
        return not_applicable("no mirrored argument is an integer")
    exchange = await _call(subject, call.arguments, (call.header, f"{call.value}.0"))
    if exchange.error_code != HEADER_MISMATCH:
        return passed(f"{call.header}: {call.value}.0 is {call.value}")
    expected = "integers in headers are compared as numbers"
    return violated(expected, f"{call.header}: {call.value}.0: {_described(exchange)}", exchange=exchange.evidence())


async def _mirrored(subject: Subject) -> _Mirrored | Judgement:
    """Return a call that worked with a mirrored argument, or why there is none; integers before other arguments."""
    params = mirrored_params(subject.the_tool.definition.input_schema)
    if not params:
        return not_applicable("the tool mirrors no argument into a header")
    tool = subject.the_tool
    if not tool.decision.allowed:
        return skipped(tool.decision.reason)
    if is_open_world(tool) or not (is_repeatable(tool) or tool.decision.explicit):
        return skipped("it may not be called again and again; `call = true` for this tool in mcp-assay.toml lifts that")
    cases = await successes(subject)
    if isinstance(cases, Judgement):
        return cases
    found = [
        _Mirrored(arguments=case.arguments, header=name, value=value)
        for case in cases
        for name, value in param_headers(params, case.arguments)
    ]
    found.sort(key=lambda one: not one.value.lstrip("-").isdecimal())
    return found[0] if found else skipped("no call that worked gives a mirrored argument")


async def _call(subject: Subject, arguments: JsonObject, *headers: tuple[str, str]) -> Exchange:
    """Call the tool with its proper headers but for those given; an empty one is left out."""
    session = await subject.server.session()
    name = subject.the_tool.name
    subject.server.count_calls(name)
    return await session.call_tool(name, arguments, headers=headers)


def _refused(exchange: Exchange) -> bool:
    """Return whether a call was refused as one whose headers do not fit."""
    return exchange.http is not None and (exchange.http.status, exchange.error_code) == (400, HEADER_MISMATCH)


def _described(exchange: Exchange) -> str:
    """Return what came back, with its status."""
    return f"HTTP {0 if exchange.http is None else exchange.http.status}, {exchange.describe()}"


CHECKS = (param_header_enforced, param_header_optional, param_header_numeric)
