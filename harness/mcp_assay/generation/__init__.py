"""JSON Schema to arguments, valid and invalid."""

from mcp_assay.generation.errors import GenerationError, TooComplexError, UnsatisfiableError, UnusableSchemaError
from mcp_assay.generation.invalid import Breaker, InvalidArguments, invalid_arguments, invalid_examples
from mcp_assay.generation.sources import Style
from mcp_assay.generation.surroundings import Surroundings
from mcp_assay.generation.valid import Maker, arguments, example_arguments, maker_of

__all__ = [
    "Breaker",
    "GenerationError",
    "InvalidArguments",
    "Maker",
    "Style",
    "Surroundings",
    "TooComplexError",
    "UnsatisfiableError",
    "UnusableSchemaError",
    "arguments",
    "example_arguments",
    "invalid_arguments",
    "invalid_examples",
    "maker_of",
]
