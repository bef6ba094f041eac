"""Answers that say no more than that a server was asked too often prove nothing against it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mcp_assay.core.verdicts import Judgement, Outcome, skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

_REASON = (
    "the server answered by HTTP 429: it limits how often it is asked, and nothing else can be told from that; "
    "judge fewer checks at a time, or raise its limit for the run"
)


def unless_throttled(judgement: Judgement) -> Judgement:
    """Return a judgement, or a skip when the answer that speaks against the server is HTTP 429.

    Some servers count wrong tokens, which a run sends on purpose, and then refuse the right one for a while.
    """
    against = judgement.outcome in {Outcome.FAIL, Outcome.WARN}
    throttled = against and judgement.exchange is not None and _is_throttled(judgement.exchange)
    return skipped(_REASON) if throttled else judgement


def _is_throttled(exchange: Mapping[str, Any]) -> bool:
    """Return whether evidence holds the status; requests that we write ourselves have it at the top."""
    answer: Mapping[str, Any] = exchange.get("http") or exchange
    return answer.get("status") == HTTPStatus.TOO_MANY_REQUESTS
