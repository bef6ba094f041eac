"""Advice on how a server behaves beside the protocol: its stderr, its secrets, its strength."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, passed, skipped, violated
from mcp_assay.wire.eras import STATELESS_VERSIONS
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.connectivity.reach import official_report
from mcp_assay_suites.observing.interview import interview
from mcp_assay_suites.observing.judging import counted, judged, listed
from mcp_assay_suites.observing.secrets import leaked, telling_secrets
from mcp_assay_suites.observing.traffic import raw_text, received

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.readiness.subject import Subject

_TRACE = re.compile(
    r"Traceback \(most recent call last\):|^\s{2,8}at \S.{0,200}:\d+:\d+\)?$|^panic: |^goroutine \d+ \[|"
    r"^Unhandled(?:Promise)?Rejection|^thread '.{0,80}' panicked at",
    re.MULTILINE,
)
_SHOWN_STDERR = 2_000


@check("ADV-009", category=Category.CONNECTIVITY, late=True)
async def secret_leak(subject: Subject) -> Judgement:
    """Judge whether the server gives away what it was entrusted with; log messages are judged by LOG-007."""
    secrets = telling_secrets(subject.server)
    if not secrets:
        return not_applicable("the configuration holds no secret whose name says so")
    problems = [
        f"{place} holds the value of {label}" for place, text in _said(subject) for label in leaked(secrets, text)
    ]
    return judged(
        "no secret of the configuration is sent or written to stderr",
        problems,
        looked_at=counted(len(secrets), "secret"),
        exchange={"places": sorted(set(problems))[:20]} if problems else None,
    )


@check("ADV-015", category=Category.CONNECTIVITY, late=True)
async def stderr_noise(subject: Subject) -> Judgement:
    """Judge whether a server that works writes stack traces."""
    session = await subject.server.session()
    if session.channel.transport.kind != "stdio":
        return not_applicable("the server's stderr is not ours to read")
    tail = session.channel.transport.stderr_tail
    match = _TRACE.search(tail)
    if match is None:
        return passed("no stack trace on stderr")
    start = max(0, match.start() - 200)
    return violated(
        "a server that works writes no stack traces to stderr",
        f"stderr holds {match.group().strip()!r}",
        exchange={"stderr_tail": tail[start : start + _SHOWN_STDERR]},
    )


@check("ADV-016", category=Category.CONNECTIVITY)
async def large_io(subject: Subject) -> Judgement:
    """Judge whether large and unusual input leaves the server usable."""
    reactions = (await interview(subject.server)).heavy
    if not reactions:
        return skipped("no instance of the server lived long enough to be asked")
    dead = {label: one for label, one in reactions.items() if not one.survived}
    return judged(
        "large and unusual input neither breaks nor hangs the server",
        [f"after {label} the next request got no answer: {one.after.describe()}" for label, one in dead.items()],
        looked_at=listed(list(reactions)),
        exchange=next(iter(dead.values())).answer.evidence() if dead else None,
    )


@check("ADV-020", category=Category.CONNECTIVITY, measures=True)
async def deprecated_era_only(subject: Subject) -> Judgement:
    """Judge whether the server speaks the stateless era, by what the official client agrees on with it."""
    if subject.version in STATELESS_VERSIONS:
        return passed(f"revision {subject.version}")
    report = await official_report(subject)
    if report.protocol is None:
        return skipped("the official client agreed on no revision")
    if report.protocol in STATELESS_VERSIONS:
        return passed(f"revision {report.protocol}")
    observed = f"the newest revision it speaks is {report.protocol}"
    return violated(
        f"the server speaks {STATELESS_VERSIONS[-1]} as well", observed, exchange={"protocol": report.protocol}
    )


def _said(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield what the server sent and wrote, with its place."""
    for item in received(subject.server):
        if item.method != "notifications/message":
            yield item.name, item.raw.decode("utf-8", "replace")
    session = subject.server.managed.session
    if session is not None:
        yield "stderr", session.channel.transport.stderr_tail
        yield from (("stdout", raw_text(found.raw)) for found in session.log.anomalies)


CHECKS = (secret_leak, stderr_noise, large_io, deprecated_era_only)
