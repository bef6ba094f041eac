"""Generated checks in the hands of a user's own tests: one check, one tool, one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.readiness.plan import single_check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.core.json_types import Json
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.plugin.state import AssaySession
    from mcp_assay.readiness.made_calls import MadeCall
    from mcp_assay.readiness.subject import ServerUnderTest

    Judging = Callable[[ServerUnderTest, str, str, Mapping[str, Json], tuple[MadeCall, ...]], Verdict]
    """Judges a tool of a server by the check of an id, called with these arguments only, after some calls."""

_SLACK_S = 60.0


def judging(state: AssaySession) -> Judging:
    """Return what judges single calls in a session; it raises `UsageError` for names that nothing has."""

    def judge(
        server: ServerUnderTest, check: str, tool: str, arguments: Mapping[str, Json], before: tuple[MadeCall, ...]
    ) -> Verdict:
        item = single_check(server, state.checks, check, tool)
        deadline_s = state.settings.check_s + _SLACK_S
        return state.loop.run(lambda: state.engine.judge(item, arguments, before=before), deadline_s=deadline_s)

    return judge
