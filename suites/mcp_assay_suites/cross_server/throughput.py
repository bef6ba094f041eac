"""What all servers together get done, against the sum of what each does alone.

How much is lost when they share a machine is told, and is no finding: it is the machine's share as well. Answers that
fail only because others are busy are one.

A quick server says its rate alone in a moment, a slow one by one answer, which it may have given alone before. Whoever
fails among others is kept busy alone for as long, before anybody says that the others are why.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.load.closed import ClosedPlan, closed_loop
from mcp_assay.load.measurement import Measurement
from mcp_assay.load.samples import sample_of
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.cross_server.isolation import answered_alone
from mcp_assay_suites.cross_server.questions import Question, ask_on, questions
from mcp_assay_suites.cross_server.together import once
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.load.samples import Sample
    from mcp_assay.readiness.subject import Run, Subject
    from mcp_assay.wire.session import ServerSession

ALONE_S, ALL_ALONE_S = 0.15, 5.0
"""Seconds for one server alone at most, and for all of them one after another; a call that was begun is waited for."""

TOGETHER_S = 0.5
"""Seconds for all at once, and for whoever failed in it alone."""

CALM_S, CALM_POLL_S = 3.0, 0.1
"""Seconds that whoever failed has to answer again when all is quiet, and between two looks."""

MOST_CALLS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What was measured, by server id.

    Attributes:
        alone: Each server by itself.
        together: All at the same time.
    """

    alone: Mapping[str, Measurement] = field(default_factory=dict[str, "Measurement"])
    together: Mapping[str, Measurement] = field(default_factory=dict[str, "Measurement"])


@check("CROSS-008", category=Category.CROSS_SERVER, late=True)
async def throughput_together(subject: Subject) -> Judgement:
    """Judge whether what the server answers alone it answers while all others are busy too, and tell the rates."""
    if not subject.others:
        return not_applicable("there is no other server in this run")
    rates = await once(subject.run, Rates, _measured)
    own = subject.server.managed.id
    if own not in rates.together or rates.alone[own].errors:
        return skipped("no harmless question of this server is answered every time when it is asked alone")
    if len(rates.together) < 2:
        return skipped("no other server could be kept busy")
    told = _told(rates, own)
    if rates.together[own].errors:
        failed = f"{counted(rates.together[own].errors, 'call')} failed: {rates.together[own].first_error}; {told}"
        return violated("what is answered alone is answered while other servers are busy", failed)
    return passed(told)


def _told(rates: Rates, own: str) -> str:
    """Return the rates in words."""
    apart, at_once = (sum(one.rate_per_s for one in part.values()) for part in (rates.alone, rates.together))
    alone, among = rates.alone[own].rate_per_s, rates.together[own].rate_per_s
    everybody = f"{counted(len(rates.together), 'server')} together {at_once:.3g} a second of {apart:.3g} one by one"
    return f"{alone:.3g} answers a second alone, {among:.3g} among others; {everybody}"


async def _measured(run: Run) -> Rates:
    """Keep each server busy alone, then all at once."""
    asked: dict[str, tuple[Question, ServerSession]] = {}
    for server in run.servers.values():
        try:
            if server.managed.fault is None and (found := await questions(server, run)):
                asked[server.managed.id] = (found[-1], await server.session())
        except UnavailableError:
            continue
    seconds = min(ALONE_S, ALL_ALONE_S / max(1, len(asked)))
    alone = {name: _known(how[0], run, seconds) or await _busy(*how, run, seconds) for name, how in asked.items()}
    together = await _at_once(asked, run)
    if any(one.errors for one in together.values()):
        together = await _at_once(asked, run)  # once more, so that nobody is accused of a hiccup
        failed = [name for name, one in together.items() if one.errors]
        alone |= {name: await _alone_again(*asked[name], run) for name in failed if not alone[name].errors}
    return Rates(alone=alone, together=together)


async def _at_once(asked: Mapping[str, tuple[Question, ServerSession]], run: Run) -> dict[str, Measurement]:
    """Keep all busy at the same time and return what each got done, by server id."""
    measured = await asyncio.gather(*(_busy(*how, run, TOGETHER_S) for how in asked.values()))
    return dict(zip(asked, measured, strict=True))


def _known(question: Question, run: Run, seconds: float) -> Measurement | None:
    """Return what one answer alone says already: all there is to learn when it took the time there is, else None."""
    before = answered_alone(run, question)
    if before is None or not before.succeeded or before.duration_s < seconds:
        return None
    return Measurement(mode="closed", latencies_s=(before.duration_s,), elapsed_s=before.duration_s, stopped="budget")


async def _alone_again(question: Question, session: ServerSession, run: Run) -> Measurement:
    """Keep a server busy alone that failed among others, once it has got over that."""
    deadline = run.clock.monotonic() + CALM_S
    while not (await ask_on(session, question)).succeeded and run.clock.monotonic() < deadline:  # noqa: ASYNC110  (a server sets no event)
        await asyncio.sleep(CALM_POLL_S)
    return await _busy(question, session, run, TOGETHER_S)


async def _busy(question: Question, session: ServerSession, run: Run, seconds: float) -> Measurement:
    """Ask one question over and over for a while."""

    async def call() -> Sample:
        return sample_of(await ask_on(session, question))

    before, session.log.recording = session.log.recording, False
    try:
        return await closed_loop(call, ClosedPlan(calls=MOST_CALLS, warm_up=0, budget_s=seconds), run.clock)
    finally:
        session.log.recording = before


CHECKS = (throughput_together,)
