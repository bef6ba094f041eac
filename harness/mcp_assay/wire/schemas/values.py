"""What the schema worker says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """The class of a problem, so that a check can ask for the part it judges."""

    SCHEMA = "schema"
    """The schema breaks its dialect's metaschema or cannot be compiled."""
    REFERENCE = "reference"
    """A reference points at nothing in the document."""
    EXTERNAL = "external"
    """A reference leaves the document; it is never fetched."""
    PATTERN = "pattern"
    """A regular expression compiles in no engine."""
    FOREIGN_PATTERN = "foreign-pattern"
    """A regular expression is understood by some engine but is not ECMA-262 (JSON Schema 2020-12 §6.4: SHOULD be)."""
    DIALECT = "dialect"
    """``$schema`` names no dialect we know; the schema was judged as 2020-12."""
    INSTANCE = "instance"
    """The instance does not conform to the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaProblem:
    """One problem of a schema or of an instance.

    Attributes:
        kind: Its class.
        path: JSON Pointer (RFC 6901) of the place in the schema, or in the instance for `ProblemKind.INSTANCE`.
        message: One sentence without a full stop, at most some 300 characters of server text in it.
        keyword: The keyword that is violated or misused, or an empty string.
        schema_path: For `ProblemKind.INSTANCE`, JSON Pointer of the keyword in the schema; otherwise empty.
    """

    kind: ProblemKind
    path: str
    message: str
    keyword: str = ""
    schema_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSize:
    """How big a schema is.

    Attributes:
        depth: Deepest nesting of JSON containers, 1 for ``{}``.
        subschemas: Number of subschemas including the root.
        size_bytes: Length of its compact JSON text with non-ASCII characters escaped.
        compile_s: Seconds the worker took to compile it, 0 when it did not get that far.
    """

    depth: int
    subschemas: int
    size_bytes: int
    compile_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaVerdict:
    """The answer to one question to the worker.

    Attributes:
        problems: At most 20, most basic first; empty when all is well or when nothing could be judged.
        exceeded: Whether time, memory or depth ran out, so that the question has no answer.
        unusable: Whether an instance was not judged because the schema itself cannot be used; the problems say why.
        reason: Why there is no answer, in one sentence, or None.
        size: Measures of the schema, for a checked schema only.
    """

    problems: tuple[SchemaProblem, ...] = ()
    exceeded: bool = False
    unusable: bool = False
    reason: str | None = None
    size: SchemaSize | None = None

    @property
    def clean(self) -> bool:
        """Return whether the question was answered and there is no problem."""
        return not (self.problems or self.exceeded or self.unusable)

    def of_kind(self, *kinds: ProblemKind) -> tuple[SchemaProblem, ...]:
        """Return the problems of these kinds."""
        return tuple(problem for problem in self.problems if problem.kind in kinds)
