"""ADV-017, ADV-018 and ADV-019: how the configuration starts or reaches the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config.advice import PLAIN_HTTP, PLAINTEXT_SECRET, UNPINNED_LAUNCH, advise
from mcp_assay.core.verdicts import Category, Judgement, passed
from mcp_assay_suites.catalogue import check

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject


@check(UNPINNED_LAUNCH, category=Category.CONNECTIVITY)
async def unpinned_launch(subject: Subject) -> Judgement:
    """Judge whether the command names the version it starts."""
    return _advice(subject, UNPINNED_LAUNCH)


@check(PLAINTEXT_SECRET, category=Category.CONNECTIVITY)
async def plaintext_secret(subject: Subject) -> Judgement:
    """Judge whether the document holds a secret itself."""
    return _advice(subject, PLAINTEXT_SECRET)


@check(PLAIN_HTTP, category=Category.CONNECTIVITY)
async def plain_http(subject: Subject) -> Judgement:
    """Judge whether another host is reached without encryption."""
    return _advice(subject, PLAIN_HTTP)


CHECKS = (unpinned_launch, plaintext_secret, plain_http)


def _advice(subject: Subject, rule: str) -> Judgement:
    """Return the first finding of a static rule on the server's entry."""
    found = (advice for advice in advise(subject.server.managed.spec) if advice.check == rule)
    first = next(found, None)
    return passed() if first is None else first.judgement()
