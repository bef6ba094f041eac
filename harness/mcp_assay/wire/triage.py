"""What to make of a line that answers no open request by its id.

Silence would let the request it was meant for run into its timeout, with the cause lost. So the request that the line
names, or the only open one, fails at once with what is wrong.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.messages import BOM, AnomalyKind, guess_id, looks_like_message

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.exchange import HttpMeta
    from mcp_assay.wire.framing import Oversized
    from mcp_assay.wire.log import WireLog
    from mcp_assay.wire.messages import RequestId, Undecodable
    from mcp_assay.wire.pending import PendingTable

_UNREADABLE = {AnomalyKind.INVALID_JSON, AnomalyKind.INVALID_UTF8, AnomalyKind.BOM, AnomalyKind.NOT_AN_OBJECT}
_SHOWN_ID = 100
_SHOWN_SAMPLE = 120
_GRACE_S = 0.5


class Triage:
    """Classes lines that fit no open request, notes them and fails the request they were meant for."""

    def __init__(self, table: PendingTable, log: WireLog, line_bytes: int) -> None:
        self._table = table
        self._log = log
        self._line_bytes = line_bytes

    def oversized(
        self, line: Oversized, at: float, http: HttpMeta | None = None, owner: RequestId | None = None
    ) -> None:
        """Take a line beyond the limit."""
        detail = f"a line of {line.length:,} bytes; the limit is {self._line_bytes:,}"
        self._log.add_anomaly(AnomalyKind.OVERSIZED, line.head, at, detail)
        fault = Fault(kind=FaultKind.OVERSIZED, message=f"the answer was {detail}")
        self.fail_owner(line.head, fault, at, http, owner)

    def undecodable(
        self,
        line: bytes,
        problem: Undecodable,
        at: float,
        http: HttpMeta | None = None,
        owner: RequestId | None = None,
    ) -> None:
        """Take a line that is no JSON object."""
        self._log.add_anomaly(problem.kind, line, at, problem.detail)
        in_body = http is not None and http.stream == "json"
        meant = problem.kind is AnomalyKind.INVALID_JSON or looks_like_message(line.removeprefix(BOM))
        if in_body or (problem.kind in _UNREADABLE and meant):
            what = "is" if problem.kind is AnomalyKind.NOT_AN_OBJECT else "is not valid JSON:"
            printed = http is None and not looks_like_message(line)
            hint = "print nothing but messages to stdout, and log to stderr instead" if printed else None
            fault = Fault(kind=FaultKind.UNREADABLE, message=f"the answer {what} {problem.detail}", hint=hint)
            self.fail_owner(line, fault, at, http, owner)

    def stray(
        self,
        message: JsonObject,
        raw: bytes,
        at: float,
        http: HttpMeta | None = None,
        owner: RequestId | None = None,
    ) -> None:
        """Take a message without a method that carries no id of an open request."""
        if "result" not in message and "error" not in message:
            self._log.add_anomaly(AnomalyKind.SHAPELESS, raw, at, "neither method, result nor error")
            if "jsonrpc" in message or http is not None:
                fault = Fault(kind=FaultKind.UNREADABLE, message="the answer has neither result nor error")
                self.fail_owner(raw, fault, at, http, owner)
            return
        identity = message.get("id")
        if self._table.was_expired(identity):
            self._log.add_anomaly(AnomalyKind.LATE, raw, at, f"id {shown_id(identity)} was given up before")
        elif self._table.was_answered(identity):
            self._log.add_anomaly(AnomalyKind.DUPLICATE_ID, raw, at, f"id {shown_id(identity)} was answered before")
        else:
            self._misaddressed(message, raw, at, http, owner)

    def fail_owner(
        self,
        head: bytes,
        fault: Fault,
        at: float,
        http: HttpMeta | None = None,
        owner: RequestId | None = None,
    ) -> None:
        """Fail the request that an unreadable line names, the only open one, or else the waiting probe."""
        guessed = guess_id(head) if owner is None else owner
        owner = guessed if guessed is not None and guessed in self._table.open else self._table.only()
        pending = self._table.waiting_probe() if owner is None else self._table.take_answered(owner)
        if pending is not None:
            pending.resolve(pending.failed(fault, at, head, http))

    def _misaddressed(
        self, message: JsonObject, raw: bytes, at: float, http: HttpMeta | None, owner: RequestId | None
    ) -> None:
        """Take an answer with an id that was never used; it can only be meant for the only open request."""
        identity = message.get("id")
        owner = self._table.only() if owner is None else owner
        if http is not None and identity is None and owner is not None and "error" in message:
            # Over HTTP the carrier says which request an error without an id answers.
            pending = self._table.take_answered(owner)
            if pending is not None:
                pending.resolve(pending.answered(message, raw, http, at))
            return
        kind = AnomalyKind.ORPHANED_ERROR if identity is None else AnomalyKind.UNKNOWN_ID
        if owner is not None and shown_id(identity).strip('"') in {str(owner), f"{owner}.0"}:
            kind = AnomalyKind.WRONG_ID_TYPE
        self._log.add_anomaly(kind, raw, at, f"id {shown_id(identity)} fits no open request")
        if owner is None:
            return
        text = f"the answer carries id {shown_id(identity)} instead of {shown_id(owner)}"
        fault = Fault(kind=FaultKind.UNREADABLE, message=text)
        if http is not None or kind is AnomalyKind.WRONG_ID_TYPE:
            self._give_up(owner, fault, at, raw, http)
        else:
            # Some servers answer notifications with an error, or a request that was never made: the right answer may
            # still be on its way.
            asyncio.get_running_loop().call_later(_GRACE_S, self._give_up, owner, fault, at + _GRACE_S, raw)

    def _give_up(self, owner: RequestId, fault: Fault, at: float, raw: bytes, http: HttpMeta | None = None) -> None:
        """Fail a request that is still open."""
        pending = self._table.take_answered(owner)
        if pending is not None:
            pending.resolve(pending.failed(fault, at, raw, http))


def shown_id(identity: Json) -> str:
    """Return an id in a few characters, as JSON."""
    text = orjson.dumps(identity).decode("utf-8")
    return text if len(text) <= _SHOWN_ID else f"{text[:_SHOWN_ID]}…"


def seen_meanwhile(log: WireLog, since: float, partial_bytes: int) -> str:
    """Return what came instead of an answer, as the end of a sentence, or nothing.

    Args:
        log: What was seen on the connection.
        since: When the request was sent, on the connection's clock.
        partial_bytes: Bytes of a line that has not ended.
    """
    odd = [anomaly for anomaly in log.anomalies if anomaly.at >= since and anomaly.kind in _TELLING]
    if odd and odd[0].kind is AnomalyKind.FLOOD:
        return f"; meanwhile the server sent {odd[0].detail}"
    if odd:
        sample = odd[0].raw[:_SHOWN_SAMPLE].decode("utf-8", "backslashreplace")
        return f"; meanwhile it printed to stdout: {sample!r}"
    return f"; {partial_bytes:,} bytes of an unfinished line came" if partial_bytes else ""


_TELLING = {AnomalyKind.NOISE, AnomalyKind.INVALID_UTF8, AnomalyKind.SHAPELESS, AnomalyKind.FLOOD}
