"""Findings that the user knows and accepts.

An accepted violation is a warning that says so. An acceptance that matches nothing is stale and fails the run, because
it would hide the next finding of its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mcp_assay.core.verdicts import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_assay.core.verdicts import Verdict

ACCEPTED = "accepted"
"""First word of the reason of an accepted violation's verdict."""


class Acceptance(Protocol):
    """One accepted finding."""

    @property
    def check(self) -> str:
        """Pattern of check ids."""
        ...

    @property
    def tool(self) -> str:
        """Pattern of tool names."""
        ...

    @property
    def reason(self) -> str | None:
        """Why it is accepted."""
        ...

    @property
    def line(self) -> int:
        """Where it stands in the settings, counted from 1."""
        ...

    def covers(self, check: str, tool: str | None) -> bool:
        """Return whether a finding of ``check`` on ``tool`` (None: on the server itself) is accepted."""
        ...


@runtime_checkable
class Acceptances(Protocol):
    """Rules of the user that accept findings."""

    def accepted(self, server: str) -> Sequence[Acceptance]:
        """Return the accepted findings of a server."""
        ...


def acceptance_of(rules: object, server: str, check: str, tool: str | None) -> str | None:
    """Return why a violation is accepted, as the reason of its verdict, or None when it is not."""
    entries = rules.accepted(server) if isinstance(rules, Acceptances) else ()
    entry = next((entry for entry in entries if entry.covers(check, tool)), None)
    if entry is None:
        return None
    return f"{ACCEPTED}: {entry.reason}" if entry.reason else ACCEPTED


def stale_acceptances(rules: Acceptances, servers: Iterable[str], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield a sentence for each acceptance that no finding of a whole run needed.

    Args:
        rules: The user's rules.
        servers: Names of the servers that were judged.
        verdicts: Every verdict of the run.
    """
    for server in servers:
        found = [
            (v.check, v.tool) for v in verdicts if v.server == server and v.outcome in {Outcome.WARN, Outcome.FAIL}
        ]
        for entry in rules.accepted(server):
            if not any(entry.covers(check, tool) for check, tool in found):
                yield f"line {entry.line}: nothing on {server} needs the acceptance of {entry.check} on {entry.tool}"
