"""Server-supplied JSON Schemas, judged in a process that can be killed.

A schema is code: a pattern can backtrack for ever, references can fan out without end. `SchemaJudge` asks a worker
process with a budget of time and memory, and takes no reference to the network or the file system.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mcp_assay.wire.schemas.values import ProblemKind, SchemaProblem, SchemaSize, SchemaVerdict

if TYPE_CHECKING:
    from mcp_assay.wire.schemas.judge import SchemaJudge, SchemaWorkerError

__all__ = ["ProblemKind", "SchemaJudge", "SchemaProblem", "SchemaSize", "SchemaVerdict", "SchemaWorkerError"]


def __getattr__(name: str) -> object:
    """Return what the asking side exports; the worker imports this package too and starts sooner without asyncio."""
    if name not in {"SchemaJudge", "SchemaWorkerError"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("mcp_assay.wire.schemas.judge"), name)
