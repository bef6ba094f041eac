"""Everything a server asked its user in a run: forms to fill in, addresses to open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mcp_assay_suites.exercising.input_rounds import SUBSETS, InputTalk
from mcp_assay_suites.observing.questions import requests_in
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import Subject
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay_suites.exercising.input_rounds import Rounds

ELICIT = "elicitation/create"
URL_NEEDED = -32042
"""The error of 2025-11-25 that lists addresses to open first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elicitation:
    """One thing that a user was asked.

    Attributes:
        params: What was asked.
        modes: The modes that the client had declared; empty when it had declared nothing.
        evidence: The exchange, as JSON for a report.
    """

    params: JsonObject
    modes: frozenset[str]
    evidence: Mapping[str, Any]

    @property
    def mode(self) -> str:
        """``form`` or ``url``, or what stands in its place."""
        return str(self.params.get("mode", "form"))

    @property
    def properties(self) -> JsonObject:
        """The fields of a form by name, empty without any."""
        schema = self.params.get("requestedSchema")
        found = schema.get("properties") if isinstance(schema, dict) else None
        return found if isinstance(found, dict) else {}


async def elicitations(subject: Subject) -> tuple[Elicitation, ...]:
    """Return what the user was asked on all connections so far, each different question once."""
    session = await subject.server.session()
    declared = session.callbacks.capabilities(session.agreement.version)
    found = [*_on_connections(subject, modes_of(declared)), *_in_rounds(subject)]
    different = {orjson.dumps([one.params, sorted(one.modes)], option=orjson.OPT_SORT_KEYS): one for one in found}
    return tuple(different.values())


def modes_of(capabilities: Mapping[str, Json]) -> frozenset[str]:
    """Return the modes that client capabilities declare; an empty object stands for forms (2025-11-25)."""
    declared = capabilities.get("elicitation")
    if not isinstance(declared, dict):
        return frozenset()
    return frozenset(declared) & {"form", "url"} or frozenset({"form"})


def _on_connections(subject: Subject, modes: frozenset[str]) -> Iterator[Elicitation]:
    """Yield what was asked on the connections that every check looks at."""
    for item in received(subject.server):
        if item.exchange is not None:
            yield from _asked_by(item.exchange, modes)
        elif item.method == ELICIT:
            yield from _one(item.message.get("params"), modes, item.evidence())


def _in_rounds(subject: Subject) -> Iterator[Elicitation]:
    """Yield what was asked by tools that were tried with other capabilities."""
    held = subject.server.memory.get(InputTalk.__qualname__)
    for rounds in held.rounds if isinstance(held, InputTalk) else ():
        for modes, exchange in _exchanges(rounds):
            yield from _asked_by(exchange, modes)
            yield from _asked_meanwhile(exchange.related, modes, exchange)


def _exchanges(rounds: Rounds) -> Iterator[tuple[frozenset[str], Exchange]]:
    """Yield the exchanges with a tool, with the modes that were declared."""
    for what, exchange in rounds.limited.items():
        yield modes_of(SUBSETS[what]), exchange
    for exchange in (rounds.question, *rounds.replies.values()):
        yield frozenset({"form"}), exchange


def _asked_by(exchange: Exchange, modes: frozenset[str]) -> Iterator[Elicitation]:
    """Yield what an answer asks for."""
    for request in requests_in(exchange).values():
        if request.get("method") == ELICIT:
            yield from _one(request.get("params"), modes, exchange.evidence())
    data = (exchange.error or {}).get("data")
    listed = data.get("elicitations") if isinstance(data, dict) and exchange.error_code == URL_NEEDED else None
    for one in listed if isinstance(listed, list) else []:
        yield from _one(one, modes, exchange.evidence())


def _asked_meanwhile(messages: Iterable[JsonObject], modes: frozenset[str], of: Exchange) -> Iterator[Elicitation]:
    """Yield what was asked by requests of the server while a call was open."""
    for message in messages:
        if message.get("method") == ELICIT:
            yield from _one(message.get("params"), modes, {**of.evidence(), "message": message})


def _one(params: Json, modes: frozenset[str], evidence: Mapping[str, Any]) -> Iterator[Elicitation]:
    """Yield one question whose parameters are an object."""
    if isinstance(params, dict):
        yield Elicitation(params=params, modes=modes, evidence=evidence)
