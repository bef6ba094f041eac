"""Findings that one call shows: with its exchange, and with the arguments that show it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Judgement, noted, violated
from mcp_assay.wire.diagnosis import telling_line
from mcp_assay_suites.exercising.cases import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay_suites.exercising.cases import Case

_MOST_SHOWN = 200


def what_happened(case: Case) -> str:
    """Return what came of a call, with the line of the server's last words that names the problem when it ended."""
    fault = case.exchange.fault
    if fault is None and case.after is not None and case.silenced_server:
        return f"{case.exchange.describe()}, and afterwards {case.after.describe()}"
    if fault is None:
        return case.exchange.describe()
    line = telling_line(fault.stderr_tail.splitlines()) if fault.kind.ends_connection else ""
    return f"{fault.message}; its last words: {_cut(line)}" if line else fault.message


def how_it_was_lost(case: Case) -> str:
    """Return what came of a call that the server did not survive: that, or what came after its answer."""
    if case.exchange.fault is None and case.after is not None:
        return f"afterwards {case.after.describe()}"
    return what_happened(case)


def violated_by(
    case: Case,
    expected: str,
    observed: str,
    *,
    arguments: Mapping[str, Json] | None = None,
    causes: Iterable[str] = (),
) -> Judgement:
    """Return the judgement that a call violates the requirement.

    Args:
        case: The call.
        expected: See `Judgement`.
        observed: See `Judgement`.
        arguments: What shows it again; by default what the call was made with.
        causes: See `Judgement`.
    """
    return _told(violated(expected, observed, exchange=case.exchange.evidence()), case, arguments, causes)


def noted_by(case: Case, expected: str, observed: str, *, causes: Iterable[str] = ()) -> Judgement:
    """Return the warning that a call gives rise to."""
    return _told(noted(expected, observed, exchange=case.exchange.evidence()), case, None, causes)


def _told(judgement: Judgement, case: Case, arguments: Mapping[str, Json] | None, causes: Iterable[str]) -> Judgement:
    """Return a judgement with the arguments that show it."""
    shown = case.arguments if arguments is None else arguments
    judgement = replace(judgement, arguments=shown, causes=tuple(dict.fromkeys(causes)))
    if case.needs is None:
        return replace(judgement, borrowed=bool(case.uses))
    if case.needs.calls is None:
        return replace(judgement, alone=False, observed=f"{judgement.observed}; {_NOT_ALONE}")
    if not case.needs.calls:
        return judgement
    told = ", ".join(f"{made.tool} {_cut(canonical(made.arguments))}" for made in case.needs.calls)
    before = tuple(made.as_json() for made in case.needs.calls)
    return replace(judgement, before=before, observed=f"{judgement.observed}; on a server just started, after {told}")


_NOT_ALONE = "on a server just started it did not show: it takes what earlier calls left behind"


def _cut(text: str) -> str:
    """Return a text of at most some characters."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
