"""Are the definitions those that were accepted before?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_assay.core.verdicts import Category, Judgement, not_applicable, noted, passed, skipped, violated
from mcp_assay.readiness.lock import FILE_NAME, LOCKED_LISTS
from mcp_assay.readiness.locking.changes import Severity, readable
from mcp_assay.readiness.subject import UnavailableError
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.readiness.lock import Lock, LockedServer
    from mcp_assay.readiness.locking.changes import Change
    from mcp_assay.readiness.subject import ServerUnderTest, Subject

_EXPECTED = f"the definitions that {FILE_NAME} holds"


@check("ADV-008", category=Category.SCHEMA)
async def definition_drift(subject: Subject) -> Judgement:
    """Judge a server's definitions by the lock file: what breaks callers violates it, anything else is a warning."""
    lock, server = subject.run.lock, subject.server
    if lock is None:
        return not_applicable(f"there is no {FILE_NAME} to compare with; --mcp-lock update writes one")
    if server.managed.spec.protocol is not None:
        return not_applicable("definitions are locked in the revision that is agreed on first")
    problem = _broken_off(server)
    return skipped(problem) if problem is not None else _judged(lock, server)


def _judged(lock: Lock, server: ServerUnderTest) -> Judgement:
    """Return what the lock file says of a server whose lists are whole."""
    session = server.managed.session
    if session is None:
        raise UnavailableError("the server is not connected")
    now = lock.snapshot(server.inventory, session.agreement)
    changes = lock.changes(server.managed.id, now)
    if changes is None:
        return violated(_EXPECTED, f"{FILE_NAME} does not hold this server; --mcp-lock update adds it")
    if not changes:
        return passed(f"{counted(now.size, 'definition')} as locked")
    broken = any(change.severity is Severity.BREAKING for change in changes)
    verdict = violated if broken else noted
    observed = readable(changes) + _other_revision(lock.servers[server.managed.id], now)
    return verdict(_EXPECTED, observed, exchange=_evidence(changes))


def _broken_off(server: ServerUnderTest) -> str | None:
    """Return why a list is not whole, or None: what is missing from such a list was not removed."""
    listings = server.inventory.listings
    problems = ((key, listings[key].problem) for key in LOCKED_LISTS if key in listings)
    return next((f"{key}/list ended early: {problem}" for key, problem in problems if problem is not None), None)


def _other_revision(locked: LockedServer, now: LockedServer) -> str:
    """Return a line when the lists are of different revisions, which explains some changes."""
    if locked.revision == now.revision:
        return ""
    return f"\n(locked in revision {locked.revision or 'unknown'}, listed now in {now.revision})"


def _evidence(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the changes as data."""
    return {
        "lock": FILE_NAME,
        "changes": [{"severity": one.severity.value, "subject": one.subject, "change": one.text} for one in changes],
    }


CHECKS = (definition_drift,)
