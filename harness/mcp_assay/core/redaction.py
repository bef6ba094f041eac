"""Secrets of a run, found again in whatever encoding they come back.

The values are those a configuration hands to its servers. Known token shapes are caught as well, because a server
may print a secret that we never gave it.
"""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORTEST_SECRET = 6
"""Values shorter than this are not redacted: they would blank out ordinary text."""

_HARMLESS = frozenset(
    {"true", "false", "null", "none", "debug", "info", "warning", "error", "production", "development", "localhost"}
)
_TOKEN_SHAPES = re.compile(
    r"ghp_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|sk-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----"
)


def is_secret_worthy(value: str) -> bool:
    """Return whether a configured value may be a secret rather than a switch, a number or a log level."""
    stripped = value.strip()
    if len(stripped) < SHORTEST_SECRET or stripped.lower() in _HARMLESS:
        return False
    return not stripped.replace(".", "", 1).isdigit()


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces secrets by ``<redacted:LABEL>``.

    Attributes:
        secrets: Secret values by the label that stands in for them, for example ``{"env GITHUB_TOKEN": "…"}``.
    """

    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    _labels: dict[str, str] = field(init=False, repr=False, compare=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        labels: dict[str, str] = {}
        for label, value in self.secrets.items():
            if is_secret_worthy(value):
                for variant in _variants(value):
                    labels.setdefault(variant, label)
        ordered = sorted(labels, key=len, reverse=True)
        pattern = "|".join([*(re.escape(variant) for variant in ordered), _TOKEN_SHAPES.pattern])
        object.__setattr__(self, "_labels", labels)
        object.__setattr__(self, "_pattern", re.compile(pattern))

    def __repr__(self) -> str:
        """Return the labels only: a repr ends up in tracebacks."""
        return f"Redactor({sorted(self.secrets)})"

    def redact(self, text: str) -> str:
        """Return ``text`` with every known secret, in any known encoding, replaced by its label."""
        return self._pattern.sub(
            lambda match: f"<redacted:{self._labels.get(match.group(), 'token')}>",
            text,
        )

    def with_secrets(self, more: Mapping[str, str]) -> Redactor:
        """Return a redactor that knows ``more`` secrets as well."""
        return Redactor({**self.secrets, **more})


def _variants(value: str) -> Iterator[str]:
    """Yield the forms in which ``value`` may come back; short fragments are left out."""
    encoded = value.encode("utf-8", "surrogatepass")
    forms = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    forms |= {quote(value, safe="", errors="replace"), quote_plus(value, errors="replace"), html.escape(value)}
    forms |= {encoded.hex(), encoded.hex().upper(), *_base64_forms(encoded)}
    forms |= {line.strip() for line in value.splitlines()}
    yield from (form for form in forms if len(form) >= SHORTEST_SECRET)


def _base64_forms(value: bytes) -> Iterator[str]:
    """Yield the part of each base64 alignment that depends on ``value`` alone."""
    for padding in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * padding + value).decode("ascii").rstrip("=")
            start = (padding * 8 + 5) // 6
            end = (padding + len(value)) * 8 // 6
            yield text[start:end]
