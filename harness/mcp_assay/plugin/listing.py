"""``--mcp-config auto`` without leave to run: lists what is there, starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.config.discovery import find_well_known
from mcp_assay.config.loader import load
from mcp_assay.core.errors import ConfigError
from mcp_assay.core.presentation import Presenter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.config.discovery import WellKnown


def print_listing() -> None:
    """Print the list."""
    print("\n".join(listing()))  # noqa: T201  (this is the command's output)


def listing() -> Iterator[str]:
    """Yield a line per configuration file and server, and how to run them."""
    found = find_well_known()
    if not found:
        yield "no client configuration was found on this machine"
        return
    for document in found:
        yield from _servers(document)
    yield "nothing was started; add --mcp-run-discovered to judge these servers"


def _servers(document: WellKnown) -> Iterator[str]:
    """Yield the lines of one document; one that cannot be read says why."""
    present = Presenter()
    try:
        specs = load(document.path, config_id=document.path.name, dialect=document.dialect)
    except ConfigError as problem:
        yield present.line(str(problem))
        return
    yield f"{document.path} ({document.dialect}): {len(specs)} servers"
    yield from (f"  {present.line(spec.name)} ({spec.transport.value}, line {spec.line})" for spec in specs)
