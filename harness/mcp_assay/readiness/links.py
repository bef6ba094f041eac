"""How the tools of a server hang together, as far as it was tried: what went from one of them to another."""

from __future__ import annotations

from dataclasses import dataclass, replace

MOST_LINKS = 200
"""Links noted of one server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A value that went from one tool to another.

    Attributes:
        source: The tool that returned the value or was called with it, or where else it came from.
        member: The member of its result, or its parameter.
        target: The tool that was called with the value.
        parameter: The parameter that it was given as.
        calls: How many calls were made with such values.
        worked: How many of them did their work.
    """

    source: str
    member: str
    target: str
    parameter: str
    calls: int = 0
    worked: int = 0


class Links:
    """The links of one server."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str, str, str], Link] = {}

    def note(self, link: Link, *, worked: bool) -> None:
        """Note one call along a link."""
        key = (link.source, link.member, link.target, link.parameter)
        known = self._links.get(key)
        if known is None and len(self._links) >= MOST_LINKS:
            return
        known = known or link
        self._links[key] = replace(known, calls=known.calls + 1, worked=known.worked + worked)

    def all(self) -> tuple[Link, ...]:
        """Return the links in the order in which they were found."""
        return tuple(self._links.values())
