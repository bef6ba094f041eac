"""Why arguments cannot be made from a schema.

::

    AssayError
    └── GenerationError            no arguments can be made
        ├── UnsatisfiableError     no value conforms to the schema
        ├── TooComplexError        some value may, but finding it would take too long
        └── UnusableSchemaError    the schema is broken or needs the network
"""

from __future__ import annotations

from mcp_assay.core.errors import AssayError


class GenerationError(AssayError):
    """No arguments can be made from a schema."""


class UnsatisfiableError(GenerationError):
    """No value conforms to the schema."""


class TooComplexError(GenerationError):
    """Conforming values may exist, but the schema exceeds what is worth trying."""


class UnusableSchemaError(GenerationError):
    """The schema is broken, or refers to something outside the document."""
