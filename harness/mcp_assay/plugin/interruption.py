"""What a run that broke off knows of the servers that it had not come to judge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.readiness.document import ServerFacts, ServerStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.faults import Fault


def after_breaking_off(facts: ServerFacts, faults: Mapping[str, Fault]) -> ServerFacts:
    """Return facts in which a server that nobody left out on purpose is not told as skipped.

    Args:
        facts: What is known of the server.
        faults: Why servers had failed by then, by configuration and name as in the id of a `ServerSpec`.
    """
    if facts.status is not ServerStatus.SKIPPED or facts.error is not None:
        return facts
    fault = faults.get(f"{facts.config}::{facts.name}")
    if fault is not None:
        return replace(facts, status=ServerStatus.FAILED, error=fault)
    return replace(facts, status=ServerStatus.INTERRUPTED)
