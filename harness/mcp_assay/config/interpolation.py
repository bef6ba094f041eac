"""References inside configured texts: one grammar per dialect, one result, a `Template`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.config.spec import Reference, Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.tree import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a dialect writes a reference.

    Attributes:
        pattern: Matches one reference; named groups ``source``, ``name`` and ``default``, of which only ``name`` must
            be there. Matches whose group ``literal`` is set stand for that text.
        source: Where a reference without a source is looked up.
        sources: The dialect's words for sources, by our word.
    """

    pattern: re.Pattern[str] | None = None
    source: str = "env"
    sources: Mapping[str, str] = field(default_factory=dict[str, str])

    def parse(self, text: str, mark: Mark, fixed: Mapping[str, str]) -> Template:
        """Return ``text`` as a template; names in ``fixed`` are replaced at once, for they hold no secret."""
        parts: list[str | Reference] = []
        end = 0
        for match in self.pattern.finditer(text) if self.pattern else ():
            parts += [text[end : match.start()], self._part(match, fixed)]
            end = match.end()
        parts.append(text[end:])
        return Template(_joined(parts), mark.line, mark.column)

    def _part(self, match: re.Match[str], fixed: Mapping[str, str]) -> str | Reference:
        groups = match.groupdict()
        name = groups["name"]
        source = groups.get("source")
        if source is None and name in fixed:
            return fixed[name]
        return Reference(
            source=self.sources.get(source, source) if source else self.source,
            name=name,
            default=groups.get("default"),
        )


def _joined(parts: list[str | Reference]) -> tuple[str | Reference, ...]:
    """Return the parts with neighbouring texts joined and empty ones left out."""
    joined: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)


_NAME = r"[A-Za-z_][A-Za-z0-9_]*"

NONE = Grammar()
"""No interpolation at all: texts are taken as they are."""

SHELL = Grammar(pattern=re.compile(rf"\$\{{(?P<name>{_NAME})(?::-(?P<default>[^}}]*))?\}}"))
"""``${VAR}`` and ``${VAR:-default}`` (Claude)."""

ANY = Grammar(
    pattern=re.compile(
        rf"\$\{{(?:(?P<source>env|input|file):|(?={_NAME}[:}}]))(?P<name>[^}}:]+)(?::-(?P<default>[^}}]*))?\}}"
    )
)
"""What the clients that share ``mcpServers`` understand between them; used for files of no particular client."""
