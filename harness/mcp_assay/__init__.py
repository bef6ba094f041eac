"""Judge MCP servers before you deploy them, with evidence from the wire.

The names below are the library's public ones; each is imported when it is first asked for, so that ``import mcp_assay``
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mcp_assay._version import __version__

if TYPE_CHECKING:
    from mcp_assay.generation.of_tools import arguments, invalid_arguments
    from mcp_assay.readiness.validator import ProductionValidator
    from mcp_assay.runtime.background import BackgroundLoop
    from mcp_assay.runtime.executor import MultiServerExecutor
    from mcp_assay.runtime.manager import MCPClientManager
    from mcp_assay.runtime.outcome import OutcomeKind, ToolOutcome
    from mcp_assay.runtime.policy import ExecutionPolicy
    from mcp_assay.runtime.registry import DynamicToolRegistry
    from mcp_assay.runtime.states import ServerState
    from mcp_assay.runtime.supervision import WatchPolicy
    from mcp_assay.runtime.telemetry import Telemetry
    from mcp_assay.runtime.translator import ToolCallTranslator
    from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
    from mcp_assay.runtime.workflow.engine import ServerCoordinationEngine
    from mcp_assay.runtime.workflow.results import WorkflowReport
    from mcp_assay.runtime.workflow.values import Action, Plan, Retry
    from mcp_assay.wire.connect import Connector
    from mcp_assay.wire.injection import Disturbance, WireFaults

__all__ = [
    "Action",
    "BackgroundLoop",
    "Connector",
    "CrossServerWorkflowBuilder",
    "Disturbance",
    "DynamicToolRegistry",
    "ExecutionPolicy",
    "MCPClientManager",
    "MultiServerExecutor",
    "OutcomeKind",
    "Plan",
    "ProductionValidator",
    "Retry",
    "ServerCoordinationEngine",
    "ServerState",
    "Telemetry",
    "ToolCallTranslator",
    "ToolOutcome",
    "WatchPolicy",
    "WireFaults",
    "WorkflowReport",
    "__version__",
    "arguments",
    "invalid_arguments",
]

_HOMES = {
    "Action": "runtime.workflow.values",
    "BackgroundLoop": "runtime.background",
    "Connector": "wire.connect",
    "CrossServerWorkflowBuilder": "runtime.workflow.builder",
    "Disturbance": "wire.injection",
    "DynamicToolRegistry": "runtime.registry",
    "ExecutionPolicy": "runtime.policy",
    "MCPClientManager": "runtime.manager",
    "MultiServerExecutor": "runtime.executor",
    "OutcomeKind": "runtime.outcome",
    "Plan": "runtime.workflow.values",
    "ProductionValidator": "readiness.validator",
    "Retry": "runtime.workflow.values",
    "ServerCoordinationEngine": "runtime.workflow.engine",
    "ServerState": "runtime.states",
    "Telemetry": "runtime.telemetry",
    "ToolCallTranslator": "runtime.translator",
    "ToolOutcome": "runtime.outcome",
    "WatchPolicy": "runtime.supervision",
    "WireFaults": "wire.injection",
    "WorkflowReport": "runtime.workflow.results",
    "arguments": "generation.of_tools",
    "invalid_arguments": "generation.of_tools",
}


def __getattr__(name: str) -> object:
    """Return a public name, imported now.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted((*globals(), *_HOMES))
