"""Server-supplied JSON Schemas, judged in a process that can be killed.

A schema is code: a pattern can backtrack for ever, references can fan out without end. `SchemaJudge` asks a worker
process with a budget of time and memory, and takes no reference to the network or the file system.
"""

from mcp_assay.wire.schemas.judge import SchemaJudge, SchemaWorkerError
from mcp_assay.wire.schemas.values import ProblemKind, SchemaProblem, SchemaSize, SchemaVerdict

__all__ = ["ProblemKind", "SchemaJudge", "SchemaProblem", "SchemaSize", "SchemaVerdict", "SchemaWorkerError"]
