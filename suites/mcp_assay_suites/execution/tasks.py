"""Tasks: answers that are given later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, skipped
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged
from mcp_assay_suites.observing.traffic import received

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject


@check("TASK-003", category=Category.EXECUTION, late=True)
async def declared_only(subject: Subject) -> Judgement:
    """Judge whether calls are answered by tasks though the client never declares that it knows them."""
    calls = [item.exchange for item in received(subject.server) if item.exchange is not None]
    answered = [one for one in calls if one.method == "tools/call" and one.result is not None]
    if not answered:
        return skipped("no call of a tool was answered by a result")
    wrong = [one for one in answered if (one.result or {}).get("resultType") == "task"]
    return judged(
        "a client that did not declare io.modelcontextprotocol/tasks gets no task",
        ["a call was answered by a task" for _ in wrong],
        looked_at=counted(len(answered), "result"),
        exchange=wrong[0].evidence() if wrong else None,
    )


CHECKS = (declared_only,)
