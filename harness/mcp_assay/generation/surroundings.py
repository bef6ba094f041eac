"""Where generated values may point: nowhere that matters."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json


def _default_directory() -> str:
    """Return a folder of ours below the machine's temporary folder; it is not made."""
    return str(Path(tempfile.gettempdir()) / "mcp-assay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What plausible values are made of.

    Attributes:
        directory: Absolute path below which every generated file path lies.
        domain: Host name that every generated URL, host and mail address ends in; ``.invalid`` resolves nowhere
            (RFC 2606).
        known: Values to prefer by property name, for example ids from earlier results or from the user's overlay;
            a value that does not conform where it is wanted is left out.
    """

    directory: str = field(default_factory=_default_directory)
    domain: str = "example.invalid"
    known: Mapping[str, tuple[Json, ...]] = field(default_factory=dict[str, "tuple[Json, ...]"])
