"""MCP over the pipes of a process."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.verdicts import Category, Judgement, noted, passed, skipped, violated
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay.wire.messages import AnomalyKind, looks_like_message
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, shown
from mcp_assay_suites.observing.traffic import logs, raw_text, received

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.readiness.subject import ServerUnderTest, Subject
    from mcp_assay.wire.messages import Anomaly
    from mcp_assay.wire.transport import CloseReport

_FOREIGN = frozenset({AnomalyKind.NOISE, AnomalyKind.NOT_AN_OBJECT, AnomalyKind.INVALID_JSON, AnomalyKind.BOM})
_MOST_LINES_JOINED = 100
PATIENCE = 5.0
"""How many times the usual limit an instance may take to exit before it is accused: the machine may be busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdout:
    """What was on stdout beside messages.

    Attributes:
        foreign: Lines that are no JSON-RPC message.
        split: Messages that were spread over several lines, joined.
    """

    foreign: tuple[Anomaly, ...]
    split: tuple[str, ...]


@check("STDIO-001", category=Category.CONNECTIVITY, late=True)
async def stdout_only_mcp(subject: Subject) -> Judgement:
    """Judge every line that is no message."""
    await interview(subject.server)
    foreign = _stdout(subject.server).foreign
    return judged(
        "stdout carries nothing but MCP messages",
        [f"stdout had the line {shown(raw_text(found.raw))} ({found.detail})" for found in foreign],
        looked_at=f"{counted(sum(1 for _ in received(subject.server)), 'message')} and nothing else",
        exchange={"stdout": [raw_text(found.raw) for found in foreign[:10]]} if foreign else None,
    )


@check("STDIO-002", category=Category.CONNECTIVITY, late=True)
async def newline_framing(subject: Subject) -> Judgement:
    """Judge whether each message is one line."""
    await interview(subject.server)
    split = _stdout(subject.server).split
    expected = "each message is one line, ended by a newline"
    if split:
        observed = f"a message was spread over {split[0].count(chr(10)) + 1} lines: {shown(split[0])}"
        return violated(expected, observed, exchange={"stdout": split[0][:2_000]})
    carriage = next((item for item in received(subject.server) if item.raw.endswith(b"\r")), None)
    if carriage is not None:
        return noted(expected, "lines end in a carriage return and a newline", exchange=dict(carriage.evidence()))
    return passed("one line each")


@check("STDIO-003", category=Category.CONNECTIVITY, measures=True)
async def exit_on_eof(subject: Subject) -> Judgement:
    """Judge how an instance ends when its stdin is closed; an untroubled one is waited for before it is accused."""
    closed = (await interview(subject.server)).closed
    if closed is None or closed.needed != "exit":
        closed = await _patiently_closed(subject)
    code = "" if closed.exit_code is None else f" with status {closed.exit_code}"
    if closed.needed == "exit":
        return passed(f"it exited{code} after {closed.seconds:.2f} s")
    took = {"terminate": "SIGTERM", "kill": "SIGKILL"}.get(closed.needed, closed.needed)
    return violated(
        "the process exits soon after the end of its stdin",
        f"it did not exit by itself, it took {took} after {closed.seconds:.1f} s to end it",
        exchange={"stdin": "closed", "needed": closed.needed, "seconds": round(closed.seconds, 3)},
    )


@check("STDIO-005", category=Category.CONNECTIVITY)
async def cancel_unknown_ignored(subject: Subject) -> Judgement:
    """Judge how the server takes cancellations of nothing."""
    reaction = (await interview(subject.server)).cancelled
    if reaction is None:
        return skipped("no instance of the server lived long enough to be asked")
    expected = "cancellations of unknown or finished requests and malformed ones are ignored"
    if not reaction.survived:
        observed = f"the next request got no answer: {reaction.after.describe()}"
        return violated(expected, observed, exchange=reaction.answer.evidence())
    if not reaction.silent:
        observed = f"they were answered by {reaction.answer.describe()}"
        return violated(expected, observed, exchange=reaction.answer.evidence())
    return passed("nothing came back and the next request was answered")


async def _patiently_closed(subject: Subject) -> CloseReport:
    """Start an instance, ask it nothing, close its stdin and wait longer than usual: the machine may be busy.

    Raises:
        UnavailableError: It cannot be started.
    """
    usual = subject.run.manager.connector_for(subject.server.managed.spec)
    patient = replace(usual, limits=replace(usual.limits, exit_s=PATIENCE * usual.limits.exit_s))
    try:
        session = await patient.open_session(subject.server.launch, protocol=subject.version)
    except ConnectError as problem:
        raise UnavailableError(f"a second instance of the server cannot be used: {problem.fault.message}") from None
    return await session.close()


def _stdout(server: ServerUnderTest) -> Stdout:
    """Return what was on stdout beside messages, over all connections."""
    foreign: list[Anomaly] = []
    split: list[str] = []
    for log in logs(server):
        rest, joined = _unsplit([found for found in log.anomalies if _is_foreign(found)])
        foreign += rest
        split += joined
    return Stdout(foreign=tuple(foreign), split=tuple(split))


def _is_foreign(found: Anomaly) -> bool:
    """Return whether a line has no place on stdout; a batch and broken encodings are findings of their own."""
    if found.kind in {AnomalyKind.SHAPELESS, AnomalyKind.INVALID_UTF8}:
        return not looks_like_message(found.raw)
    return found.kind in _FOREIGN and not (found.kind is AnomalyKind.NOT_AN_OBJECT and looks_like_message(found.raw))


def _unsplit(lines: Sequence[Anomaly]) -> tuple[list[Anomaly], list[str]]:
    """Return the lines that are foreign, and the messages that other lines make together."""
    foreign: list[Anomaly] = []
    split: list[str] = []
    start = 0
    while start < len(lines):
        count = _joined_count(lines, start)
        if count:
            split.append(_joined(lines[start : start + count]))
        else:
            foreign.append(lines[start])
        start += max(count, 1)
    return foreign, split


def _joined_count(lines: Sequence[Anomaly], start: int) -> int:
    """Return how many lines from ``start`` make one message together, 0 when they make none."""
    if not lines[start].raw.lstrip().startswith(b"{"):
        return 0
    for count in range(2, min(len(lines) - start, _MOST_LINES_JOINED) + 1):
        if lines[start + count - 1].raw.rstrip().endswith(b"}") and _is_message(_joined(lines[start : start + count])):
            return count
    return 0


def _joined(lines: Sequence[Anomaly]) -> str:
    """Return lines as the text they were."""
    return "\n".join(raw_text(line.raw) for line in lines)


def _is_message(text: str) -> bool:
    """Return whether a text is a JSON-RPC message."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "jsonrpc" in value


CHECKS = (stdout_only_mcp, newline_framing, exit_on_eof, cancel_unknown_ignored)
