"""Findings that one call shows: with its exchange, and with the arguments that show it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Judgement, noted, violated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay_suites.exercising.cases import Case


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
    return replace(judgement, arguments=shown, borrowed=bool(case.uses), causes=tuple(dict.fromkeys(causes)))
