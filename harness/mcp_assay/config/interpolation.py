"""References inside configured texts: one grammar per dialect, one result, a `Template`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.config.spec import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

_BRACES = re.compile(r"\$\{(?P<body>[^{}]+)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT = ":-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a dialect writes a reference.

    Attributes:
        pattern: Matches one possible reference; group ``body`` (or ``bare``) is what it says.
        sources: Our word for each word that may stand before a name.
        separator: What stands between the two.
        plain: Our word for where a name without a source is looked up, or None when it is no reference.
        default: Whether ``:-`` introduces a default.
    """

    pattern: re.Pattern[str] | None = _BRACES
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    separator: str = ":"
    plain: str | None = None
    default: bool = False

    def split(self, text: str, fixed: Mapping[str, str]) -> list[str | Reference]:
        """Return the texts and references in ``text``; names in ``fixed`` become text, for they hold no secret."""
        parts: list[str | Reference] = []
        end = 0
        for match in self.pattern.finditer(text) if self.pattern else ():
            body = next(group for group in match.groups() if group is not None).strip()
            found = fixed[body] if body in fixed else self._reference(body)
            if found is not None:
                parts += [text[end : match.start()], found]
                end = match.end()
        parts.append(text[end:])
        return parts

    def _reference(self, body: str) -> Reference | None:
        """Return what stands between the brackets as a reference, or None when it is just text."""
        named, default = body, None
        if self.default and _DEFAULT in body:
            named, _, default = body.partition(_DEFAULT)
        word, separator, name = named.partition(self.separator)
        if separator and name and word in self.sources:
            return Reference(source=self.sources[word], name=name, default=default)
        if self.plain and _NAME.fullmatch(named):
            return Reference(source=self.plain, name=named, default=default)
        return None


NONE = Grammar(pattern=None)
"""Texts are taken as they are (Codex, Zed)."""

SHELL = Grammar(plain="env", default=True)
"""``${VAR}`` and ``${VAR:-default}`` (Claude, Copilot, Kiro)."""

DOLLAR = Grammar(
    pattern=re.compile(r"\$(?:\{(?P<body>[^{}]+)\}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*))"), plain="env", default=True
)
"""``$VAR``, ``${VAR}`` and ``${VAR:-default}`` (Gemini CLI)."""

EDITOR = Grammar(sources={"env": "env"})
"""``${env:VAR}`` beside the editor's own names (Cursor, Cline, Antigravity)."""

VSCODE = Grammar(sources={word: word for word in ("env", "input", "config", "command")})
"""``${env:VAR}``, ``${input:id}``, and what only the editor knows: ``${config:key}``, ``${command:id}``."""

WINDSURF = Grammar(sources={"env": "env", "file": "file"})
"""``${env:VAR}`` and ``${file:/path}``."""

CONTINUE = Grammar(
    pattern=re.compile(r"\$\{\{(?P<body>[^{}]+)\}\}"), sources={"secrets": "secrets", "inputs": "input"}, separator="."
)
"""``${{ secrets.NAME }}`` and ``${{ inputs.NAME }}``."""

OPENCODE = Grammar(pattern=re.compile(r"\{(?P<body>(?:env|file):[^{}]+)\}"), sources={"env": "env", "file": "file"})
"""``{env:VAR}`` and ``{file:path}``."""

BUNDLE = Grammar(sources={"user_config": "input"}, separator=".")
"""``${user_config.key}`` beside the names of folders."""

CURLY = Grammar(pattern=re.compile(r"\{(?P<body>[A-Za-z_][A-Za-z0-9_]*)\}"), plain="input")
"""``{variable}`` (registry)."""

ANY = Grammar(sources={word: word for word in ("env", "input", "file")}, plain="env", default=True)
"""What the clients that share ``mcpServers`` understand between them; used for files of no particular client."""
