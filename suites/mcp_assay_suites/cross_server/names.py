"""Names that more than one server uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.core.verdicts import Category, Judgement, not_applicable
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.judging import counted, judged, listed, shown

if TYPE_CHECKING:
    from mcp_assay.readiness.subject import Subject


@check("ADV-006", category=Category.CROSS_SERVER)
async def cross_server_collision(subject: Subject) -> Judgement:
    """Judge whether another server lists a tool of the same name."""
    mine = [tool.name for tool in subject.server.tools]
    if not mine or not subject.others:
        return not_applicable("there are no tools of other servers to tell apart")
    owners = {
        name: [shown(other.name) for other in subject.others if any(tool.name == name for tool in other.tools)]
        for name in dict.fromkeys(mine)
    }
    shared = {name: others for name, others in owners.items() if others}
    return judged(
        "a tool's name is used by one server only, so that clients need not tell servers apart",
        [f"{shown(name)} is also a tool of {listed(others)}" for name, others in shared.items()],
        looked_at=f"{counted(len(owners), 'name')}, none on {counted(len(subject.others), 'other server')}",
        exchange={"method": "tools/list", "shared": {name: list(others) for name, others in shared.items()}},
    )


CHECKS = (cross_server_collision,)
