"""Secrets of the configuration, found again in what a server sends."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

from mcp_assay.config.secrets import is_telling
from mcp_assay.core.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_assay.readiness.subject import ServerUnderTest

_SHORTEST = 8
"""Shorter secrets are not looked for: they may stand in ordinary text by chance."""


def telling_secrets(server: ServerUnderTest) -> Mapping[str, str]:
    """Return the secrets by label; values whose name does not say that they are secret are left out."""
    return {
        label: value
        for label, value in server.launch.secrets.items()
        if len(value) >= _SHORTEST and (not label.startswith("env ") or is_telling(label.removeprefix("env ")))
    }


def leaked(secrets: Mapping[str, str], text: str) -> Iterator[str]:
    """Yield the labels of the secrets that stand in a text, as they are, in base64 or quoted for a URL."""
    for label, value in secrets.items():
        encoded = base64.b64encode(value.encode()).decode("ascii").rstrip("=")
        if any(variant in text for variant in {value, encoded, quote(value, safe="")}):
            yield label


def looks_like_token(text: str) -> bool:
    """Return whether a text holds something of the shape of a well-known kind of token."""
    redactor = Redactor()
    return redactor.redact(text) != text
