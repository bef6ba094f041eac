"""What the report says of a server, read off the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config.spec import ServerSpec, UnsetVariableError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.readiness.document import ServerFacts, ServerStatus, ToolFacts

if TYPE_CHECKING:
    from mcp_assay.core.errors import AssayError
    from mcp_assay.readiness.subject import ServerUnderTest


def facts_of(
    server: ServerUnderTest | ServerSpec, *, status: ServerStatus | None = None, reason: AssayError | None = None
) -> ServerFacts:
    """Return the facts of a server that was tried, or of one that was not started, with the reason."""
    if isinstance(server, ServerSpec):
        return ServerFacts(
            name=server.name,
            config=server.config,
            line=server.line,
            status=status or ServerStatus.SKIPPED,
            transport=server.transport.value,
            error=None if reason is None else _not_started(reason),
        )
    spec, session, inventory = server.managed.spec, server.managed.session, server.inventory
    agreement = None if session is None else session.agreement
    return ServerFacts(
        name=spec.name,
        config=spec.config,
        line=spec.line,
        status=ServerStatus.CONNECTED if server.managed.fault is None else ServerStatus.FAILED,
        transport=spec.transport.value,
        error=server.managed.fault,
        era=None if agreement is None else agreement.era.value,
        revision=None if agreement is None else agreement.version,
        protocol_versions=server.spoken_versions,
        server_info=None if agreement is None else agreement.server_info,
        connect_s=None if session is None else session.started_s,
        tools=tuple(
            ToolFacts(
                name=tool.name,
                hash=tool.definition.digest,
                executed=tool.name in server.executed,
                calls=server.calls.get(tool.name, 0),
                opened=tool.decision.allowed,
                why=tool.decision.reason,
            )
            for tool in server.tools
        ),
        links=server.links.all(),
        resources=len(inventory.objects("resources")),
        prompts=len(inventory.objects("prompts")),
    )


def _not_started(reason: AssayError) -> Fault:
    """Return why a server was not started."""
    return Fault(
        kind=FaultKind.UNSET_VARIABLE if isinstance(reason, UnsetVariableError) else FaultKind.UNSUPPORTED,
        message=reason.message,
        hint=reason.hint,
    )
