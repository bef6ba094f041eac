"""Type names for JSON values."""

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Any JSON value as a parser returns it."""

JsonObject: TypeAlias = dict[str, Json]
"""A JSON object as a parser returns it."""
