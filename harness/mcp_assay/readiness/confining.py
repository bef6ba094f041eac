"""A run in a sandbox: what is started in place of the servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.config.overlay import Overlay
    from mcp_assay.config.spec import Launch, ServerSpec
    from mcp_assay.wire.sandbox import Sandbox


def confining(sandbox: Sandbox | None, overlay: Overlay) -> Callable[[ServerSpec, Launch], Launch] | None:
    """Return what puts a launch into the sandbox, with what the user's settings give the server; None without one."""
    if sandbox is None:
        return None

    def confined(spec: ServerSpec, launch: Launch) -> Launch:
        rule = overlay.sandbox(spec.name)
        return sandbox.confined(launch, network=bool(rule.network), folders=rule.folders)

    return confined
