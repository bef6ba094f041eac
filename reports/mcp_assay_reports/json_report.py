"""The document itself, as one JSON object."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


def render(document: Document) -> str:
    """Return ``document`` as strict JSON in ASCII, which every reader of UTF-8 takes, ending in a newline.

    A number that JSON cannot hold becomes a string.
    """
    try:
        text = json.dumps(document, indent=2, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(document), indent=2, allow_nan=False)
    return text + "\n"


def _finite(value: object) -> Any:
    """Return ``value`` with every NaN and infinity as a string."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_finite(item) for item in cast("list[object]", value)]
    return value
