"""What a server names outside its tools: in what its resources say and in what it completes arguments with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay_suites.exercising.known_values import Known
from mcp_assay_suites.exercising.texts import named_values
from mcp_assay_suites.observing.contents import completions, readings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_assay.readiness.subject import Subject
    from mcp_assay_suites.observing.contents import Completions, Readings


async def offered_values(subject: Subject) -> list[tuple[str, Known]]:
    """Return values by the name of a parameter that may take them; asks the server once a run.

    Raises:
        UnavailableError: The server is down.
    """
    server, found = subject.server, list[tuple[str, Known]]()
    if (await server.session()).offers("completions"):
        found += _completed(await completions(server))
    if (await server.session()).offers("resources"):
        found += _read(await readings(server))
    return found


def _completed(made: Completions) -> Iterator[tuple[str, Known]]:
    """Yield what arguments of prompts and variables of templates can be."""
    for name, values in made.values.items():
        yield from ((name, Known(value=value, source="completion/complete", member=name)) for value in values)


def _read(made: Readings) -> Iterator[tuple[str, Known]]:
    """Yield what the contents of resources name, where they are JSON."""
    for exchange in made.listed.values():
        contents = (exchange.result or {}).get("contents")
        for entry in contents if isinstance(contents, list) else []:
            text = entry.get("text") if isinstance(entry, dict) else None
            for member, value in named_values(text) if isinstance(text, str) else ():
                yield member, Known(value=value, source="resources/read", member=member)
