"""Whether the server can be reached at all, by us and by the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_assay.core.errors import HarnessError
from mcp_assay.core.faults import FaultKind
from mcp_assay.core.verdicts import Category, Judgement, noted, passed, violated
from mcp_assay.wire.official import OfficialReport, official_client_report
from mcp_assay_suites.catalogue import check
from mcp_assay_suites.observing.harmless import harmless_call
from mcp_assay_suites.observing.judging import counted, listed, shown
from mcp_assay_suites.observing.memory import remembered

if TYPE_CHECKING:
    from mcp_assay.core.faults import Fault
    from mcp_assay.readiness.subject import ServerUnderTest, Subject

_MOST_STDERR = 4_000


@check("CONN-001", category=Category.CONNECTIVITY, unreachable=True)
async def reachable(subject: Subject) -> Judgement:
    """Judge whether the server came up and opened a conversation."""
    fault = subject.server.managed.fault
    if fault is not None and fault.kind is FaultKind.HARNESS:
        raise HarnessError(fault)
    if fault is not None:
        observed = fault.message if fault.hint is None else f"{fault.message}\nhint: {fault.hint}"
        return violated("the server starts and opens a conversation", observed, exchange=_fault_evidence(fault))
    session = await subject.server.session()
    return passed(f"revision {session.agreement.version} agreed, ready after {session.started_s:.2f} s")


@check("CONN-002", category=Category.CONNECTIVITY, measures=True)
async def official_client(subject: Subject) -> Judgement:
    """Judge whether the official client can use the server too."""
    server = subject.server
    report = await official_report(subject)
    evidence = _official_evidence(report)
    if not report.ok and await _is_told_by_the_tool(subject, report):
        return passed(f"it agreed on revision {report.protocol}; its call was answered by an error, as ours is")
    if not report.ok:
        observed = f"it failed in the phase {report.phase!r}: {report.error}"
        return violated("the official client connects, lists, calls and closes", observed, exchange=evidence)
    hidden = sorted({tool.name for tool in server.tools} - set(report.tool_names))
    if hidden:
        observed = f"it leaves out {listed([shown(name) for name in hidden])}"
        return noted("the official client lists every tool", observed, exchange=evidence)
    return passed(f"it agreed on revision {report.protocol} and listed {counted(len(report.tool_names), 'tool')}")


async def official_report(subject: Subject) -> OfficialReport:
    """Return how the official client fared with the server, which it visits once.

    Raises:
        UnavailableError: The server is down.
    """

    async def visit(server: ServerUnderTest) -> OfficialReport:
        session = await server.session()
        return await official_client_report(
            server.launch,
            budget_s=session.limits.start_s + session.limits.list_s,
            call=harmless_call(server.tools),
            reaper=subject.run.manager.connector.reaper,
            clock=subject.run.clock,
        )

    return await remembered(subject.server, OfficialReport, visit)


async def _is_told_by_the_tool(subject: Subject, report: OfficialReport) -> bool:
    """Return whether the client's call only ended as ours does: by a JSON-RPC error, which the SDK raises.

    What the SDK raises does not tell an answer of the server from trouble on the way, so the same call is made once.
    """
    call = harmless_call(subject.server.tools)
    if call is None or report.phase != "call" or not (report.error or "").startswith("MCPError: "):
        return False
    return (await subject.server.call_tool(*call)).error is not None


def _fault_evidence(fault: Fault) -> dict[str, Any]:
    """Return a fault as JSON for a report."""
    return {
        "fault": {"kind": fault.kind.value, "message": fault.message, "exit_code": fault.exit_code},
        "stderr_tail": fault.stderr_tail[-_MOST_STDERR:],
    }


def _official_evidence(report: OfficialReport) -> dict[str, Any]:
    """Return how the official client fared as JSON for a report."""
    return {
        "client": "mcp (official Python SDK)",
        "phase": report.phase,
        "error": report.error,
        "protocol": report.protocol,
        "seconds": round(report.seconds, 3),
        "stderr_tail": report.stderr_tail[-_MOST_STDERR:],
    }


CHECKS = (reachable, official_client)
