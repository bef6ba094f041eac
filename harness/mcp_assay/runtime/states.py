"""The life of a managed server, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from mcp_assay.runtime.inventory import Inventory

if TYPE_CHECKING:
    from mcp_assay.config.spec import Launch, ServerSpec
    from mcp_assay.core.faults import Fault
    from mcp_assay.wire.session import ServerSession
    from mcp_assay.wire.transport import CloseReport


class ServerState(StrEnum):
    """Where a server is in its life."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_under_way(self) -> bool:
        """Whether it may become ready without anybody asking for it."""
        return self in {ServerState.STARTING, ServerState.RECONNECTING}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One change of a server's state.

    Attributes:
        server: The server's id.
        before: The state it was in.
        state: The state it is in now.
        at: When, seconds on the connector's clock.
        fault: What caused it, None when nothing went wrong.
    """

    server: str
    before: ServerState
    state: ServerState
    at: float
    fault: Fault | None = None


@dataclass(slots=True, kw_only=True)
class ManagedServer:
    """One configured server and what became of it.

    Attributes:
        spec: Its configuration.
        launch: What was started, None when a variable is unset or nothing was tried.
        session: The open conversation, None when there is none.
        inventory: What it listed.
        fault: Why it cannot be used, None when it can.
        closed: How the last conversation ended.
        restarts: How often it was started again.
        state: Where it is in its life; `ServerState.STOPPED` before anything was tried.
    """

    spec: ServerSpec
    launch: Launch | None = None
    session: ServerSession | None = None
    inventory: Inventory = field(default_factory=Inventory)
    fault: Fault | None = None
    closed: CloseReport | None = None
    restarts: int = 0
    state: ServerState = ServerState.STOPPED

    @property
    def id(self) -> str:
        """The server's unique name in a run: configuration id, ``::``, name."""
        return self.spec.id

    @property
    def connected(self) -> bool:
        """Whether there is a live conversation."""
        return self.session is not None and self.session.alive
