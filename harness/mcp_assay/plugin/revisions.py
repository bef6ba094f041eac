"""Where the revisions of one server differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcp_assay.core.verdicts import Outcome, Verdict

_MOST_LINES = 40


def differences(verdicts: Iterable[Verdict], variants: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each check that a server passes in one revision and not in another.

    Args:
        verdicts: The verdicts of the run.
        variants: Server and revision by the name under which they were judged.
    """
    found: dict[tuple[str, str, str | None], dict[str, Outcome]] = {}
    for verdict in verdicts:
        if verdict.server in variants and verdict.reason is None:
            server, revision = variants[verdict.server]
            found.setdefault((server, verdict.check, verdict.tool), {})[revision] = verdict.outcome
    lines = [
        f"{server}{f'.{tool}' if tool else ''}: {check} "
        + ", ".join(f"{outcome} in {revision}" for revision, outcome in sorted(outcomes.items()))
        for (server, check, tool), outcomes in found.items()
        if len(set(outcomes.values())) > 1
    ]
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES} more differences between revisions"
